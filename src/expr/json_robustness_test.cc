// Documents that were damaged at random: nothing may crash, and what is read must not
// depend on what the documents before it looked like.
#include <random>
#include <string>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

#include "expr/json_path.h"
#include "expr/json_schema.h"
#include "expr/json_test_documents.h"

namespace millrace::expr {
namespace {

constexpr std::string_view kSchema =
    "user_id string, amount double, timestamp timestamp, day date, n decimal(20,4), k "
    "tinyint, "
    "raw binary, s struct<x:int,y:string,z:struct<p:bigint,q:float>>, "
    "l array<struct<x:smallint,y:string>>, m map<string,array<int>>, flag boolean, "
    "_corrupt_record string";

const std::string kDocuments[] = {
    R"({"user_id": "u3", "amount": 123.45, "timestamp": "2026-02-01T12:34:56.123456"})",
    R"({"s":{"x":1,"y":"caf\u00e9 \ud83d\ude00","z":{"p":-9223372036854775808,"q":1e-3}},)"
    R"("l":[{"x":1,"y":null},{"x":"bad"}],"m":{"a":[1,2],"b":[]},"flag":true})",
    R"({"raw":"QUJDRA==","n":"1,234.56789","k":200,"day":"2024-02-29","user_id":[1,{"q":"é"}]})",
    R"({"unknown":{"a":[[[]]],"b":"\\\""},"user_id":"a longer text than fits inline é😀",)"
    R"("amount":-1.7976931348623157e308})",
    R"([{"user_id":"a"},{"amount":1},{"s":{"x":"y"}}])",
    R"(  { 'user_id' : 'single' , "amount" : NaN , "k" : null , "flag" : false }  )",
};

class Mutator {
 public:
  std::string Next() {
    std::string text = Pick();
    for (int n = Below(4); n >= 0; --n) Change(&text);
    return text;
  }

 private:
  const std::string& Pick() { return kDocuments[Below(std::size(kDocuments))]; }
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void Change(std::string* text) {
    static constexpr std::string_view kBytes =
        "{}[]\",:\\ tfnu0123456789-+.eE/'*#\n\t\x01\x80\xc3\xa9\xed\xa0\xf0\x9f\x98\xff";
    const size_t at = Below(text->size() + 1);
    switch (Below(6)) {
      case 0:
        text->erase(at, 1 + Below(6));
        break;
      case 1:
        text->insert(at, 1, kBytes[Below(kBytes.size())]);
        break;
      case 2:
        if (at < text->size()) (*text)[at] = static_cast<char>(random_());
        break;
      case 3:
        text->resize(at);
        break;
      case 4: {
        const std::string& other = Pick();
        text->insert(at, other.substr(Below(other.size()), Below(40)));
        break;
      }
      default:
        text->insert(at, 1 + Below(5), "[{\"\\0"[Below(5)]);
    }
  }

  std::minstd_rand random_{20240601};
};

TEST(JsonRobustness, MutatedDocuments) {
  constexpr int kBatches = 400;
  constexpr size_t kRows = 500;
  Mutator mutator;
  const auto reader = TestReader(kSchema);
  const auto lenient =
      TestReader(kSchema, {{"allowComments", "true"},
                           {"allowUnquotedFieldNames", "true"},
                           {"allowNumericLeadingZeros", "true"},
                           {"allowBackslashEscapingAnyCharacter", "true"},
                           {"allowUnquotedControlChars", "true"}});
  ASSERT_TRUE(reader.ok() && lenient.ok());
  std::vector<std::string> documents(kRows);
  int malformed = 0;
  for (int batch = 0; batch < kBatches; ++batch) {
    for (std::string& document : documents) document = mutator.Next();
    const data::ArrayPtr column = TestDocuments(documents);
    JsonReader& tried = batch % 4 == 3 ? **lenient : **reader;
    const auto read = tried.Read(*column, 0);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_EQ((*read)->length(), static_cast<int64_t>(kRows));
    ASSERT_TRUE((*read)->Validate().ok()) << (*read)->Validate().ToString();
    malformed += static_cast<int>((*read)->null_count());
    if (batch % 40 != 0) continue;
    // One by one, by readers that know nothing of the others.
    for (size_t row = 0; row < kRows; row += 7) {
      const auto alone = TestReader(kSchema);
      const auto one = (*alone)->Read(*TestDocuments({&documents[row], 1}), 0);
      ASSERT_TRUE(one.ok());
      EXPECT_EQ(TestText(**read, static_cast<int64_t>(row)), TestText(**one, 0))
          << documents[row];
    }
  }
  RecordProperty("documents", static_cast<int>(kBatches * kRows));
}

TEST(JsonRobustness, MutatedLinesSchemasAndPaths) {
  Mutator mutator;
  const auto reader = TestReader(kSchema, {}, "UTC", "json");
  const auto dropping = TestReader(kSchema, {{"mode", "DROPMALFORMED"}}, "UTC", "json");
  ASSERT_TRUE(reader.ok() && dropping.ok());
  const auto path = ParseJsonPath("$.l[*].y");
  ASSERT_TRUE(path.has_value());
  JsonPathReader paths;
  std::vector<std::vector<char>> texts(200);  // each in memory of its own size
  for (int batch = 0; batch < 60; ++batch) {
    std::vector<std::string_view> lines;
    for (std::vector<char>& exact : texts) {
      const std::string mutated = mutator.Next();
      exact.assign(mutated.begin(), mutated.end());
      exact.shrink_to_fit();
      const std::string_view text(exact.data(), exact.size());
      lines.push_back(text);
      std::string found;
      (void)paths.Find(text, *path, &found);
      (void)paths.ObjectKeys(text);
      (void)paths.ArrayLength(text);
      (void)InferJsonType(text, {}, {});
      (void)ParseJsonPath(text);
    }
    const auto all = (*reader)->ReadLines(lines, 0);
    const auto good = (*dropping)->ReadLines(lines, 0);
    ASSERT_TRUE(all.ok() && good.ok());
    ASSERT_TRUE((*all)->Validate().ok());
    ASSERT_TRUE((*good)->Validate().ok());
    EXPECT_LE((*good)->num_rows(), (*all)->num_rows());
  }
}

// Cut off anywhere, a document is read or not, but never beyond its end: each one lies in
// memory of its own size.
TEST(JsonRobustness, EveryPrefix) {
  const auto reader = TestReader(kSchema);
  ASSERT_TRUE(reader.ok());
  for (const std::string& document : kDocuments) {
    for (size_t size = 0; size <= document.size(); ++size) {
      const std::vector<char> exact(document.begin(),
                                    document.begin() + static_cast<int64_t>(size));
      const std::string_view lines[] = {{exact.data(), exact.size()}};
      ASSERT_TRUE((*reader)->ReadLines(lines, 0).ok());
      const std::string prefix = document.substr(0, size);
      const auto read = (*reader)->Read(*TestDocuments({&prefix, 1}), 0);
      ASSERT_TRUE(read.ok() && (*read)->Validate().ok());
    }
  }
}

}  // namespace
}  // namespace millrace::expr
