#include "connectors/kafka/kafka_provider.h"

#include <arrow/type.h>

#include <algorithm>

#include "base/error.h"
#include "connectors/kafka/kafka_source.h"
#include "connectors/kafka/message_columns.h"

namespace millrace::connectors::kafka {
namespace {

// The columns of `schema` that the query uses.
data::SchemaPtr Restrict(const data::SchemaPtr& schema,
                         const std::optional<std::vector<std::string>>& columns) {
  if (!columns) return schema;
  arrow::FieldVector fields;
  for (const data::FieldPtr& field : schema->fields()) {
    if (std::ranges::find(*columns, field->name()) != columns->end())
      fields.push_back(field);
  }
  return arrow::schema(std::move(fields), schema->metadata());
}

Result<std::shared_ptr<const ReadContext>> MakeContext(
    const Options& options, const ReadOptions& read, const data::SchemaPtr& schema,
    const connector::SourceContext& source) {
  MILLRACE_ASSIGN_OR_RETURN(const ClientConfig config, MapClientConfig(options));
  auto context = std::make_shared<ReadContext>();
  MILLRACE_ASSIGN_OR_RETURN(context->broker, Broker::Make(config));
  MILLRACE_ASSIGN_OR_RETURN(context->consumer, Consumer::Make(config));
  const std::string group = read.group_id.value_or(
      fmt::format("{}-{}-executor", read.group_id_prefix, source.query_id));
  context->loss = std::make_shared<DataLossPolicy>(read.fail_on_data_loss, group,
                                                   read.group_id.has_value());
  context->schema = Restrict(schema, source.required_columns);
  context->poll_timeout = read.poll_timeout;
  context->broker_timeout = config.broker_timeout;
  context->fetch_attempts = read.fetch_attempts;
  context->fetch_retry_interval = read.fetch_retry_interval;
  return std::shared_ptr<const ReadContext>(std::move(context));
}

// KafkaExceptions.resolvedStartOffsetGreaterThanEndOffset
Status StartBehindEnd(const TopicPartition& partition, int64_t start, int64_t end) {
  return Error(Fault::kUser,
               "The resolved start offset {} is greater than the resolved end offset {} "
               "for "
               "topic {} partition {}.\nPlease investigate in this order:\n1. Check "
               "whether "
               "start offset is set beyond the end offset or the latest available offset "
               "after "
               "resolution. Possible inputs are:\n  (a) Start offset is set to a "
               "timestamp, and "
               "the end offset is set to an index of offset.\n  (b) Start offset is set "
               "to an "
               "index of offset, and the end offset is set to a timestamp.\n  (c) Start "
               "offset "
               "is set, and the end offset is set to latest.\n2. Check whether the Kafka "
               "topic-partition is deleted and re-created.",
               start, end, partition.topic, partition.partition)
      .Class("RESOLVED_START_OFFSET_GREATER_THAN_END_OFFSET")
      .Java("org.apache.spark.sql.kafka010.KafkaIllegalStateException");
}

class KafkaProvider final : public connector::SourceProvider {
 public:
  std::string_view name() const override { return "kafka"; }

  std::span<const OptionSpec> options() const override { return KafkaSourceOptions(); }

  Result<data::SchemaPtr> Schema(const Options& options, const std::vector<std::string>&,
                                 const data::SchemaPtr& user_schema, bool /*streaming*/,
                                 const connector::SourceContext&) const override {
    if (user_schema != nullptr) {
      return ArgumentError(
          "requirement failed: Kafka source has a fixed schema and cannot be set with a "
          "custom "
          "one");
    }
    MILLRACE_ASSIGN_OR_RETURN(const bool headers, ParseIncludeHeaders(options));
    return KafkaSchema(headers);
  }

  Result<std::unique_ptr<connector::StreamSource>> MakeStream(
      const Options& options, const std::vector<std::string>&,
      const data::SchemaPtr& schema,
      const connector::SourceContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(ReadOptions read, ParseStreamOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(auto shared, MakeContext(options, read, schema, context));
    return std::unique_ptr<connector::StreamSource>(std::make_unique<KafkaSource>(
        std::move(read), std::move(shared), context.log, context.clock));
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> PlanBatch(
      const Options& options, const std::vector<std::string>&,
      const data::SchemaPtr& schema, const connector::SourceContext& context,
      std::stop_token stop) const override {
    MILLRACE_ASSIGN_OR_RETURN(const ReadOptions read, ParseBatchOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(const auto shared,
                              MakeContext(options, read, schema, context));
    OffsetFinder finder(shared->broker, read, shared->broker_timeout);
    MILLRACE_ASSIGN_OR_RETURN(
        const PartitionOffsets from,
        finder.Resolve(read.start, /*is_start=*/true, /*streaming=*/false, stop));
    MILLRACE_ASSIGN_OR_RETURN(
        const PartitionOffsets until,
        finder.Resolve(read.end, /*is_start=*/false, /*streaming=*/false, stop));
    for (const auto& [partition, end] : until) {
      const auto start = from.find(partition);
      if (start != from.end() && start->second > end) {
        return StartBehindEnd(partition, start->second, end);
      }
    }
    return PlanSplits(shared, from, {}, until);
  }
};

}  // namespace

std::unique_ptr<connector::SourceProvider> MakeKafkaProvider() {
  return std::make_unique<KafkaProvider>();
}

}  // namespace millrace::connectors::kafka
