#include "connectors/file/parquet_writer.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include "base/ascii.h"
#include "base/error.h"
#include "connectors/file/arrow_io.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

constexpr int64_t kRowGroupRows = 1 << 20;
constexpr int64_t kRowGroupBytes = 64 << 20;

struct Codec {
  std::string_view name;
  std::string_view extension;
  parquet::Compression::type type;
};
// Spark's names. Its "lz4" is a framing of Hadoop's that others read badly; both names
// mean raw blocks here, which Spark reads as well.
constexpr Codec kCodecs[] = {
    {"none", "", parquet::Compression::UNCOMPRESSED},
    {"uncompressed", "", parquet::Compression::UNCOMPRESSED},
    {"snappy", ".snappy", parquet::Compression::SNAPPY},
    {"gzip", ".gz", parquet::Compression::GZIP},
    {"brotli", ".br", parquet::Compression::BROTLI},
    {"lz4", ".lz4raw", parquet::Compression::LZ4},
    {"lz4_raw", ".lz4raw", parquet::Compression::LZ4},
    {"zstd", ".zstd", parquet::Compression::ZSTD},
};

/// What is stored for columns whose type Parquet has no name for; Spark tells it from its
/// own schema in the footer.
data::TypePtr StoredType(const data::TypePtr& type) {
  if (type->id() == arrow::Type::DURATION) return arrow::int64();
  if (type->id() == arrow::Type::INTERVAL_MONTHS) return arrow::int32();
  return type;
}

bool Storable(const arrow::DataType& type, bool top_level) {
  switch (type.id()) {
    case arrow::Type::NA:
      return false;
    case arrow::Type::DURATION:
    case arrow::Type::INTERVAL_MONTHS:
      return top_level;
    default:
      return std::all_of(
          type.fields().begin(), type.fields().end(),
          [](const data::FieldPtr& f) { return Storable(*f->type(), false); });
  }
}

data::SchemaPtr StoredSchema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const data::FieldPtr& field : schema.fields()) {
    fields.push_back(
        arrow::field(field->name(), StoredType(field->type()), field->nullable()));
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<parquet::WriterProperties> Properties(const arrow::Schema& schema,
                                                      parquet::Compression::type codec) {
  parquet::WriterProperties::Builder base;
  base.version(parquet::ParquetVersion::PARQUET_2_6)
      ->data_page_version(parquet::ParquetDataPageVersion::V1)
      ->created_by("Millrace")
      ->compression(codec)
      ->max_row_group_length(kRowGroupRows)
      ->enable_store_decimal_as_integer()
      ->disable_dictionary();
  // The encodings go by leaf column, which only Parquet's schema names.
  std::shared_ptr<parquet::SchemaDescriptor> descriptor;
  if (!parquet::arrow::ToParquetSchema(&schema, *base.build(), &descriptor).ok()) {
    return base.build();  // opening the file reports it
  }
  for (int i = 0; i < descriptor->num_columns(); ++i) {
    const parquet::ColumnDescriptor* column = descriptor->Column(i);
    switch (column->physical_type()) {
      case parquet::Type::BYTE_ARRAY:
        // Falls back by itself where a column has too many different values.
        base.enable_dictionary(column->path());
        break;
      case parquet::Type::INT32:
      case parquet::Type::INT64:
        base.encoding(column->path(), parquet::Encoding::DELTA_BINARY_PACKED);
        break;
      default:
        break;
    }
  }
  return base.build();
}

/// About how many bytes the values take in Arrow's form.
int64_t ValueBytes(const arrow::ArrayData& array) {
  switch (array.type->id()) {
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW: {
      int64_t bytes = array.length * 4;
      const auto* views = array.GetValues<arrow::BinaryViewType::c_type>(1);
      for (int64_t i = 0; i < array.length; ++i) bytes += views[i].size();
      return bytes;
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      const auto* offsets = array.GetValues<int32_t>(1);
      const std::shared_ptr<arrow::ArrayData> values =
          array.child_data[0]->Slice(offsets[0], offsets[array.length] - offsets[0]);
      return array.length * 4 + ValueBytes(*values);
    }
    case arrow::Type::STRUCT: {
      int64_t bytes = 0;
      for (const auto& child : array.child_data) {
        bytes += ValueBytes(*child->Slice(array.offset, array.length));
      }
      return bytes;
    }
    default:
      return array.length * std::max(1, array.type->bit_width() / 8);
  }
}

/// Runs code of Arrow's, which may throw below its statuses.
template <typename Call>
Status Guarded(std::string_view what, Call call) {
  try {
    return FromArrow(call(), what);
  } catch (const std::exception& e) {
    return ExternalError("Cannot {}: {}", what, e.what());
  }
}

class ParquetWriter final : public RowFileWriter {
 public:
  static Result<std::unique_ptr<RowFileWriter>> Open(WritableFile& file,
                                                     const data::SchemaPtr& schema,
                                                     parquet::Compression::type codec) {
    MILLRACE_RETURN_IF_ERROR(CheckParquetSchema(schema));
    auto writer = std::make_unique<ParquetWriter>();
    writer->stored_ = StoredSchema(*schema);
    writer->stream_ = MakeOutputStream(file);
    MILLRACE_RETURN_IF_ERROR(Guarded("start a Parquet file", [&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(writer->writer_,
                            parquet::arrow::FileWriter::Open(
                                *writer->stored_, arrow::default_memory_pool(),
                                writer->stream_, Properties(*writer->stored_, codec)));
      return writer->writer_->AddKeyValueMetadata(arrow::key_value_metadata(
          {std::string(kSparkRowMetadata)}, {data::SchemaToJson(*schema)}));
    }));
    return std::unique_ptr<RowFileWriter>(std::move(writer));
  }

  ~ParquetWriter() override {
    // Arrow's writer would write a footer into a file that is about to be removed.
    if (writer_ != nullptr) (void)stream_->Abort();
  }

  Status Write(const data::Batch& batch) override {
    std::vector<data::ArrayPtr> columns;
    columns.reserve(static_cast<size_t>(batch->num_columns()));
    int64_t bytes = 0;
    for (int i = 0; i < batch->num_columns(); ++i) {
      const std::shared_ptr<arrow::ArrayData>& column = batch->column_data(i);
      bytes += ValueBytes(*column);
      const data::TypePtr& stored = stored_->field(i)->type();
      if (stored->id() == column->type->id()) {
        columns.push_back(batch->column(i));
      } else {
        std::shared_ptr<arrow::ArrayData> same = column->Copy();
        same->type = stored;
        columns.push_back(arrow::MakeArray(same));
      }
    }
    if (group_bytes_ > 0 && group_bytes_ + bytes > kRowGroupBytes) {
      MILLRACE_RETURN_IF_ERROR(Guarded("write a Parquet row group",
                                       [&] { return writer_->NewBufferedRowGroup(); }));
      group_bytes_ = 0;
    }
    group_bytes_ += bytes;
    const auto rows =
        arrow::RecordBatch::Make(stored_, batch->num_rows(), std::move(columns));
    return Guarded("write Parquet rows",
                   [&] { return writer_->WriteRecordBatch(*rows); });
  }

  Status Close() override {
    return Guarded("end a Parquet file", [&]() -> arrow::Status {
      ARROW_RETURN_NOT_OK(writer_->Close());
      writer_.reset();
      return stream_->Close();
    });
  }

 private:
  data::SchemaPtr stored_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  int64_t group_bytes_ = 0;
};

}  // namespace

Status CheckParquetSchema(const data::SchemaPtr& schema) {
  for (const data::FieldPtr& field : schema->fields()) {
    if (Storable(*field->type(), /*top_level=*/true)) continue;
    return AnalysisError(
               "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
               "The Parquet datasource doesn't support the column `{}` of the type "
               "\"{}\".",
               field->name(), data::SqlTypeName(*field->type()))
        .Param("columnName", fmt::format("`{}`", field->name()))
        .Param("columnType", fmt::format("\"{}\"", data::SqlTypeName(*field->type())))
        .Param("format", "Parquet");
  }
  return Status::OK();
}

Result<RowFileFormat> ParquetFileFormat(const Options& options) {
  const std::string name = LowerCase(options.GetOr("compression", "snappy"));
  const Codec* const codec = std::find_if(std::begin(kCodecs), std::end(kCodecs),
                                          [&](const Codec& c) { return c.name == name; });
  if (codec == std::end(kCodecs)) {
    std::string names;
    for (const Codec& c : kCodecs) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", c.name);
    }
    return ArgumentError("The codec {} is not available. Available codecs are {}.", name,
                         names)
        .Class("CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", "56038")
        .Param("codecName", name)
        .Param("availableCodecs", names);
  }
  return RowFileFormat{
      .extension = fmt::format("{}.parquet", codec->extension),
      .open = [type = codec->type](WritableFile& file, const data::SchemaPtr& schema) {
        return ParquetWriter::Open(file, schema, type);
      }};
}

}  // namespace millrace::connectors::file
