// Arrow columns as the rows of the public API.
#pragma once

#include <span>
#include <vector>

#include "data/batch.h"
#include "millrace/row.h"

namespace millrace::detail {

Result<std::vector<Row>> DecodeRows(std::span<const data::Batch> batches);

}  // namespace millrace::detail
