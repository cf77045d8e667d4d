// Result rows in the form the recorded cases have them: what Python's json made of
// PySpark's rows.
#pragma once

#include <nlohmann/json.hpp>

#include "data/batch.h"

namespace millrace::golden {

/// The rows of a batch as JSON arrays: timestamps as "2024-01-01 00:00:01.500000",
/// decimals as "D1.25", structs as objects, NaN as "nan".
std::vector<nlohmann::json> RowsToJson(const data::Batch& batch);

/// Whether two recorded values are the same; doubles up to 1e-9 relative.
bool SameValue(const nlohmann::json& a, const nlohmann::json& b);

/// Whether two lists of rows are equal, order aside unless `ordered`.
bool SameRows(std::vector<nlohmann::json> a, std::vector<nlohmann::json> b, bool ordered);

}  // namespace millrace::golden
