// Reads CSV files by Spark's rules. Spark: UnivocityParser, CSVInferSchema,
// CSVHeaderChecker.
#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/ascii.h"
#include "base/error.h"
#include "connectors/file/csv_cells.h"
#include "connectors/file/csv_schema.h"
#include "connectors/file/file_format.h"
#include "connectors/file/file_options.h"
#include "connectors/file/line_reader.h"
#include "connectors/file/read_mode.h"
#include "data/types.h"

namespace millrace::connectors::file {
namespace {

constexpr size_t kBatchRows = 16 * 1024;

/// The records of a file, without its header, blank lines and comments.
class CsvRecords {
 public:
  CsvRecords(LineReader lines, CsvDialect dialect, bool multi_line)
      : lines_(std::move(lines)), cells_(std::move(dialect)), multi_line_(multi_line) {}

  /// The next record and its cells; false at the end. Both are good until the next call.
  Result<bool> Next(std::string_view* record, std::vector<Cell>* cells) {
    Forget();
    return Find(record, cells, /*may_load=*/true);
  }

  /// The same within the block of the file that is in memory, so that earlier records
  /// stay good; false at its end.
  Result<bool> NextInBlock(std::string_view* record, std::vector<Cell>* cells) {
    return Find(record, cells, /*may_load=*/false);
  }

  int64_t bytes_read() const { return lines_.bytes_read(); }

 private:
  void Forget() {
    cells_.Forget();
    joined_.clear();
  }

  Result<bool> Find(std::string_view* record, std::vector<Cell>* cells, bool may_load) {
    for (;;) {
      if (at_ == block_.size() && !may_load) return false;
      MILLRACE_ASSIGN_OR_RETURN(const bool more, NextLine(record));
      if (!more) return false;
      if (cells_.Skips(*record)) continue;
      bool open_quote = false;
      cells_.Cut(*record, cells, &open_quote);
      if (!multi_line_ || !open_quote) return true;
      MILLRACE_RETURN_IF_ERROR(JoinLines(record, cells));
      return true;
    }
  }

  Result<bool> NextLine(std::string_view* line) {
    if (at_ == block_.size()) {
      // A record that spans lines would span blocks, so the whole file is one then.
      MILLRACE_ASSIGN_OR_RETURN(block_,
                                multi_line_ ? lines_.RestAsLines() : lines_.Next());
      at_ = 0;
      if (block_.empty()) return false;
    }
    *line = block_[at_++];
    return true;
  }

  /// A quoted cell goes on in the next lines.
  Status JoinLines(std::string_view* record, std::vector<Cell>* cells) {
    std::string& whole = joined_.emplace_back(*record);
    bool open_quote = true;
    std::string_view line;
    while (open_quote) {
      MILLRACE_ASSIGN_OR_RETURN(const bool more, NextLine(&line));
      if (!more) break;
      whole += '\n';
      whole += line;
      cells_.Cut(whole, cells, &open_quote);
    }
    cells_.Cut(whole, cells, &open_quote);
    *record = whole;
    return Status::OK();
  }

  LineReader lines_;
  CsvCells cells_;
  const bool multi_line_;
  std::span<const std::string_view> block_;
  size_t at_ = 0;
  std::deque<std::string> joined_;
};

Result<CsvRecords> OpenRecords(const std::string& path, const ReadContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(CsvDialect dialect, CsvDialect::Make(context.options));
  MILLRACE_ASSIGN_OR_RETURN(const bool multi_line,
                            context.options.GetBool("multiLine", false));
  MILLRACE_ASSIGN_OR_RETURN(
      LineReader lines,
      LineReader::Open(*context.fs, path, context.options.GetOr("lineSep", "")));
  return CsvRecords(std::move(lines), std::move(dialect), multi_line);
}

/// How the cells of a record become columns.
struct CsvLayout {
  data::SchemaPtr wanted;
  std::vector<int>
      positions;  // in a record, of each wanted column; -1: the corrupt record
  size_t record_cells = 0;
  bool checks_length = false;  // all columns are wanted, so the count of cells must fit
  ReadMode mode = ReadMode::kPermissive;
  TextFormats formats;
};

class CsvReader final : public connector::Reader {
 public:
  CsvReader(std::string path, CsvRecords records, CsvLayout layout)
      : path_(std::move(path)),
        records_(std::move(records)),
        layout_(std::move(layout)) {}

  /// Skips the header; compares it with `expected` unless that is null.
  Status SkipHeader(const arrow::Schema* expected) {
    std::string_view record;
    std::vector<Cell> cells;
    MILLRACE_ASSIGN_OR_RETURN(const bool found, records_.Next(&record, &cells));
    if (!found || expected == nullptr) return Status::OK();
    bool same = cells.size() == static_cast<size_t>(expected->num_fields());
    std::string names;
    for (int i = 0; i < expected->num_fields(); ++i) {
      const std::string& name = expected->field(i)->name();
      names += fmt::format("{}{}", i == 0 ? "" : ", ", name);
      same = same && EqualsIgnoreCase(cells[static_cast<size_t>(i)], name);
    }
    if (same) return Status::OK();
    return ArgumentError(
        "CSV header does not conform to the schema.\n Header: {}\n Schema: {}\nCSV file: "
        "{}",
        record, names, path_);
  }

  Result<data::Batch> Next(std::stop_token stop) override {
    for (;;) {
      if (stop.stop_requested()) return connector::Cancelled();
      const auto columns = static_cast<size_t>(layout_.wanted->num_fields());
      columns_.assign(columns, {});
      rows_.clear();
      bad_.clear();
      MILLRACE_ASSIGN_OR_RETURN(const bool any, Collect());
      if (!any) return data::Batch();
      MILLRACE_ASSIGN_OR_RETURN(const data::Batch batch, Build());
      if (batch->num_rows() > 0) return batch;
    }
  }

  int64_t bytes_read() const override { return records_.bytes_read(); }

 private:
  /// Gathers records up to the end of a block, since later ones overwrite it.
  Result<bool> Collect() {
    std::string_view record;
    MILLRACE_ASSIGN_OR_RETURN(bool more, records_.Next(&record, &cells_));
    while (more) {
      rows_.push_back(record);
      bad_.push_back(layout_.checks_length && cells_.size() != layout_.record_cells);
      for (size_t i = 0; i < columns_.size(); ++i) {
        const int at = layout_.positions[i];
        const bool there = at >= 0 && static_cast<size_t>(at) < cells_.size();
        columns_[i].push_back(there ? cells_[static_cast<size_t>(at)] : Cell());
      }
      if (rows_.size() == kBatchRows) break;
      MILLRACE_ASSIGN_OR_RETURN(more, records_.NextInBlock(&record, &cells_));
    }
    return !rows_.empty();
  }

  Result<data::Batch> Build() {
    std::vector<data::ArrayPtr> arrays(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (layout_.positions[i] < 0) continue;
      MILLRACE_ASSIGN_OR_RETURN(
          arrays[i], ParseTextColumn(layout_.wanted->field(static_cast<int>(i))->type(),
                                     columns_[i], layout_.formats, &bad_));
    }
    if (layout_.mode == ReadMode::kFailFast) {
      const auto first = std::find(bad_.begin(), bad_.end(), true);
      if (first != bad_.end()) {
        return MalformedRecord(path_, rows_[static_cast<size_t>(first - bad_.begin())]);
      }
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (layout_.positions[i] >= 0) continue;
      for (size_t row = 0; row < rows_.size(); ++row) {
        columns_[i][row] = bad_[row] ? rows_[row] : Cell();
      }
      std::vector<bool> never(rows_.size());
      MILLRACE_ASSIGN_OR_RETURN(
          arrays[i],
          ParseTextColumn(data::StringType(), columns_[i], layout_.formats, &never));
    }
    const data::Batch batch = arrow::RecordBatch::Make(
        layout_.wanted, static_cast<int64_t>(rows_.size()), std::move(arrays));
    if (layout_.mode != ReadMode::kDropMalformed) return batch;
    std::vector<int32_t> good;
    for (size_t row = 0; row < bad_.size(); ++row) {
      if (!bad_[row]) good.push_back(static_cast<int32_t>(row));
    }
    if (good.size() == bad_.size()) return batch;
    return data::Take(batch, good);
  }

  const std::string path_;
  CsvRecords records_;
  const CsvLayout layout_;
  std::vector<Cell> cells_;
  std::vector<std::vector<Cell>> columns_;
  std::vector<std::string_view> rows_;
  std::vector<bool> bad_;
};

class CsvFormat final : public FileFormat {
 public:
  std::string_view name() const override { return "csv"; }
  std::span<const OptionSpec> options() const override { return CsvSourceOptions(); }

  Result<data::SchemaPtr> InferSchema(std::span<const DataFile> files,
                                      const ReadContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(const bool header,
                              context.options.GetBool("header", false));
    MILLRACE_ASSIGN_OR_RETURN(const bool infer,
                              context.options.GetBool("inferSchema", false));
    MILLRACE_ASSIGN_OR_RETURN(
        CsvSchemaInference inference,
        CsvSchemaInference::Make(context.options, context.time_zone));
    for (const DataFile& file : files) {
      MILLRACE_ASSIGN_OR_RETURN(CsvRecords records, OpenRecords(file.path, context));
      std::string_view record;
      std::vector<Cell> cells;
      for (bool first = true;; first = false) {
        MILLRACE_ASSIGN_OR_RETURN(const bool more, records.Next(&record, &cells));
        if (!more) break;
        if (first) inference.SetHeader(cells, header);
        if (!infer) break;
        if (!first || !header) inference.Add(cells);
      }
      if (!infer && inference.has_header()) break;
    }
    return inference.Finish(infer);
  }

  Status CheckSchema(const data::SchemaPtr& schema) const override {
    for (const data::FieldPtr& field : schema->fields()) {
      if (IsTextType(*field->type())) continue;
      return AnalysisError(
                 "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
                 "The CSV datasource doesn't support the column `{}` of the type "
                 "\"{}\".",
                 field->name(), data::SqlTypeName(*field->type()))
          .Param("columnName", fmt::format("`{}`", field->name()))
          .Param("columnType", fmt::format("\"{}\"", data::SqlTypeName(*field->type())))
          .Param("format", "CSV");
    }
    return Status::OK();
  }

  Result<std::unique_ptr<connector::Reader>> Open(
      const std::string& path, const data::SchemaPtr& schema,
      const data::SchemaPtr& wanted, const ReadContext& context) const override {
    const Options& options = context.options;
    MILLRACE_ASSIGN_OR_RETURN(const bool header, options.GetBool("header", false));
    MILLRACE_ASSIGN_OR_RETURN(const bool enforce, options.GetBool("enforceSchema", true));
    const std::string corrupt =
        options.GetOr("columnNameOfCorruptRecord", "_corrupt_record");
    CsvLayout layout;
    layout.wanted = wanted;
    layout.mode = ReadModeOf(options);
    MILLRACE_ASSIGN_OR_RETURN(layout.formats,
                              TextFormats::Make(options, context.time_zone));
    std::map<std::string, int> position;
    arrow::FieldVector in_file;
    for (const data::FieldPtr& field : schema->fields()) {
      if (EqualsIgnoreCase(field->name(), corrupt)) continue;
      position.emplace(field->name(), static_cast<int>(in_file.size()));
      in_file.push_back(field);
    }
    layout.record_cells = in_file.size();
    size_t wanted_in_file = 0;
    for (const data::FieldPtr& field : wanted->fields()) {
      const auto found = position.find(field->name());
      layout.positions.push_back(found == position.end() ? -1 : found->second);
      if (found != position.end()) ++wanted_in_file;
    }
    layout.checks_length = wanted_in_file == in_file.size();
    MILLRACE_ASSIGN_OR_RETURN(CsvRecords records, OpenRecords(path, context));
    auto reader =
        std::make_unique<CsvReader>(path, std::move(records), std::move(layout));
    if (header) {
      const arrow::Schema names(std::move(in_file));
      MILLRACE_RETURN_IF_ERROR(reader->SkipHeader(enforce ? nullptr : &names));
    }
    return std::unique_ptr<connector::Reader>(std::move(reader));
  }
};

}  // namespace

std::unique_ptr<FileFormat> MakeCsvFormat() { return std::make_unique<CsvFormat>(); }

}  // namespace millrace::connectors::file
