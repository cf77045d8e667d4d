// Rows as text: Spark's Dataset.show(), byte for byte, and the values inside it.
#pragma once

#include <span>
#include <string>

#include "data/batch.h"

namespace millrace::data {

struct ShowOptions {
  int num_rows = 20;  // rows at the most; "only showing top N rows" where there are more
  int truncate = 20;  // cells longer than this end in "..."; 0 shows all, left-aligned
  bool vertical = false;  // one line per column
  std::string time_zone = "UTC";
};

/// What Dataset.show() prints. `batches` need not hold more than num_rows + 1 rows.
/// Spark: Dataset.showString, ToPrettyString.
Result<std::string> ShowString(const arrow::Schema& schema,
                               std::span<const Batch> batches,
                               const ShowOptions& options);

/// How nulls inside a value are written.
enum class NullText {
  kPretty /* NULL, as show() */,
  kCast /* null, as CAST(x AS STRING) */
};

/// Appends the text of one non-null value, as Spark's CAST to string or show() writes it.
void AppendValue(const arrow::Array& array, int64_t row, std::string_view time_zone,
                 NullText null_text, std::string* out);

/// Java's Double.toString / Float.toString: "1.0", "1.0E10", "NaN", "-Infinity".
void AppendDouble(double value, std::string* out);
void AppendFloat(float value, std::string* out);

}  // namespace millrace::data
