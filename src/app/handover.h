// millrace handover: moves a stateless query and its lake between Millrace and Spark.
#pragma once

#include <string>

#include "base/file_system.h"
#include "millrace/status.h"

namespace millrace::app {

enum class HandoverTo { kSpark, kMillrace };

struct HandoverArguments {
  std::string checkpoint;
  std::string lake;
  HandoverTo to = HandoverTo::kSpark;
};

/// Makes the checkpoint and the lake fit to be gone on with on the other side. To Spark:
/// writes
/// `_spark_metadata` from the query's committed files. To Millrace: takes
/// `_spark_metadata` over. The query must not be running, and its last batch must be
/// committed. Errors: a stateful query, whose state neither side can read from the other;
/// a checkpoint that is none or is in use.
Status Handover(FileSystem& fs, const HandoverArguments& arguments);

}  // namespace millrace::app
