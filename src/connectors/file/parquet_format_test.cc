// Parquet files: what is written can be read, by column, by name, in part.
#include <gmock/gmock.h>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "connectors/file/arrow_io.h"
#include "connectors/file/file_testing.h"
#include "connectors/file/parquet_writer.h"

namespace millrace::connectors::file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ParquetFormatTest : public testing::Test {
 protected:
  Result<std::vector<std::string>> Read(const std::string& path,
                                        const ReadRequest& request = {}) {
    return ReadBatch(*provider_, fs_, path, request);
  }
  std::string SchemaOf(const std::string& path,
                       std::map<std::string, std::string> options = {}) {
    connector::SourceContext context;
    context.fs = &fs_;
    const auto schema =
        Must(provider_->Schema(Options(options), {path}, nullptr, false, context));
    return data::SimpleTypeName(*arrow::struct_(schema->fields()));
  }

  MemFileSystem fs_;
  std::unique_ptr<connector::SourceProvider> provider_ = MakeParquetProvider();
};

TEST_F(ParquetFormatTest, EveryTypeSurvives) {
  constexpr char kColumns[] =
      "b boolean, i8 tinyint, i16 smallint, i32 int, i64 bigint, f float, d double, "
      "dec decimal(10,2), big decimal(30,5), s string, bin binary, dt date, ts "
      "timestamp, "
      "tn timestamp_ntz, a array<string>, m map<string,int>, st "
      "struct<x:int,y:array<double>>";
  const data::Batch batch = Rows(
      kColumns,
      R"([[true, 1, 2, 3, 4, 1.5, 2.5, "1.50", "-123456789012345.12345", "text", "bytes",
           "2024-02-29", "2024-01-01T00:00:01.5Z", "2024-01-01T00:00:02", ["p", null],
           [["k", 1]], [7, [0.5, null]]],
          [null, null, null, null, null, null, null, null, null, null, null, null, null,
           null,
           null, null, null],
          [false, -1, -2, -3, -4, 0.0, -0.5, "0.00", "0.00000", "", "", "1969-12-31",
           "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59", [], [], [null, null]]])");
  for (const char* codec : {"none", "snappy", "gzip", "zstd", "lz4", "brotli"}) {
    SCOPED_TRACE(codec);
    WriteParquet(fs_, "/d/a.parquet", batch, {{"compression", codec}});
    EXPECT_EQ(Must(Read("/d")), RowTexts(batch));
  }
  EXPECT_EQ(SchemaOf("/d"),
            data::SimpleTypeName(*arrow::struct_(batch->schema()->fields())));
}

TEST_F(ParquetFormatTest, IntervalsSurviveByTheRecordedSchema) {
  const data::SchemaPtr schema =
      Ddl("d interval day to second, y interval year to month");
  const data::Batch batch =
      arrow::RecordBatch::Make(schema, 2,
                               {Must(data::Nulls(schema->field(0)->type(), 2)),
                                Must(data::Nulls(schema->field(1)->type(), 2))});
  WriteParquet(fs_, "/d/a.parquet", batch);
  EXPECT_THAT(Must(Read("/d")), ElementsAre("[null, null]", "[null, null]"));
}

TEST_F(ParquetFormatTest, FilesSayWhatSparkAndOthersNeed) {
  const data::Batch batch = Rows(
      "user string, amount double, ts timestamp",
      R"([["u1", 1.5, "2024-01-01T00:00:00Z"], ["u2", 2.5, "2024-01-01T00:00:01Z"]])");
  WriteParquet(fs_, "/d/a.parquet", batch);
  const auto file =
      parquet::ParquetFileReader::Open(Must(OpenRandomAccess(fs_, "/d/a.parquet")));
  const auto metadata = file->metadata();
  EXPECT_EQ(*metadata->key_value_metadata()->Get(std::string(kSparkRowMetadata)),
            data::SchemaToJson(*batch->schema()));
  EXPECT_FALSE(metadata->key_value_metadata()->Contains("ARROW:schema"));
  EXPECT_EQ(metadata->schema()->Column(2)->logical_type()->ToString(),
            "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, "
            "is_from_converted_type=false, force_set_converted_type=false)");
  const auto group = metadata->RowGroup(0);
  auto encodings = [&](int column) { return group->ColumnChunk(column)->encodings(); };
  EXPECT_THAT(encodings(0), testing::Contains(parquet::Encoding::RLE_DICTIONARY));
  EXPECT_THAT(encodings(1),
              testing::Not(testing::Contains(parquet::Encoding::RLE_DICTIONARY)));
  EXPECT_THAT(encodings(2), testing::Contains(parquet::Encoding::DELTA_BINARY_PACKED));
  EXPECT_EQ(group->ColumnChunk(0)->compression(), parquet::Compression::SNAPPY);
}

TEST_F(ParquetFormatTest, RowGroupsEndByRowsAndBytes) {
  const auto file = Must(fs_.OpenForWrite("/big.parquet"));
  const auto writer =
      Must(Must(ParquetFileFormat(Options())).open(*file, Ddl("s string")));
  // 40 batches of 4 MiB: more than two row groups of 64 MiB.
  const std::string value(4096, 'x');
  std::string json = "[";
  for (int i = 0; i < 1024; ++i) json += (i == 0 ? "[\"" : ",[\"") + value + "\"]";
  const data::Batch batch = Rows("s string", json + "]");
  for (int i = 0; i < 40; ++i) Must(writer->Write(batch));
  Must(writer->Close());
  Must(file->Close());
  const auto reader =
      parquet::ParquetFileReader::Open(Must(OpenRandomAccess(fs_, "/big.parquet")));
  EXPECT_EQ(reader->metadata()->num_row_groups(), 3);
  EXPECT_EQ(Must(Read("/big.parquet")).size(), 40u * 1024);
}

TEST_F(ParquetFormatTest, ReadsTheRequiredColumnsInTheSchemasOrder) {
  WriteParquet(fs_, "/d/a.parquet",
               Rows("a int, b struct<x:int,y:int>, c string", R"([[1, [2, 3], "z"]])"));
  EXPECT_THAT(Must(Read("/d", {.columns = {{"c", "a"}}})), ElementsAre("[1, z]"));
  EXPECT_THAT(Must(Read("/d", {.columns = {{"b"}}})), ElementsAre("[{2, 3}]"));
  EXPECT_THAT(Must(Read("/d", {.columns = std::vector<std::string>{}})),
              ElementsAre("[]"));
}

TEST_F(ParquetFormatTest, FindsColumnsByNameInFilesOfDifferentSchemas) {
  WriteParquet(fs_, "/d/a.parquet", Rows("a int, b string", R"([[1, "x"]])"));
  WriteParquet(fs_, "/d/b.parquet",
               Rows("B string, c double, a int", R"([["y", 2.5, 3]])"));
  EXPECT_THAT(Must(Read("/d")), ElementsAre("[1, x]", "[3, y]"));
  EXPECT_THAT(Must(Read("/d", {.options = {{"mergeSchema", "true"}}})),
              ElementsAre("[1, x, null]", "[3, y, 2.5]"));
  EXPECT_THAT(Must(Read("/d", {.schema = "c double, zz int, a bigint"})),
              ElementsAre("[null, null, 1]", "[2.5, null, 3]"));
  EXPECT_THAT(Must(Read("/d", {.schema = "zz int"})), ElementsAre("[null]", "[null]"));
}

TEST_F(ParquetFormatTest, StructFieldsAreFoundByNameToo) {
  WriteParquet(fs_, "/d/a.parquet",
               Rows("s struct<x:int,y:string>, l array<struct<p:int>>",
                    R"([[[1, "q"], [[5]]], [null, null]])"));
  EXPECT_THAT(Must(Read("/d", {.schema = "s struct<y:string,z:int,x:bigint>, "
                                         "l array<struct<o:string,p:int>>"})),
              ElementsAre("[{q, null, 1}, [{null, 5}]]", "[null, null]"));
}

TEST_F(ParquetFormatTest, NumbersMayBecomeWiderButNothingElse) {
  WriteParquet(fs_, "/d/a.parquet",
               Rows("i int, f float, s string", R"([[1, 0.5, "7"]])"));
  EXPECT_THAT(Must(Read("/d", {.schema = "i double, f double"})),
              ElementsAre("[1.0, 0.5]"));
  const auto narrow = Read("/d", {.schema = "s int"});
  ASSERT_FALSE(narrow.ok());
  EXPECT_EQ(narrow.status().error().error_class,
            "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH");
  EXPECT_THAT(narrow.status().error().message, HasSubstr("/d/a.parquet"));
}

TEST_F(ParquetFormatTest, PartitionFoldersBecomeColumns) {
  WriteParquet(fs_, "/d/k=1/c=x/a.parquet", Rows("a int", "[[1]]"));
  WriteParquet(fs_, "/d/k=2/c=__HIVE_DEFAULT_PARTITION__/b.parquet",
               Rows("a int", "[[2], [3]]"));
  EXPECT_EQ(SchemaOf("/d"), "struct<a:int,k:int,c:string>");
  EXPECT_THAT(Must(Read("/d")), ElementsAre("[1, 1, x]", "[2, 2, null]", "[3, 2, null]"));
  EXPECT_THAT(Must(Read("/d", {.columns = {{"k"}}})), ElementsAre("[1]", "[2]", "[2]"));
  EXPECT_THAT(Must(Read("/d", {.schema = "k string, a bigint"})),
              ElementsAre("[1, 1, x]", "[2, 2, null]", "[3, 2, null]"));
}

TEST_F(ParquetFormatTest, DamagedFilesAreErrorsThatNameThem) {
  const std::string path =
      WriteParquet(fs_, "/d/a.parquet", Rows("a int", "[[1], [2], [3]]"));
  const std::string good = Must(fs_.ReadFile(path));
  WriteText(fs_, "/d/a.parquet", "this is no Parquet file");
  EXPECT_EQ(Read("/d").status().error().error_class, "FAILED_READ_FILE.NO_HINT");
  EXPECT_THAT(Read("/d").status().error().message, HasSubstr("/d/a.parquet"));
  WriteText(fs_, path, "");
  EXPECT_FALSE(Read("/d").ok());
  // Any byte may be wrong: an error or values, never an end of the process.
  for (size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
    WriteText(fs_, path, damaged);
    (void)Read("/d", {.schema = "a int"}).ok();
  }
  for (size_t length = 0; length < good.size(); length += 7) {
    WriteText(fs_, path, good.substr(0, length));
    EXPECT_FALSE(Read("/d", {.schema = "a int"}).ok()) << length;
  }
}

TEST_F(ParquetFormatTest, FoldersWithoutFilesNeedASchema) {
  Must(fs_.MakeDirs("/d"));
  const Status status = Read("/d").status();
  EXPECT_EQ(
      status.ToString(),
      "[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet. It must be specified "
      "manually. SQLSTATE: 42KD9");
  EXPECT_THAT(Must(Read("/d", {.schema = "a int"})), IsEmpty());
}

TEST_F(ParquetFormatTest, RefusesColumnsParquetCannotHold) {
  connector::SinkContext context;
  context.fs = &fs_;
  context.path = "/lake";
  const auto sink = MakeParquetSinkProvider()->MakeBatch(
      Options(), Ddl("a void"), context, connector::SaveMode::kAppend);
  EXPECT_EQ(sink.status().error().error_class, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE");
}

TEST_F(ParquetFormatTest, StopsWhenToldTo) {
  WriteParquet(fs_, "/d/a.parquet", Rows("a int", "[[1]]"));
  connector::SourceContext context;
  context.fs = &fs_;
  auto splits = Must(provider_->PlanBatch(Options(), {"/d"}, Ddl("a int"), context, {}));
  const auto reader = Must(splits[0]->Open());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(connector::IsCancelled(reader->Next(stop.get_token()).status()));
}

}  // namespace
}  // namespace millrace::connectors::file
