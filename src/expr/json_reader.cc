#include "expr/json_reader.h"

#include <new>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "base/error.h"
#include "expr/json_columns.h"
#include "expr/json_converter.h"
#include "expr/json_row_text.h"
#include "expr/json_schema.h"

namespace millrace::expr {
namespace {

using View = arrow::BinaryViewType::c_type;

Error Malformed(std::string_view kind, std::string_view record,
                std::string_view suggestion) {
  return Error(Fault::kData,
               "Malformed records are detected in record parsing: {}.\n"
               "Parse Mode: FAILFAST. To process malformed records as null result, try "
               "setting "
               "the option 'mode' as 'PERMISSIVE'. {}",
               record, suggestion)
      .Class(fmt::format("MALFORMED_RECORD_IN_PARSING.{}", kind), "22023")
      .Java(kSparkRuntimeException)
      .Param("badRecord", std::string(record))
      .Param("failFastMode", "FAILFAST");
}

// 'it\'s', as QueryErrorsBase.toSQLValue quotes it.
std::string SqlQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "'";
}

// `a`.`b`, as QueryErrorsBase.toSQLId quotes the name a.b.
std::string SqlName(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '.') {
      quoted += "`.`";
    } else {
      if (c == '`') quoted.push_back('`');
      quoted.push_back(c);
    }
  }
  return quoted + "`";
}

std::string_view JavaTypeName(const arrow::DataType& type) {
  return type.id() == arrow::Type::FLOAT ? "FloatType" : "DoubleType";
}

class JsonReaderImpl final : public JsonReader {
 public:
  JsonReaderImpl(data::TypePtr type, const JsonReadOptions& options)
      : type_(std::move(type)),
        mode_(options.mode),
        documents_(options, /*exact_text=*/false),
        lines_(options, /*exact_text=*/true) {}

  Status Init(const std::string& corrupt_column) {
    MILLRACE_ASSIGN_OR_RETURN(root_, JsonColumn::Make(type_, &rows_, &bytes_));
    if (type_->id() != arrow::Type::STRUCT) return Status::OK();
    const int corrupt = root_->HideField(corrupt_column);
    if (corrupt < 0) return Status::OK();
    corrupt_ = root_->children()[static_cast<size_t>(corrupt)].get();
    if (corrupt_->kind() == JsonColumn::Kind::kString) return Status::OK();
    return AnalysisError(
               "INVALID_CORRUPT_RECORD_TYPE", "42804",
               "The column {} for corrupt records must have the nullable STRING "
               "type, but got \"{}\".",
               "`" + corrupt_column + "`", data::SqlTypeName(*corrupt_->type()))
        .Param("columnName", "`" + corrupt_column + "`")
        .Param("actualType", "\"" + data::SqlTypeName(*corrupt_->type()) + "\"");
  }

  Result<data::ArrayPtr> Read(const arrow::Array& documents,
                              int64_t now_micros) override {
    return Guarded<data::ArrayPtr>([&] { return ReadDocuments(documents, now_micros); });
  }

  Result<data::Batch> ReadLines(std::span<const std::string_view> lines,
                                int64_t now_micros) override {
    return Guarded<data::Batch>([&] { return ReadAllLines(lines, now_micros); });
  }

 private:
  template <typename T, typename F>
  Result<T> Guarded(F&& read) {
    try {
      return read();
    } catch (const std::bad_alloc&) {
      return ExternalError("Not enough memory for the columns of JSON documents.")
          .Retryable(false);
    }
  }

  void Begin(std::vector<std::shared_ptr<arrow::Buffer>> buffers) {
    bytes_.Reset(std::move(buffers));
    rows_.Clear();
  }

  Result<data::ArrayPtr> ReadDocuments(const arrow::Array& documents,
                                       int64_t now_micros) {
    const arrow::ArrayData& data = *documents.data();
    const int64_t rows = documents.length();
    Begin({data.buffers.begin() + 2, data.buffers.end()});
    rows_.Reserve(rows);
    const View* const views = data.GetValues<View>(1);
    const uint8_t* const valid = documents.null_bitmap_data();
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t slot = rows_.Add();
      if (valid != nullptr && !arrow::bit_util::GetBit(valid, data.offset + row))
        continue;
      const View& view = views[row];
      const size_t size = static_cast<size_t>(view.size());
      std::string_view document(reinterpret_cast<const char*>(view.inlined.data.data()),
                                size);
      int32_t buffer = -1;
      int64_t offset = 0;
      if (!view.is_inline()) {
        buffer = view.ref.buffer_index;
        offset = view.ref.offset;
        const auto& bytes = data.buffers[static_cast<size_t>(buffer) + 2];
        document = {reinterpret_cast<const char*>(bytes->data()) + offset, size};
      }
      documents_.SetDocument(document, buffer, offset, now_micros);
      const JsonOutcome outcome = documents_.ReadValue(*root_, slot);
      if (outcome == JsonOutcome::kRead || outcome == JsonOutcome::kEmpty) continue;
      if (outcome == JsonOutcome::kFailed) SetMalformed(slot);
      if (corrupt_ != nullptr) corrupt_->SetText(slot, document, buffer, offset);
      if (mode_ == ParseMode::kFailFast) return Explain(document, documents_, slot);
    }
    return root_->Finish(rows);
  }

  Result<data::Batch> ReadAllLines(std::span<const std::string_view> lines,
                                   int64_t now_micros) {
    if (type_->id() != arrow::Type::STRUCT) {
      return InternalError("Lines of JSON are read into structs only, not {}.",
                           data::SimpleTypeName(*type_));
    }
    Begin({});
    rows_.Reserve(static_cast<int64_t>(lines.size()));
    for (const std::string_view line : lines) {
      const int64_t begin = rows_.size();
      // Jackson knows a file's byte order mark when it reads bytes.
      const bool marked = line.starts_with("\xEF\xBB\xBF");
      lines_.SetDocument(marked ? line.substr(3) : line, -1, 0, now_micros);
      const JsonOutcome outcome = lines_.ReadRows(*root_, rows_);
      if (outcome == JsonOutcome::kRead || outcome == JsonOutcome::kEmpty) continue;
      if (mode_ == ParseMode::kDropMalformed) {
        rows_.Truncate(begin);
        continue;
      }
      if (outcome == JsonOutcome::kFailed) SetMalformed(rows_.Add());
      if (corrupt_ != nullptr) {
        for (int64_t row = begin; row < rows_.size(); ++row)
          corrupt_->CopyText(row, line);
      }
      if (mode_ == ParseMode::kFailFast) return Explain(line, lines_, begin);
    }
    const int64_t rows = rows_.size();
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr array, root_->Finish(rows));
    std::vector<data::ArrayPtr> columns;
    for (const auto& child : array->data()->child_data) {
      columns.push_back(arrow::MakeArray(child));
    }
    return arrow::RecordBatch::Make(arrow::schema(type_->fields()), rows,
                                    std::move(columns));
  }

  // A malformed document is a struct of nulls, and no array or map.
  void SetMalformed(int64_t slot) {
    root_->SetNull(slot);
    if (root_->kind() != JsonColumn::Kind::kStruct) return;
    root_->ClearFields(slot);
    root_->SetValid(slot);
  }

  // FailureSafeParser's errors of FAILFAST. Ends what is being read.
  Status Explain(std::string_view document, const JsonConverter& converter,
                 int64_t slot) {
    const JsonProblem& problem = converter.problem();
    switch (problem.kind) {
      case JsonProblem::Kind::kArrayForStruct:
        return Malformed("CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS", document,
                         "Parsing JSON arrays as structs is forbidden.");
      case JsonProblem::Kind::kStringForNumber: {
        const std::string field = SqlName(problem.field);
        const std::string value = SqlQuoted(problem.value);
        const std::string_view target = JavaTypeName(*problem.type);
        return Malformed("CANNOT_PARSE_STRING_AS_DATATYPE", document,
                         fmt::format(
                             "Cannot parse the value {} of the field {} as target spark "
                             "data type {} from the input type StringType.",
                             value, field, target))
            .Param("fieldName", field)
            .Param("fieldValue", value)
            .Param("inputType", "StringType")
            .Param("targetType", std::string(target));
      }
      case JsonProblem::Kind::kOther:
        break;
    }
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr read, root_->Finish(slot + 1));
    std::string row;
    if (type_->id() == arrow::Type::STRUCT) {
      AppendRowText(*read, slot, &row);
    } else {
      row.push_back('[');
      AppendRowText(*read, slot, &row);
      row.push_back(']');
    }
    return Malformed("WITHOUT_SUGGESTION", row, "").Java(kSparkException);
  }

  const data::TypePtr type_;
  const ParseMode mode_;
  JsonConverter documents_;
  JsonConverter lines_;
  JsonBytes bytes_;
  JsonSlots rows_;
  std::unique_ptr<JsonColumn> root_;
  JsonColumn* corrupt_ = nullptr;  // none: not wanted
};

}  // namespace

Result<std::unique_ptr<JsonReader>> JsonReader::Make(data::TypePtr type,
                                                     JsonReadOptions options) {
  switch (type->id()) {
    case arrow::Type::STRUCT:
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      break;
    default:
      return AnalysisError("DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", "42K09",
                           "Input schema \"{}\" must be a struct, an array, a map or a "
                           "variant.",
                           data::SqlTypeName(*type));
  }
  auto reader = std::make_unique<JsonReaderImpl>(AsNullable(type), options);
  MILLRACE_RETURN_IF_ERROR(reader->Init(options.corrupt_column));
  return reader;
}

}  // namespace millrace::expr
