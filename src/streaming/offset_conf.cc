#include "streaming/offset_conf.h"

#include <array>

namespace millrace::streaming {
namespace {

struct Entry {
  const char* key;
  const char* fallback;
};

// Order and defaults as Spark 4.2 writes them. Those that steer Spark's own state store
// mean nothing here, but Spark expects them when it takes the checkpoint over.
constexpr std::array kEntries = {
    Entry{"spark.sql.streaming.stateStore.providerClass",
          "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"},
    Entry{"spark.sql.streaming.stateStore.rocksdb.mergeOperatorVersion", "2"},
    Entry{"spark.sql.streaming.stateStore.rocksdb.formatVersion", "5"},
    Entry{"spark.sql.streaming.queryEvolution.enableSourceEvolution", "false"},
    Entry{"spark.sql.streaming.stateStore.encodingFormat", "unsaferow"},
    Entry{"spark.sql.streaming.statefulOperator.useStrictDistribution", "true"},
    Entry{"spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion", "2"},
    Entry{"spark.sql.streaming.multipleWatermarkPolicy", "min"},
    Entry{"spark.sql.streaming.stateStore.rowChecksum.enabled", "false"},
    Entry{"spark.sql.streaming.aggregation.stateFormatVersion", "2"},
    Entry{"spark.sql.function.protobufExtensions.enabled", "false"},
    Entry{"spark.sql.shuffle.partitions", "200"},
    Entry{"spark.sql.streaming.join.stateFormatVersion", "2"},
    Entry{"spark.sql.streaming.stateStore.compression.codec", "lz4"},
    Entry{"spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan", "false"},
};

constexpr std::string_view kWatermarkPolicy = "millrace.streaming.watermarkPolicy";

}  // namespace

checkpoint::Conf OffsetConf(const plan::SessionConf& conf) {
  checkpoint::Conf stored;
  for (const Entry& entry : kEntries) {
    stored.emplace_back(entry.key, conf.GetOr(entry.key, entry.fallback));
  }
  const std::string policy = conf.GetOr(kWatermarkPolicy, "spark");
  if (policy != "spark") stored.emplace_back(kWatermarkPolicy, policy);
  return stored;
}

Status ApplyOffsetConf(const checkpoint::Conf& stored, plan::SessionConf* conf) {
  for (const auto& [key, value] : stored) MILLRACE_RETURN_IF_ERROR(conf->Set(key, value));
  return Status::OK();
}

}  // namespace millrace::streaming
