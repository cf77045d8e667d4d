#include "data/batch.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compare.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"

namespace millrace::data {
namespace {

SchemaPtr Ddl(std::string_view text) {
  Result<SchemaPtr> schema = ParseDdl(text);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return *schema;
}

Batch Rows(const SchemaPtr& schema, std::string_view json) {
  Result<Batch> batch = BatchFromJson(schema, json);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  return *batch;
}

Batch Rows(std::string_view ddl, std::string_view json) { return Rows(Ddl(ddl), json); }

void ExpectSame(const Batch& actual, const Batch& expected) {
  const arrow::Status valid = actual->ValidateFull();
  ASSERT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_TRUE(actual->Equals(*expected, arrow::EqualOptions::Defaults().nans_equal(true)))
      << actual->ToString() << "expected\n"
      << expected->ToString();
}

// One column of each engine type, several nested, with nulls, and values both inline and
// long.
constexpr char kAllTypes[] =
    "b boolean, i8 byte, i16 short, i32 int, i64 bigint, f float, d double, dc "
    "decimal(20,3), "
    "s string, bin binary, dt date, ts timestamp, tn timestamp_ntz, iv interval day to "
    "second, "
    "ym interval year to month, a array<string>, m map<string,array<int>>, "
    "st struct<x:int,y:struct<z:string>>, n void, as array<struct<p:bigint,q:boolean>>";

std::vector<std::string> AllTypesRows() {
  return {
      R"([true, 1, 2, 3, 4, 1.5, 2.5, "1.250", "short", "bin", "2024-01-01",
          "2024-01-01T00:00:01.5Z", "2024-01-01T00:00:01", 1000, 13, ["a", null, "0123456789abcdef"],
          {"k": [1, null], "a key of some length": []}, [7, ["nested text, long"]], null,
          [[1, true], null, [null, false]]])",
      R"([null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          null, null, null, null, null])",
      R"([false, -1, -2, -3, -4, -1.5, "NaN", "-99999999999999999.999",
          "a text that is not inline", "bytes that are not inline", "0001-01-01",
          "1969-12-31T23:59:59.999999Z", "1800-01-01", -5, -1, [], {}, [null, [null]], null, []])",
      R"([true, 0, 0, 0, 0, 0, "Infinity", "0", "", "", "1970-01-01", "1970-01-01", "1970-01-01", 0,
          0, [""], {"": null}, [8, null], null, [[2, null]]])",
      R"([false, 127, 32767, 2147483647, 9223372036854775807, 3.5, 1e300, "5.5", "exactly 12 b",
          "exactly 13 by", "9999-12-31", "9999-12-31", "9999-12-31", 1, 1, ["x", "y", "z"],
          {"only": [5]}, [9, ["ü"]], null, [[3, true], [4, false]]])"};
}

std::string JsonOf(const std::vector<std::string>& rows) {
  std::string json = "[";
  for (size_t i = 0; i < rows.size(); ++i) json += (i == 0 ? "" : ",") + rows[i];
  return json + "]";
}

Batch AllTypes() { return Rows(kAllTypes, JsonOf(AllTypesRows())); }

// The rows at `indices` of AllTypes(), built from JSON; -1 is the row of nulls.
Batch Expected(const std::vector<int32_t>& indices) {
  const std::vector<std::string> all = AllTypesRows();
  std::vector<std::string> rows;
  for (const int32_t index : indices) rows.push_back(all[index < 0 ? 1 : index]);
  return Rows(kAllTypes, JsonOf(rows));
}

Batch MustTake(const Batch& batch, const std::vector<int32_t>& indices) {
  const Result<Batch> taken = Take(batch, indices);
  EXPECT_TRUE(taken.ok()) << taken.status().ToString();
  return *taken;
}

TEST(Take, PicksRowsOfEveryType) {
  const std::vector<std::vector<int32_t>> selections = {
      {4, 0, 2}, {0}, {1, 1, 1}, {3, 3, 0, 4, 1, 2, 0}, {}, {0, 2, 4}, {4, 3, 2, 1, 0}};
  for (const auto& selection : selections) {
    ExpectSame(MustTake(AllTypes(), selection), Expected(selection));
  }
}

TEST(Take, NegativeIndicesGiveNullRows) {
  const std::vector<int32_t> selection = {-1, 4, -1, 0, 1};
  ExpectSame(MustTake(AllTypes(), selection), Expected(selection));
  ExpectSame(MustTake(AllTypes(), {-1, -1}), Expected({-1, -1}));
}

TEST(Take, NullRowsOutOfNoRows) {
  ExpectSame(MustTake(EmptyBatch(Ddl(kAllTypes)), {-1, -1, -1}), Expected({1, 1, 1}));
}

TEST(Take, RespectsOffsetsOfSlices) {
  for (int64_t offset = 0; offset < 5; ++offset) {
    const Batch slice = AllTypes()->Slice(offset);
    std::vector<int32_t> selection(slice->num_rows());
    std::iota(selection.rbegin(), selection.rend(), 0);
    selection.push_back(0);
    std::vector<int32_t> rows;
    for (const int32_t index : selection)
      rows.push_back(index + static_cast<int32_t>(offset));
    ExpectSame(MustTake(slice, selection), Expected(rows));
  }
}

TEST(Take, RespectsOffsetsInsideNestedColumns) {
  // Slices of the children, as IPC readers and flattening make them.
  const Batch batch = AllTypes();
  const auto& structs =
      static_cast<const arrow::StructArray&>(*batch->GetColumnByName("st"));
  const ArrayPtr sliced = arrow::StructArray::Make({structs.field(0)->Slice(2, 3),
                                                    structs.field(1)->Slice(2, 3)},
                                                   structs.type()->fields())
                              .ValueOrDie();
  const std::vector<int32_t> indices = {2, 0};
  const Result<ArrayPtr> taken = Take(*sliced->Slice(0), indices);
  ASSERT_TRUE(taken.ok());
  const Batch expected = Rows("st struct<x:int,y:struct<z:string>>", R"([[[9, ["ü"]]],
                                                                        [[null, [null]]]])");
  EXPECT_TRUE((*taken)->Equals(*expected->column(0)));
}

TEST(Take, AllRowsInOrderIsTheBatchItself) {
  const Batch batch = AllTypes();
  EXPECT_EQ(MustTake(batch, {0, 1, 2, 3, 4}), batch);
}

TEST(Take, NeighboursAreASlice) {
  const Batch batch = AllTypes();
  const Batch taken = MustTake(batch, {1, 2, 3});
  ExpectSame(taken, Expected({1, 2, 3}));
  EXPECT_EQ(taken->column_data(4)->buffers[1], batch->column_data(4)->buffers[1]);
}

TEST(Take, ViewsKeepPointingIntoTheSource) {
  const Batch batch =
      Rows("s string", R"([["a text that is not inline"], ["b"], ["c"]])");
  const Batch taken = MustTake(batch, {2, 0});
  ASSERT_EQ(taken->column_data(0)->buffers.size(), batch->column_data(0)->buffers.size());
  EXPECT_EQ(taken->column_data(0)->buffers[2], batch->column_data(0)->buffers[2]);
}

TEST(Take, RefusesForeignTypes) {
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.AppendValues({"a", "b"}).ok());
  const std::vector<int32_t> indices = {1, 0};
  EXPECT_FALSE(Take(*builder.Finish().ValueOrDie(), indices).ok());
}

TEST(TrueIndices, NullIsFalse) {
  const Batch batch = Rows("b boolean", "[[true],[false],[null],[true],[null],[true]]");
  EXPECT_THAT(TrueIndices(*batch->column(0)), testing::ElementsAre(0, 3, 5));
  EXPECT_THAT(TrueIndices(*batch->column(0)->Slice(1, 3)), testing::ElementsAre(2));
  EXPECT_THAT(TrueIndices(*batch->column(0)->Slice(0, 0)), testing::IsEmpty());
}

TEST(TrueIndices, LongMasksAtEveryOffset) {
  arrow::BooleanBuilder builder;
  std::vector<int> values;  // 0 false, 1 true, 2 null
  for (int i = 0; i < 400; ++i) {
    values.push_back(
        i < 150 ? 1 : (i * 7919 + i / 3) % 3);  // whole words of ones, then a mixture
    ASSERT_TRUE(
        (values.back() == 2 ? builder.AppendNull() : builder.Append(values.back() == 1))
            .ok());
  }
  const ArrayPtr mask = builder.Finish().ValueOrDie();
  for (int offset = 0; offset < 70; ++offset) {
    for (const int length : {400 - offset, 64, 72, 73, 130}) {
      std::vector<int32_t> expected;
      for (int i = 0; i < length; ++i) {
        if (values[offset + i] == 1) expected.push_back(i);
      }
      ASSERT_EQ(TrueIndices(*mask->Slice(offset, length)), expected)
          << offset << " " << length;
    }
  }
}

TEST(Concat, EveryType) {
  const Batch whole = AllTypes();
  const std::vector<Batch> parts = {whole->Slice(3, 2), whole->Slice(0, 0),
                                    whole->Slice(0, 3), MustTake(whole, {2, 0})};
  const Result<Batch> joined = Concat(parts);
  ASSERT_TRUE(joined.ok()) << joined.status().ToString();
  ExpectSame(*joined, Expected({3, 4, 0, 1, 2, 2, 0}));
}

TEST(Concat, OneIsItself) {
  const Batch batch = AllTypes();
  EXPECT_EQ(*Concat(std::vector<Batch>{batch}), batch);
  EXPECT_EQ(*Concat(std::vector<ArrayPtr>{batch->column(0)}), batch->column(0));
}

TEST(Nulls, EveryType) {
  const SchemaPtr schema = Ddl(kAllTypes);
  arrow::ArrayVector columns;
  for (const FieldPtr& field : schema->fields()) {
    const Result<ArrayPtr> nulls = Nulls(field->type(), 3);
    ASSERT_TRUE(nulls.ok()) << nulls.status().ToString();
    columns.push_back(*nulls);
  }
  ExpectSame(arrow::RecordBatch::Make(schema, 3, columns), Expected({1, 1, 1}));
}

TEST(EmptyBatch, EveryType) {
  const Batch empty = EmptyBatch(Ddl(kAllTypes));
  EXPECT_EQ(empty->num_rows(), 0);
  EXPECT_TRUE(empty->ValidateFull().ok());
}

int64_t ViewBytes(const arrow::ArrayData& data) {
  int64_t bytes = 0;
  for (size_t i = 2; i < data.buffers.size(); ++i) bytes += data.buffers[i]->size();
  return bytes;
}

TEST(Compact, EveryTypeAndSlice) {
  for (int64_t offset = 0; offset < 5; ++offset) {
    for (int64_t length = 0; offset + length <= 5; ++length) {
      const Batch slice = AllTypes()->Slice(offset, length);
      const Result<Batch> compact = Compact(slice);
      ASSERT_TRUE(compact.ok()) << compact.status().ToString();
      ExpectSame(*compact, slice);
    }
  }
}

TEST(Compact, KeepsOnlyTheBytesNeeded) {
  const Batch batch = Rows("s string, a array<string>", R"([
      ["a text that is not inline", ["another text of some length"]],
      ["inline", ["in", "line"]],
      ["a second text, not inline", ["yet another text, longer"]]])");
  const Batch last = *Compact(batch->Slice(2));
  EXPECT_EQ(ViewBytes(*last->column_data(0)), 25);
  EXPECT_EQ(ViewBytes(*last->column_data(1)->child_data[0]), 24);
  const Batch inline_only = *Compact(batch->Slice(1, 1));
  EXPECT_EQ(inline_only->column_data(0)->buffers.size(), 2u);
  EXPECT_EQ(inline_only->column_data(1)->child_data[0]->buffers.size(), 2u);
  EXPECT_EQ(inline_only->column_data(1)->child_data[0]->length, 2);
}

TEST(WireTypes, RoundTripOfEveryType) {
  for (int64_t offset = 0; offset < 5; ++offset) {
    const Batch slice = AllTypes()->Slice(offset);
    const Result<Batch> wire = ToWireTypes(slice);
    ASSERT_TRUE(wire.ok()) << wire.status().ToString();
    ASSERT_TRUE((*wire)->ValidateFull().ok()) << (*wire)->ValidateFull().ToString();
    EXPECT_EQ((*wire)->schema()->GetFieldByName("s")->type()->id(), arrow::Type::STRING);
    EXPECT_EQ((*wire)->schema()->GetFieldByName("bin")->type()->id(),
              arrow::Type::BINARY);
    EXPECT_EQ((*wire)->schema()->GetFieldByName("m")->type()->ToString(),
              "map<string, list<element: int32>>");
    const Result<Batch> back = ToEngineTypes(*wire);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_TRUE((*back)->schema()->Equals(*slice->schema()));
    ExpectSame(*back, slice);
  }
}

TEST(EngineTypes, EngineTypesAreReturnedAsTheyAre) {
  const Batch batch = AllTypes();
  EXPECT_EQ(*ToEngineTypes(batch), batch);
  const Batch numbers = Rows("a int, b timestamp", "[[1, 2]]");
  EXPECT_EQ(*ToWireTypes(numbers), numbers);
}

ArrayPtr ToEngine(const ArrayPtr& array) {
  const Batch batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("c", array->type())}), array->length(), {array});
  const Result<Batch> converted = ToEngineTypes(batch);
  EXPECT_TRUE(converted.ok()) << converted.status().ToString();
  if (!converted.ok()) return nullptr;
  const arrow::Status valid = (*converted)->ValidateFull();
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_TRUE((*EngineType(array->type()))->Equals(*(*converted)->column(0)->type()));
  return (*converted)->column(0);
}

template <typename Builder>
ArrayPtr Build(std::shared_ptr<arrow::DataType> type,
               std::vector<std::optional<typename Builder::value_type>> values) {
  std::unique_ptr<arrow::ArrayBuilder> builder = arrow::MakeBuilder(type).ValueOrDie();
  for (const auto& value : values) {
    EXPECT_TRUE(
        (value ? static_cast<Builder&>(*builder).Append(*value) : builder->AppendNull())
            .ok());
  }
  return builder->Finish().ValueOrDie();
}

void ExpectColumn(const ArrayPtr& actual, std::string_view type, std::string_view json) {
  ASSERT_NE(actual, nullptr);
  const Batch expected = Rows("c " + std::string(type), json);
  EXPECT_TRUE(actual->Equals(*expected->column(0)))
      << actual->ToString() << " expected " << expected->column(0)->ToString();
}

TEST(EngineTypes, TextsPointIntoTheBytesOfTheSource) {
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append("short").ok());
  ASSERT_TRUE(builder.AppendNull().ok());
  ASSERT_TRUE(builder.Append("a text that is not inline").ok());
  const ArrayPtr texts = builder.Finish().ValueOrDie();
  const ArrayPtr views = ToEngine(texts);
  ExpectColumn(views, "string", R"([["short"], [null], ["a text that is not inline"]])");
  EXPECT_EQ(views->data()->buffers[2]->data(), texts->data()->buffers[2]->data());
  ExpectColumn(ToEngine(texts->Slice(2)), "string", R"([["a text that is not inline"]])");

  arrow::LargeBinaryBuilder large;
  ASSERT_TRUE(large.Append("bytes that are not inline").ok());
  ASSERT_TRUE(large.Append("x").ok());
  ASSERT_TRUE(large.Append("more bytes that are not inline").ok());
  ExpectColumn(ToEngine(large.Finish().ValueOrDie()->Slice(1)), "binary",
               R"([["x"], ["more bytes that are not inline"]])");
}

TEST(EngineTypes, TimesInOtherUnitsAndZones) {
  const auto stamps = [](arrow::TimeUnit::type unit, std::string zone) {
    return Build<arrow::TimestampBuilder>(arrow::timestamp(unit, std::move(zone)),
                                          {1500, std::nullopt, -1});
  };
  ExpectColumn(ToEngine(stamps(arrow::TimeUnit::MICRO, "Europe/Berlin")), "timestamp",
               "[[1500], [null], [-1]]");
  ExpectColumn(ToEngine(stamps(arrow::TimeUnit::MILLI, "UTC")), "timestamp",
               "[[1500000], [null], [-1000]]");
  ExpectColumn(ToEngine(stamps(arrow::TimeUnit::SECOND, "")), "timestamp_ntz",
               "[[1500000000], [null], [-1000000]]");
  ExpectColumn(ToEngine(stamps(arrow::TimeUnit::NANO, "")->Slice(1)), "timestamp_ntz",
               "[[null], [-1]]");
  ExpectColumn(ToEngine(Build<arrow::DurationBuilder>(
                   arrow::duration(arrow::TimeUnit::MILLI), {7})),
               "interval day to second", "[[7000]]");
  ExpectColumn(
      ToEngine(Build<arrow::Date64Builder>(arrow::date64(), {86'400'000, -86'400'000})),
      "date", R"([["1970-01-02"], ["1969-12-31"]])");
}

TEST(EngineTypes, TimesOutOfRangeAreAnError) {
  const ArrayPtr seconds = Build<arrow::TimestampBuilder>(
      arrow::timestamp(arrow::TimeUnit::SECOND), {9'223'372'036'855});
  const Batch batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("c", seconds->type())}), 1, {seconds});
  const Result<Batch> converted = ToEngineTypes(batch);
  ASSERT_FALSE(converted.ok());
  EXPECT_EQ(converted.status().error().fault, Fault::kData);
}

TEST(EngineTypes, UnsignedNumbersWiden) {
  ExpectColumn(ToEngine(Build<arrow::UInt8Builder>(arrow::uint8(), {255})), "smallint",
               "[[255]]");
  ExpectColumn(ToEngine(Build<arrow::UInt16Builder>(arrow::uint16(), {65535})), "int",
               "[[65535]]");
  ExpectColumn(ToEngine(Build<arrow::UInt32Builder>(arrow::uint32(), {4294967295u})),
               "bigint", "[[4294967295]]");
  ExpectColumn(
      ToEngine(Build<arrow::UInt64Builder>(arrow::uint64(), {18446744073709551615u})),
      "decimal(20,0)", R"([["18446744073709551615"]])");
}

TEST(EngineTypes, DictionariesBecomePlain) {
  arrow::StringDictionaryBuilder builder;
  for (const char* text : {"a", "a text that is not inline", "a"}) {
    ASSERT_TRUE(builder.Append(text).ok());
  }
  ASSERT_TRUE(builder.AppendNull().ok());
  const ArrayPtr dictionary = builder.Finish().ValueOrDie();
  ExpectColumn(ToEngine(dictionary), "string",
               R"([["a"], ["a text that is not inline"], ["a"], [null]])");
  ExpectColumn(ToEngine(dictionary->Slice(1, 2)), "string",
               R"([["a text that is not inline"], ["a"]])");
}

TEST(EngineTypes, ListsOfOtherKinds) {
  const auto values = std::make_shared<arrow::StringBuilder>();
  arrow::LargeListBuilder large(arrow::default_memory_pool(), values);
  ASSERT_TRUE(large.Append().ok());
  ASSERT_TRUE(values->AppendValues({"a", "b"}).ok());
  ASSERT_TRUE(large.AppendNull().ok());
  ASSERT_TRUE(large.Append().ok());
  ASSERT_TRUE(values->Append("c").ok());
  const ArrayPtr lists = large.Finish().ValueOrDie();
  ExpectColumn(ToEngine(lists), "array<string>", R"([[["a","b"]], [null], [["c"]]])");
  ExpectColumn(ToEngine(lists->Slice(2)), "array<string>", R"([[["c"]]])");
  EXPECT_EQ(ToEngine(lists)->type()->field(0)->name(), "element");

  const auto numbers = std::make_shared<arrow::Int32Builder>();
  arrow::FixedSizeListBuilder fixed(arrow::default_memory_pool(), numbers, 2);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(fixed.Append().ok());
    ASSERT_TRUE(numbers->AppendValues({i, i + 10}).ok());
  }
  ExpectColumn(ToEngine(fixed.Finish().ValueOrDie()->Slice(1)), "array<int>",
               "[[[1,11]], [[2,12]]]");

  arrow::FixedSizeBinaryBuilder binary(arrow::fixed_size_binary(3));
  ASSERT_TRUE(binary.Append("abc").ok());
  ASSERT_TRUE(binary.Append("def").ok());
  ExpectColumn(ToEngine(binary.Finish().ValueOrDie()->Slice(1)), "binary",
               R"([["def"]])");
}

TEST(EngineTypes, RefusesWhatSparkDoesNotHave) {
  for (const TypePtr& type : std::vector<TypePtr>{
           arrow::month_day_nano_interval(), arrow::time64(arrow::TimeUnit::MICRO),
           arrow::decimal128(5, -2),
           arrow::list(arrow::time32(arrow::TimeUnit::MILLI))}) {
    const Result<TypePtr> engine = EngineType(type);
    ASSERT_FALSE(engine.ok()) << type->ToString();
    EXPECT_EQ(engine.status().error().fault, Fault::kUser);
  }
}

TEST(BatchFromJson, SaysWhatIsWrong) {
  const SchemaPtr schema = Ddl("a int");
  EXPECT_THAT(BatchFromJson(schema, R"([["x"]])").status().error().message,
              testing::HasSubstr("type int was expected"));
  EXPECT_FALSE(BatchFromJson(schema, R"([[1, 2]])").ok());
  EXPECT_FALSE(BatchFromJson(schema, "[").ok());
}

}  // namespace
}  // namespace millrace::data
