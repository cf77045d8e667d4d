// Inside `data` only: what the two sides of the key format share.
#pragma once

#include <cstddef>

#include "data/types.h"

namespace millrace::data {

/// The null bits of a row.
inline size_t NullBytes(size_t columns) { return (columns + 7) / 8; }

/// Refuses types that no key has.
Status CheckKeyType(const arrow::DataType& type);

}  // namespace millrace::data
