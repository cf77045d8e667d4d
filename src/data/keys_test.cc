#include "data/keys.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"

namespace millrace::data {
namespace {

Batch Rows(std::string_view ddl, std::string_view json) {
  const Result<SchemaPtr> schema = ParseDdl(ddl);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  Result<Batch> batch = BatchFromJson(*schema, json);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  return *batch;
}

EncodedKeys Encode(const Batch& batch) {
  EncodedKeys keys;
  const Status status = EncodeKeys(batch->columns(), &keys);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return keys;
}

Batch Decode(const EncodedKeys& keys, const SchemaPtr& schema) {
  std::vector<std::string_view> views;
  for (int64_t i = 0; i < keys.size(); ++i) views.push_back(keys[i]);
  std::vector<TypePtr> types;
  for (const FieldPtr& field : schema->fields()) types.push_back(field->type());
  const Result<std::vector<ArrayPtr>> columns = DecodeKeys(views, types);
  EXPECT_TRUE(columns.ok()) << columns.status().ToString();
  if (!columns.ok()) return EmptyBatch(schema);
  return arrow::RecordBatch::Make(schema, keys.size(), *columns);
}

void ExpectRoundTrip(const Batch& batch) {
  for (int64_t offset = 0; offset <= batch->num_rows(); ++offset) {
    const Batch slice = batch->Slice(offset);
    const EncodedKeys keys = Encode(slice);
    ASSERT_EQ(keys.size(), slice->num_rows());
    const Batch decoded = Decode(keys, batch->schema());
    ASSERT_TRUE(decoded->ValidateFull().ok()) << decoded->ValidateFull().ToString();
    EXPECT_TRUE(decoded->Equals(*slice, arrow::EqualOptions::Defaults().nans_equal(true)))
        << decoded->ToString() << slice->ToString();
    // A slice encodes as the rows do alone.
    const EncodedKeys all = Encode(batch);
    for (int64_t i = 0; i < keys.size(); ++i) EXPECT_EQ(keys[i], all[offset + i]);
  }
}

TEST(Keys, RoundTripOfEveryType) {
  ExpectRoundTrip(Rows(
      "b boolean, i8 byte, i16 short, i32 int, i64 bigint, f float, d double, dc "
      "decimal(38,3), "
      "s string, bin binary, dt date, ts timestamp, tn timestamp_ntz, iv interval day to "
      "second, "
      "ym interval year to month, n void, a array<string>, st "
      "struct<x:int,y:struct<z:string>>, "
      "w struct<start:timestamp,end:timestamp>",
      R"([[true, 1, 2, 3, 4, 1.5, 2.5, "1.250", "short", "bin", "2024-01-01", "2024-01-01",
           "2024-01-01", 1000, 13, null, ["a", null, "0123456789abcdef"], [7, ["nested"]],
           ["2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"]],
          [null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
           null, null, null, null],
          [false, -1, -2, -3, -4, -1.5, "NaN", "-99999999999999999999999999999999999.999",
           "a text that is not inline", "bytes that are not inline", "0001-01-01", "1800-01-01",
           "1800-01-01", -5, -1, null, [], [null, [null]], [null, "2024-01-01"]],
          [true, 127, 32767, 2147483647, 9223372036854775807, 3.5, "-Infinity", "0", "", "",
           "9999-12-31", "9999-12-31", "9999-12-31", 1, 1, null, [null], [8, null],
           ["1800-01-01", "2024-01-01"]]])"));
}

TEST(Keys, RoundTripOfEachFastPath) {
  ExpectRoundTrip(
      Rows("w struct<start:timestamp,end:timestamp>, s string",
           R"([[[1, 2], "u1"], [[3, 4], "u2"], [[5, 6], "a user id that is long"]])"));
  ExpectRoundTrip(
      Rows("w struct<a:boolean,b:double,c:decimal(10,2),d:byte>, i bigint",
           R"([[[true, 1.5, "2.25", 3], 1], [[false, -1.5, "-2.25", -3], 2]])"));
  ExpectRoundTrip(Rows("i int, t timestamp, d date", R"([[1, 2, 3], [4, 5, 6]])"));
  ExpectRoundTrip(
      Rows("i int, s string, t timestamp",
           R"([[1, null, 3], [null, "x", 6], [null, null, null], [7, "", 9]])"));
}

// The bytes are part of the checkpoint: this test changes only together with the format.
TEST(Keys, BytesOfTheFormat) {
  using namespace std::string_literals;
  const auto key = [](std::string_view ddl, std::string_view row) {
    return std::string(Encode(Rows(ddl, "[" + std::string(row) + "]"))[0]);
  };
  EXPECT_EQ(key("i bigint", "[258]"), "\0\x02\x01\0\0\0\0\0\0"s);
  EXPECT_EQ(key("i int", "[null]"), "\x01"s);
  EXPECT_EQ(key("a int, s string", "[null, \"u1\"]"), "\x01\x02u1"s);
  EXPECT_EQ(key("s string", "[\"\"]"), "\0\0"s);
  EXPECT_EQ(key("b boolean, c byte, d short", "[true, -1, 2]"), "\0\x01\xFF\x02\0"s);
  EXPECT_EQ(key("d double", "[1.0]"), "\0\0\0\0\0\0\0\xF0\x3F"s);
  EXPECT_EQ(key("d double", "[\"NaN\"]"), "\0\0\0\0\0\0\0\xF8\x7F"s);
  EXPECT_EQ(key("f float", "[\"NaN\"]"), "\0\0\0\xC0\x7F"s);
  EXPECT_EQ(key("d decimal(10,2)", "[\"-0.01\"]"), "\0"s + std::string(16, '\xFF'));
  EXPECT_EQ(key("w struct<start:timestamp,end:timestamp>", "[[1, 2]]"),
            "\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"s);
  EXPECT_EQ(key("w struct<a:int,b:string>", "[[null, \"x\"]]"), "\0\x01\x01x"s);
  EXPECT_EQ(key("a array<byte>", "[[1, null, 3]]"), "\0\x03\x02\x01\x03"s);
  EXPECT_EQ(key("s string", "[\"" + std::string(300, 'x') + "\"]"),
            "\0\xAC\x02"s + std::string(300, 'x'));
  // The ninth column begins another byte of nulls.
  EXPECT_EQ(key("a byte, b byte, c byte, d byte, e byte, f byte, g byte, h byte, i byte",
                "[1, 1, 1, 1, 1, 1, 1, 1, null]"),
            "\0\x01\x01\x01\x01\x01\x01\x01\x01\x01"s);
}

TEST(Keys, NullNanAndZeroAreOneGroupEach) {
  arrow::DoubleBuilder doubles;
  const double other_nan = std::bit_cast<double>(uint64_t{0xFFF8000000000123});
  for (const double value : {0.0, -0.0, std::nan(""), other_nan}) {
    ASSERT_TRUE(doubles.Append(value).ok());
  }
  const ArrayPtr array = doubles.Finish().ValueOrDie();
  EncodedKeys keys;
  ASSERT_TRUE(EncodeKeys(std::vector<ArrayPtr>{array}, &keys).ok());
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_EQ(keys[2], keys[3]);
  EXPECT_NE(keys[0], keys[2]);

  const Batch decoded = Decode(keys, arrow::schema({arrow::field("d", DoubleType())}));
  const auto& values = static_cast<const arrow::DoubleArray&>(*decoded->column(0));
  EXPECT_FALSE(std::signbit(values.Value(1)));
  EXPECT_TRUE(std::isnan(values.Value(3)));

  // Inside lists and structs too.
  const Batch nested = Rows("a array<float>, s struct<x:float>",
                            R"([[[0.0], [0.0]], [[-0.0], [-0.0]], [[1.0], [-0.0]]])");
  const EncodedKeys nested_keys = Encode(nested);
  EXPECT_EQ(nested_keys[0], nested_keys[1]);
  EXPECT_NE(nested_keys[0], nested_keys[2]);
}

TEST(Keys, DifferentRowsHaveDifferentBytes) {
  // Rows that a careless layout would mix up.
  const Batch batch = Rows(
      "a string, b string, c array<string>, d struct<x:int,y:int>",
      R"([["ab", "c", ["a"], [1, null]], ["a", "bc", ["a"], [1, null]], ["ab", "c", ["a", ""], [1, null]],
          ["ab", "c", ["", "a"], [1, null]], ["ab", "c", ["a"], [null, 1]], ["ab", "c", ["a"], null],
          ["ab", "c", [null], [1, null]], ["ab", "c", [], [1, null]], ["ab", "c", null, [1, null]],
          [null, "abc", ["a"], [1, null]], ["", "abc", ["a"], [1, null]],
          ["ab", "c", ["a"], [null, null]]])");
  const EncodedKeys keys = Encode(batch);
  std::set<std::string_view> distinct;
  for (int64_t i = 0; i < keys.size(); ++i) distinct.insert(keys[i]);
  EXPECT_EQ(distinct.size(), static_cast<size_t>(batch->num_rows()));
}

TEST(Keys, BytesUnderNullsDoNotCount) {
  // Two nulls over different values.
  arrow::Int64Builder values;
  ASSERT_TRUE(values.AppendValues({1, 2}).ok());
  const auto data = values.Finish().ValueOrDie()->data()->Copy();
  data->buffers[0] = arrow::AllocateEmptyBitmap(2).ValueOrDie();
  data->null_count = 2;
  EncodedKeys keys;
  ASSERT_TRUE(EncodeKeys(std::vector<ArrayPtr>{arrow::MakeArray(data)}, &keys).ok());
  EXPECT_EQ(keys[0], keys[1]);
}

TEST(Keys, StorageIsReused) {
  EncodedKeys keys;
  ASSERT_TRUE(
      EncodeKeys(Rows("s string", R"([["a long text"], ["b"]])")->columns(), &keys).ok());
  const char* const bytes = keys.bytes.data();
  ASSERT_TRUE(EncodeKeys(Rows("s string", R"([["c"], ["d"]])")->columns(), &keys).ok());
  EXPECT_EQ(keys.bytes.data(), bytes);
  EXPECT_EQ(keys[1], std::string_view("\0\x01"
                                      "d",
                                      3));
}

TEST(Keys, NoRowsAndNoColumns) {
  EXPECT_EQ(Encode(Rows("a int, w struct<x:int>, s string", "[]")).size(), 0);
  EncodedKeys keys;
  ASSERT_TRUE(EncodeKeys({}, &keys).ok());
  EXPECT_EQ(keys.size(), 0);
}

TEST(Keys, MapsAreRefused) {
  for (const char* ddl :
       {"m map<int,int>", "m array<map<int,int>>", "m struct<x:map<int,int>>"}) {
    EncodedKeys keys;
    const Status status = EncodeKeys(Rows(ddl, "[]")->columns(), &keys);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().error_class, "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE");
  }
}

TEST(Keys, DamagedBytesAreAnErrorAndNothingWorse) {
  const Batch batch =
      Rows("a array<string>, s string, d decimal(10,2), w struct<x:int,y:string>",
           R"([[["abc", null], "text", "1.25", [1, "z"]]])");
  const EncodedKeys keys = Encode(batch);
  const std::string whole(keys[0]);
  std::vector<TypePtr> types;
  for (const FieldPtr& field : batch->schema()->fields()) types.push_back(field->type());
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::vector<std::string_view> cut = {std::string_view(whole).substr(0, length)};
    const auto columns = DecodeKeys(cut, types);
    ASSERT_FALSE(columns.ok()) << length;
    EXPECT_EQ(columns.status().error().fault, Fault::kExternal);
  }
  const std::string longer = whole + "x";
  EXPECT_FALSE(DecodeKeys(std::vector<std::string_view>{longer}, types).ok());
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << bit);
      const auto columns = DecodeKeys(std::vector<std::string_view>{flipped}, types);
      if (!columns.ok()) continue;
      for (const ArrayPtr& column : *columns) EXPECT_TRUE(column->Validate().ok());
    }
  }
}

}  // namespace
}  // namespace millrace::data
