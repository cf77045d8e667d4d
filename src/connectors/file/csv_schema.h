// Finds the columns of CSV files. Spark: CSVInferSchema, CSVUtils.makeSafeHeader.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "connectors/file/text_column.h"
#include "data/types.h"

namespace millrace::connectors::file {

/// Threading: one thread.
class CsvSchemaInference {
 public:
  static Result<CsvSchemaInference> Make(const Options& options,
                                         const std::string& session_time_zone);

  /// The first record of a file; that of the first file gives the columns: their names if
  /// it is a header, else their number.
  void SetHeader(std::span<const Cell> cells, bool is_header);
  bool has_header() const { return !names_.empty(); }

  /// A record whose cells the types must hold.
  void Add(std::span<const Cell> cells);

  /// Strings unless `infer`.
  data::SchemaPtr Finish(bool infer) const;

 private:
  enum class Kind {
    kNull,
    kInt,
    kLong,
    kDecimal,
    kDouble,
    kDate,
    kTimestamp,
    kBoolean,
    kString
  };
  struct Column {
    Kind kind = Kind::kNull;
    int digits = 0;  // of decimals
  };

  Kind KindOf(std::string_view text, int* digits) const;

  TextFormats formats_;
  bool prefer_date_ = true;
  std::vector<std::string> names_;
  std::vector<Column> columns_;
};

}  // namespace millrace::connectors::file
