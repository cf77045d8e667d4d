// JSON lines: blocks, batches and schema inference; what a document means is its parser's
// test.
#include <gmock/gmock.h>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include "base/error.h"
#include "connectors/file/file_testing.h"
#include "connectors/file/json_schema.h"
#include "connectors/file/line_reader.h"

namespace millrace::connectors::file {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Gives each line as the one string column, without looking inside.
class EchoParser final : public connector::RowParser {
 public:
  explicit EchoParser(data::SchemaPtr schema) : schema_(std::move(schema)) {}
  Result<data::Batch> Parse(std::span<const std::string_view> lines) override {
    std::string json = "[";
    for (const std::string_view line : lines) {
      if (line.empty()) continue;
      if (line == "bad") return ArgumentError("bad line");
      json += fmt::format("{}[\"{}\"]", json.size() > 1 ? "," : "", line);
    }
    return data::BatchFromJson(schema_, json + "]");
  }

 private:
  const data::SchemaPtr schema_;
};

connector::RowParserFactory Echo() {
  return [](const data::SchemaPtr& schema, const Options&, const std::string&) {
    return Result<std::unique_ptr<connector::RowParser>>(
        std::make_unique<EchoParser>(schema));
  };
}

class JsonFormatTest : public testing::Test {
 protected:
  Result<std::vector<std::string>> Read(std::string_view text,
                                        std::map<std::string, std::string> options = {},
                                        const std::string& path = "/d/a.json") {
    WriteText(fs_, path, text);
    return ReadBatch(*MakeJsonProvider(Echo()), fs_, path,
                     {.options = std::move(options), .schema = "line string"});
  }

  MemFileSystem fs_;
};

TEST_F(JsonFormatTest, ReadsLines) {
  EXPECT_THAT(Must(Read("a\nb\r\n\nc\rd")), ElementsAre("[a]", "[b]", "[c]", "[d]"));
  EXPECT_THAT(Must(Read("\xEF\xBB\xBF"
                        "a\n")),
              ElementsAre("[a]"));
  EXPECT_THAT(Must(Read("")), IsEmpty());
  EXPECT_THAT(Must(Read("a|b c|", {{"lineSep", "|"}})), ElementsAre("[a]", "[b c]"));
  EXPECT_THAT(Must(Read("a b", {{"multiLine", "true"}})), ElementsAre("[a b]"));
  EXPECT_FALSE(Read("a\nbad\n").ok());
}

TEST_F(JsonFormatTest, LinesMayCrossBlocksAndBeLong) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 300'000; ++i) {
    text += fmt::format("line{}\n", i);
    expected.push_back(fmt::format("[line{}]", i));
  }
  text += std::string(5 << 20, 'x') + "\nlast\n";
  expected.push_back("[" + std::string(5 << 20, 'x') + "]");
  expected.push_back("[last]");
  const auto rows = Must(Read(text));
  EXPECT_TRUE(rows == expected);  // a failure would print them all
}

TEST_F(JsonFormatTest, UncompressesByName) {
  const auto codec = arrow::util::Codec::Create(arrow::Compression::GZIP).ValueOrDie();
  const std::string text = "a\nb\n";
  std::string packed(1000, '\0');
  const int64_t size = codec
                           ->Compress(static_cast<int64_t>(text.size()),
                                      reinterpret_cast<const uint8_t*>(text.data()), 1000,
                                      reinterpret_cast<uint8_t*>(packed.data()))
                           .ValueOrDie();
  packed.resize(static_cast<size_t>(size));
  EXPECT_THAT(Must(Read(packed, {}, "/d/a.json.gz")), ElementsAre("[a]", "[b]"));
  const Status damaged = Read("no gzip", {}, "/d/b.json.gz").status();
  EXPECT_EQ(damaged.error().error_class, "FAILED_READ_FILE.NO_HINT");
}

std::string Infer(std::initializer_list<std::string_view> documents,
                  JsonSchemaOptions options = {}) {
  JsonSchemaInference inference(options);
  for (const std::string_view document : documents) Must(inference.Add(document));
  return data::SimpleTypeName(*arrow::struct_(inference.Finish()->fields()));
}

// Run on Spark 4.2.
TEST(JsonSchemaInference, IsSparks) {
  EXPECT_EQ(
      Infer({R"({"b":1,"a":"x","A2":null,"c":[1,2.5],"d":{"z":1,"y":"q"},"e":[],"f":{},)"
             R"("g":12345678901234567890,"h":""})",
             "", R"({"b":1.5,"d":{"w":[{"p":1}]},"bad)", R"({"b":2,"a":3})",
             R"([{"q":true},{"q":1}])", "5"}),
      "struct<A2:string,_corrupt_record:string,a:string,b:bigint,c:array<double>,"
      "d:struct<y:string,z:bigint>,e:array<string>,g:decimal(20,0),h:string,q:string>");
}

TEST(JsonSchemaInference, WidensNumbersAndFallsBackToStrings) {
  EXPECT_EQ(Infer({R"({"a":1,"b":true,"c":1,"d":[1]})",
                   R"({"a":2.5,"b":null,"c":"x","d":{}})"}),
            "struct<a:double,b:boolean,c:string,d:string>");
  EXPECT_EQ(Infer({R"({"a":1})", R"({"a":12345678901234567890})"}),
            "struct<a:decimal(20,0)>");
  EXPECT_EQ(Infer({R"({"a":1,"b":[true]})"}, {.primitives_as_string = true}),
            "struct<a:string,b:array<string>>");
  EXPECT_EQ(Infer({"{}"}), "struct<>");
}

TEST(JsonSchemaInference, MalformedDocumentsFollowTheMode) {
  EXPECT_EQ(Infer({"{", R"({"a":1})"}, {.corrupt_column = "bad"}),
            "struct<a:bigint,bad:string>");
  EXPECT_EQ(Infer({"{", R"({"a":1})"}, {.corrupt_column = ""}), "struct<a:bigint>");
  JsonSchemaInference strict({.fail_fast = true});
  EXPECT_EQ(strict.Add("{").error().error_class,
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
}

}  // namespace
}  // namespace millrace::connectors::file
