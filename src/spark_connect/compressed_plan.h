// Plans that a client compressed because they are large.
#pragma once

#include "millrace/status.h"
#include "spark/connect/base.pb.h"

namespace millrace::spark_connect {

/// Replaces a compressed_operation by the relation or command in it; other plans stay as
/// they are. Errors: CONNECT_INVALID_PLAN.CANNOT_PARSE, .PLAN_SIZE_LARGER_THAN_MAX.
Status Decompress(spark::connect::Plan* plan);

}  // namespace millrace::spark_connect
