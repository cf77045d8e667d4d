// Reads Parquet: the wanted columns only, a row group's column chunks at a time.
#include <algorithm>
#include <exception>
#include <utility>

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "base/ascii.h"
#include "base/error.h"
#include "connectors/file/arrow_io.h"
#include "connectors/file/file_format.h"
#include "connectors/file/file_options.h"
#include "connectors/file/parquet_writer.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

constexpr int64_t kBatchRows = 32 * 1024;

/// Why a file could not be read: our own error if it caused Arrow's, else the file's
/// content.
Status ReadError(const std::string& path, const arrow::Status& status) {
  const Status ours = FromArrow(status, "read");
  if (status.detail() != nullptr) return ours;
  return DamagedFile(path, "Parquet", status.message());
}

Result<std::unique_ptr<parquet::arrow::FileReader>> OpenParquet(FileSystem& fs,
                                                                const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::io::RandomAccessFile> file,
                            OpenRandomAccess(fs, path));
  parquet::ReaderProperties properties;
  properties.enable_buffered_stream();  // a column chunk is not read whole
  properties.set_buffer_size(1 << 20);
  parquet::ArrowReaderProperties arrow_properties;
  arrow_properties.set_pre_buffer(false);
  arrow_properties.set_batch_size(kBatchRows);
  arrow_properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  arrow_properties.set_binary_type(arrow::Type::BINARY_VIEW);
  try {
    auto reader = parquet::arrow::FileReader::Make(
        arrow::default_memory_pool(), parquet::ParquetFileReader::Open(file, properties),
        arrow_properties);
    if (!reader.ok()) return ReadError(path, reader.status());
    return std::move(reader).ValueUnsafe();
  } catch (const parquet::ParquetStatusException& e) {
    return ReadError(path, e.status());
  } catch (const std::exception& e) {
    return DamagedFile(path, "Parquet", e.what());
  }
}

// The schema Spark recorded in the footer, which knows more types than Parquet; or none.
std::optional<data::SchemaPtr> RecordedSchema(parquet::arrow::FileReader& reader) {
  const auto metadata = reader.parquet_reader()->metadata()->key_value_metadata();
  if (metadata == nullptr) return std::nullopt;
  const auto recorded = metadata->Get(std::string(kSparkRowMetadata));
  if (!recorded.ok()) return std::nullopt;
  const Result<data::TypePtr> type = data::ParseTypeJson(*recorded);
  if (!type.ok() || (*type)->id() != arrow::Type::STRUCT) return std::nullopt;
  return arrow::schema((*type)->fields());
}

Result<data::SchemaPtr> FileSchema(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<parquet::arrow::FileReader> reader,
                            OpenParquet(fs, path));
  if (const std::optional<data::SchemaPtr> recorded = RecordedSchema(*reader))
    return *recorded;
  std::shared_ptr<arrow::Schema> stored;
  if (const arrow::Status status = reader->GetSchema(&stored); !status.ok()) {
    return ReadError(path, status);
  }
  arrow::FieldVector fields;
  for (const data::FieldPtr& field : stored->fields()) {
    Result<data::TypePtr> type = data::EngineType(field->type());
    if (!type.ok()) {
      return AnalysisError(
                 "PARQUET_TYPE_NOT_SUPPORTED", "42846",
                 "Parquet type not yet supported: column '{}' of '{}' is {}. Give a "
                 "schema without it.",
                 field->name(), path, field->type()->ToString())
          .Param("parquetType", field->type()->ToString());
    }
    fields.push_back(arrow::field(field->name(), *type, field->nullable()));
  }
  return arrow::schema(std::move(fields));
}

/// Gives stored values the type that was asked for: as Spark's vectorised reader, numbers
/// may become wider, struct fields are found by name, missing ones are null.
class Adapter {
 public:
  explicit Adapter(const std::string& path) : path_(path) {}

  Result<std::shared_ptr<arrow::ArrayData>> Adapt(std::shared_ptr<arrow::ArrayData> array,
                                                  const data::TypePtr& type,
                                                  const std::string& column) const {
    if (array->type->Equals(*type)) return array;
    switch (type->id()) {
      case arrow::Type::STRUCT:
        if (array->type->id() == type->id()) return AdaptStruct(*array, type, column);
        break;
      case arrow::Type::LIST:
      case arrow::Type::MAP:
        if (array->type->id() == type->id()) {
          std::shared_ptr<arrow::ArrayData> copy = array->Copy();
          copy->type = type;
          MILLRACE_ASSIGN_OR_RETURN(
              copy->child_data[0],
              Adapt(array->child_data[0], type->field(0)->type(), column));
          return copy;
        }
        break;
      case arrow::Type::DURATION:
      case arrow::Type::INTERVAL_MONTHS:
        if (array->type->id() == (type->id() == arrow::Type::DURATION
                                      ? arrow::Type::INT64
                                      : arrow::Type::INT32)) {
          std::shared_ptr<arrow::ArrayData> same = array->Copy();
          same->type = type;
          return same;
        }
        break;
      default:
        if (Widens(*array->type, *type)) {
          auto cast = arrow::compute::Cast(*arrow::MakeArray(array), type);
          if (cast.ok()) return (*cast)->data();
        }
        break;
    }
    return Error(Fault::kData,
                 "Encountered error while reading file {}. Data type mismatches when "
                 "reading "
                 "Parquet column [{}]. Expected Spark type {}, actual Parquet type {}. "
                 "Give the "
                 "column the type it was written with, or cast it after reading.",
                 path_, column, data::SimpleTypeName(*type),
                 data::SimpleTypeName(*array->type))
        .Class("FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH", "KD001")
        .Param("path", path_)
        .Param("column", column)
        .Param("expectedType", data::SimpleTypeName(*type))
        .Param("actualType", data::SimpleTypeName(*array->type))
        .Java(kSparkException);
  }

 private:
  static bool Widens(const arrow::DataType& from, const arrow::DataType& to) {
    using arrow::Type;
    switch (to.id()) {
      case Type::INT16:
      case Type::INT32:
      case Type::INT64:
        return data::IsInteger(from) && from.bit_width() < to.bit_width();
      case Type::DOUBLE:
        return from.id() == Type::FLOAT || from.id() == Type::INT32 ||
               from.id() == Type::INT16 || from.id() == Type::INT8;
      case Type::DECIMAL128:
        return from.id() == Type::INT32 || from.id() == Type::INT64 ||
               from.id() == Type::DECIMAL128;
      case Type::TIMESTAMP:
        return from.id() == Type::TIMESTAMP ||
               (from.id() == Type::DATE32 && data::IsTimestampNtz(to));
      case Type::STRING_VIEW:
      case Type::BINARY_VIEW:
        return from.id() == Type::STRING_VIEW || from.id() == Type::BINARY_VIEW;
      default:
        return false;
    }
  }

  Result<std::shared_ptr<arrow::ArrayData>> AdaptStruct(const arrow::ArrayData& array,
                                                        const data::TypePtr& type,
                                                        const std::string& column) const {
    std::shared_ptr<arrow::ArrayData> copy = array.Copy();
    copy->type = type;
    copy->child_data.clear();
    for (const data::FieldPtr& field : type->fields()) {
      std::shared_ptr<arrow::ArrayData> child;
      for (int i = 0; i < array.type->num_fields(); ++i) {
        if (!EqualsIgnoreCase(array.type->field(i)->name(), field->name())) continue;
        MILLRACE_ASSIGN_OR_RETURN(
            child, Adapt(array.child_data[static_cast<size_t>(i)], field->type(),
                         fmt::format("{}, {}", column, field->name())));
        break;
      }
      if (child == nullptr) {
        MILLRACE_ASSIGN_OR_RETURN(
            const data::ArrayPtr nulls,
            data::Nulls(field->type(), array.offset + array.length));
        child = nulls->data();
      }
      copy->child_data.push_back(std::move(child));
    }
    return copy;
  }

  const std::string& path_;
};

void LeafColumns(const parquet::arrow::SchemaField& field, std::vector<int>* out) {
  if (field.is_leaf()) out->push_back(field.column_index);
  for (const auto& child : field.children) LeafColumns(child, out);
}

class ParquetReader final : public connector::Reader {
 public:
  ParquetReader(std::string path, data::SchemaPtr wanted,
                std::unique_ptr<parquet::arrow::FileReader> file)
      : path_(std::move(path)), wanted_(std::move(wanted)), file_(std::move(file)) {}

  /// Finds the wanted columns in the file.
  Status Start() {
    const auto& fields = file_->manifest().schema_fields;
    std::vector<int> leaves;
    for (const data::FieldPtr& field : wanted_->fields()) {
      int found = -1;
      for (size_t i = 0; i < fields.size(); ++i) {
        const std::string& name = fields[i].field->name();
        if (name == field->name()) {
          found = static_cast<int>(i);
          break;
        }
        if (found < 0 && EqualsIgnoreCase(name, field->name()))
          found = static_cast<int>(i);
      }
      if (found >= 0) {
        LeafColumns(fields[static_cast<size_t>(found)], &leaves);
        names_.push_back(fields[static_cast<size_t>(found)].field->name());
      } else {
        names_.emplace_back();
      }
    }
    rows_left_ = file_->parquet_reader()->metadata()->num_rows();
    if (leaves.empty()) return Status::OK();
    std::sort(leaves.begin(), leaves.end());
    std::vector<int> groups;
    for (int i = 0; i < file_->num_row_groups(); ++i) {
      groups.push_back(i);
      const auto group = file_->parquet_reader()->metadata()->RowGroup(i);
      for (const int leaf : leaves) {
        bytes_ += group->ColumnChunk(leaf)->total_compressed_size();
      }
    }
    auto rows = file_->GetRecordBatchReader(groups, leaves);
    if (!rows.ok()) return ReadError(path_, rows.status());
    rows_ = std::move(rows).ValueUnsafe();
    return Status::OK();
  }

  Result<data::Batch> Next(std::stop_token stop) override {
    if (stop.stop_requested()) return connector::Cancelled();
    try {
      return rows_ == nullptr ? CountedRows() : StoredRows();
    } catch (const parquet::ParquetStatusException& e) {
      return ReadError(path_, e.status());
    } catch (const std::exception& e) {
      return DamagedFile(path_, "Parquet", e.what());
    }
  }

  int64_t bytes_read() const override { return started_ ? bytes_ : 0; }

 private:
  /// No stored column is wanted: as many rows of nulls as the file has.
  Result<data::Batch> CountedRows() {
    if (rows_left_ == 0) return data::Batch();
    const int64_t rows = std::min(rows_left_, kBatchRows);
    rows_left_ -= rows;
    std::vector<data::ArrayPtr> columns;
    for (const data::FieldPtr& field : wanted_->fields()) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr nulls, data::Nulls(field->type(), rows));
      columns.push_back(std::move(nulls));
    }
    return arrow::RecordBatch::Make(wanted_, rows, std::move(columns));
  }

  Result<data::Batch> StoredRows() {
    started_ = true;
    std::shared_ptr<arrow::RecordBatch> stored;
    do {
      if (const arrow::Status status = rows_->ReadNext(&stored); !status.ok()) {
        return ReadError(path_, status);
      }
      if (stored == nullptr) return data::Batch();
    } while (stored->num_rows() == 0);
    MILLRACE_ASSIGN_OR_RETURN(const data::Batch batch, data::ToEngineTypes(stored));
    const Adapter adapter(path_);
    std::vector<data::ArrayPtr> columns;
    for (int i = 0; i < wanted_->num_fields(); ++i) {
      const data::FieldPtr& field = wanted_->field(i);
      const std::string& name = names_[static_cast<size_t>(i)];
      const int index = name.empty() ? -1 : batch->schema()->GetFieldIndex(name);
      if (index < 0) {
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr nulls,
                                  data::Nulls(field->type(), batch->num_rows()));
        columns.push_back(std::move(nulls));
        continue;
      }
      MILLRACE_ASSIGN_OR_RETURN(
          const std::shared_ptr<arrow::ArrayData> column,
          adapter.Adapt(batch->column_data(index), field->type(), field->name()));
      columns.push_back(arrow::MakeArray(column));
    }
    return arrow::RecordBatch::Make(wanted_, batch->num_rows(), std::move(columns));
  }

  const std::string path_;
  const data::SchemaPtr wanted_;
  const std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> rows_;
  std::vector<std::string>
      names_;  // in the file, of each wanted column; empty if missing
  int64_t rows_left_ = 0;
  int64_t bytes_ = 0;
  bool started_ = false;
};

class ParquetFormat final : public FileFormat {
 public:
  std::string_view name() const override { return "parquet"; }
  std::span<const OptionSpec> options() const override { return ParquetSourceOptions(); }

  Result<data::SchemaPtr> InferSchema(std::span<const DataFile> files,
                                      const ReadContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(const bool merge,
                              context.options.GetBool("mergeSchema", false));
    MILLRACE_ASSIGN_OR_RETURN(data::SchemaPtr schema,
                              FileSchema(*context.fs, files.front().path));
    if (merge) {
      for (const DataFile& file : files.subspan(1)) {
        MILLRACE_ASSIGN_OR_RETURN(const data::SchemaPtr other,
                                  FileSchema(*context.fs, file.path));
        MILLRACE_ASSIGN_OR_RETURN(schema, Merge(schema, other, file.path));
      }
    }
    return AsNullable(*schema);
  }

  Status CheckSchema(const data::SchemaPtr& schema) const override {
    return CheckParquetSchema(schema);
  }

  Result<std::unique_ptr<connector::Reader>> Open(
      const std::string& path, const data::SchemaPtr&, const data::SchemaPtr& wanted,
      const ReadContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<parquet::arrow::FileReader> file,
                              OpenParquet(*context.fs, path));
    auto reader = std::make_unique<ParquetReader>(path, wanted, std::move(file));
    try {
      MILLRACE_RETURN_IF_ERROR(reader->Start());
    } catch (const std::exception& e) {
      return DamagedFile(path, "Parquet", e.what());
    }
    return std::unique_ptr<connector::Reader>(std::move(reader));
  }

 private:
  static Result<data::SchemaPtr> Merge(const data::SchemaPtr& left,
                                       const data::SchemaPtr& right,
                                       const std::string& path) {
    arrow::FieldVector fields = left->fields();
    for (const data::FieldPtr& field : right->fields()) {
      const auto same =
          std::find_if(fields.begin(), fields.end(), [&](const data::FieldPtr& f) {
            return EqualsIgnoreCase(f->name(), field->name());
          });
      if (same == fields.end()) {
        fields.push_back(field);
      } else if (!AsNullable((*same)->type())->Equals(*AsNullable(field->type()))) {
        return AnalysisError(
            "CANNOT_MERGE_SCHEMAS", "42KD9",
            "Failed merging schemas: column '{}' is {} in '{}' and {} in the "
            "files before it. Read them on their own and cast.",
            field->name(), data::SimpleTypeName(*field->type()), path,
            data::SimpleTypeName(*(*same)->type()));
      }
    }
    return arrow::schema(std::move(fields));
  }
};

}  // namespace

std::unique_ptr<FileFormat> MakeParquetFormat() {
  return std::make_unique<ParquetFormat>();
}

}  // namespace millrace::connectors::file
