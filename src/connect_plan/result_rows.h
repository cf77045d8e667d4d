// Small results of commands.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "data/batch.h"

namespace millrace::connect_plan {

/// `rows` is an array of arrays: a value for each column of `ddl`.
Result<data::Batch> ResultRows(std::string_view ddl, const nlohmann::json& rows);

/// No rows and no columns.
Result<data::Batch> NoRows();

/// Whether a name matches a pattern of SHOW and Catalog.list…: * is any text, | means or;
/// without case. An empty pattern matches all.
bool MatchesPattern(std::string_view name, std::string_view pattern);

}  // namespace millrace::connect_plan
