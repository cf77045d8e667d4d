// All of the C++ API.
#pragma once

#include "millrace/column.h"     // IWYU pragma: export
#include "millrace/dataframe.h"  // IWYU pragma: export
#include "millrace/functions.h"  // IWYU pragma: export
#include "millrace/row.h"        // IWYU pragma: export
#include "millrace/session.h"    // IWYU pragma: export
#include "millrace/status.h"     // IWYU pragma: export
#include "millrace/streaming.h"  // IWYU pragma: export
