// Text cells into a column of a given type, by the rules of Spark's CSV reader
// (UnivocityParser).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "data/batch.h"
#include "data/time_text.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

/// A cell; `text.data()` null means null.
using Cell = std::string_view;

/// How texts stand for values.
struct TextFormats {
  const data::TimeZone* zone = data::TimeZone::Utc();
  std::shared_ptr<const data::TimePattern> timestamp;  // null: Spark's cast rules
  std::shared_ptr<const data::TimePattern> date;
  std::string nan = "NaN";
  std::string positive_infinity = "Inf";
  std::string negative_infinity = "-Inf";

  /// From timestampFormat, dateFormat, timeZone, nanValue, positiveInf and negativeInf.
  static Result<TextFormats> Make(const Options& options,
                                  const std::string& session_time_zone);
};

/// Whether ParseTextColumn can give the type.
bool IsTextType(const arrow::DataType& type);

/// The column; a cell that is not of the type is null, and its row is set in `bad` (one
/// flag a row, sized by the caller).
Result<data::ArrayPtr> ParseTextColumn(const data::TypePtr& type,
                                       std::span<const Cell> cells,
                                       const TextFormats& formats,
                                       std::vector<bool>* bad);

/// The single values, for schema inference.
bool ParseTextLong(std::string_view text, int64_t* out);
bool ParseTextDouble(std::string_view text, const TextFormats& formats, double* out);

}  // namespace millrace::connectors::file
