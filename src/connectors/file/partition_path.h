// Hive's folder layout, "country=DE/day=2024-01-01": values as folder names and back.
// Spark: ExternalCatalogUtils.escapePathName, PartitioningUtils.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "millrace/status.h"

namespace millrace::connectors::file {

inline constexpr std::string_view kHiveDefaultPartition = "__HIVE_DEFAULT_PARTITION__";

/// Percent-encodes what cannot stand in a folder name; bytes that are not UTF-8 become
/// U+FFFD.
std::string EscapePathName(std::string_view text);
std::string UnescapePathName(std::string_view name);

/// "k=v" of one row, the value as CAST(x AS STRING) writes it; null and "" give Hive's
/// default.
std::string PartitionFolder(std::string_view column, const arrow::Array& values,
                            int64_t row, std::string_view time_zone);

/// A folder name of the form "k=v", unescaped; no value for Hive's default.
struct PartitionValue {
  std::string column;
  std::optional<std::string> value;
};
std::optional<PartitionValue> ParsePartitionFolder(std::string_view name);

/// The narrowest of int, bigint, decimal, double, timestamp, date, string that all values
/// have, as Spark infers it. Values without text count as any type; void where all are
/// such.
data::TypePtr InferPartitionType(std::span<const std::optional<std::string>> values);

/// A column that repeats one value `length` times.
/// Errors: the text is not of the type (CAST_INVALID_INPUT).
Result<data::ArrayPtr> RepeatPartitionValue(const data::TypePtr& type,
                                            const std::optional<std::string>& value,
                                            int64_t length, std::string_view time_zone);

}  // namespace millrace::connectors::file
