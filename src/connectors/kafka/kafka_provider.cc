#include "connectors/kafka/kafka_provider.h"

#include <arrow/type.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "connector/explained_source.h"
#include "connectors/kafka/client_feed.h"
#include "connectors/kafka/fetch/fetcher.h"
#include "connectors/kafka/kafka_source.h"

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

std::string NoteOf(const fetch::Obstacle& obstacle) {
  return fmt::format("through librdkafka, since {}", obstacle.reason);
}

// The native read path, or librdkafka's for what that does not speak.
Result<std::unique_ptr<FeedSet>> MakeFeeds(const ClientConfig& config,
                                           const std::shared_ptr<Broker>& broker) {
  auto settings = fetch::MakeFetchSettings(config);
  if (const auto* obstacle = std::get_if<fetch::Obstacle>(&settings)) {
    spdlog::info("Kafka is read {}", NoteOf(*obstacle));
    return ClientFeedSet::Make(config);
  }
  return fetch::Fetcher::Make(std::get<fetch::FetchSettings>(std::move(settings)),
                              broker);
}

Result<std::shared_ptr<const ReadContext>> MakeContext(
    const Options& options, const ReadOptions& read, const data::SchemaPtr& schema,
    const connector::SourceContext& source, bool streaming) {
  MILLRACE_ASSIGN_OR_RETURN(const ClientConfig config, MapClientConfig(options));
  auto context = std::make_shared<ReadContext>();
  MILLRACE_ASSIGN_OR_RETURN(context->broker, Broker::Make(config));
  MILLRACE_ASSIGN_OR_RETURN(context->feeds, MakeFeeds(config, context->broker));
  context->reads_ahead = streaming;
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

class KafkaProvider final : public connector::SourceProvider,
                            public connector::ExplainedSource {
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

  std::string ReadNote(const Options& options) const override {
    const auto config = MapClientConfig(options);
    if (!config.ok()) return "";  // which is said when the query starts
    const auto settings = fetch::MakeFetchSettings(*config);
    const auto* obstacle = std::get_if<fetch::Obstacle>(&settings);
    return obstacle == nullptr ? "" : NoteOf(*obstacle);
  }

  Result<std::unique_ptr<connector::StreamSource>> MakeStream(
      const Options& options, const std::vector<std::string>&,
      const data::SchemaPtr& schema,
      const connector::SourceContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(ReadOptions read, ParseStreamOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(auto shared, MakeContext(options, read, schema, context,
                                                       /*streaming=*/true));
    return std::unique_ptr<connector::StreamSource>(std::make_unique<KafkaSource>(
        std::move(read), std::move(shared), context.log, context.clock));
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> PlanBatch(
      const Options& options, const std::vector<std::string>&,
      const data::SchemaPtr& schema, const connector::SourceContext& context,
      std::stop_token stop) const override {
    MILLRACE_ASSIGN_OR_RETURN(const ReadOptions read, ParseBatchOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(const auto shared,
                              MakeContext(options, read, schema, context,
                                          /*streaming=*/false));
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
