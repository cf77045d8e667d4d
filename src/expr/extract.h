// Kernels that take elements out of arrays and maps; used by `[]`, element_at and get.
#pragma once

#include "expr/kernel.h"

namespace millrace::expr {

enum class Indexing {
  kSubscript,     // array[i]: from 0, INVALID_ARRAY_INDEX where there is no such element
  kGet,           // get(array, i): from 0, null where there is none
  kElementAt,     // element_at: from 1, or from the end below 0
  kTryElementAt,  // the same, null where there is none
};

/// The element of an array (first argument) at a bigint index (second).
Kernel ArrayElementKernel(Indexing indexing);

/// The value of a map's key; null where there is none. The key has the map's key type.
Kernel MapValueKernel();

}  // namespace millrace::expr
