// Small results of commands.
#pragma once

#include <string_view>

#include "data/batch.h"

namespace millrace::connect_plan {

/// `json` is an array of arrays: a value for each column of `ddl`.
Result<data::Batch> RowsOfJson(std::string_view ddl, std::string_view json);

/// No rows and no columns.
Result<data::Batch> NoRows();

/// Whether a name matches a pattern of SHOW and Catalog.list…: * is any text, | means or;
/// without case. An empty pattern matches all.
bool MatchesPattern(std::string_view name, std::string_view pattern);

}  // namespace millrace::connect_plan
