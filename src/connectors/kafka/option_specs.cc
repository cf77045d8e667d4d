// The options of a Kafka source as a table.
#include <array>

#include "connectors/kafka/read_options.h"

namespace millrace::connectors::kafka {
namespace {

constexpr std::array kSpecs = {
    OptionSpec{.key = "subscribe", .help = "Topics to read, separated by commas."},
    OptionSpec{
        .key = "subscribePattern",
        .help = "A regular expression; topics with a match in their name are read."},
    OptionSpec{
        .key = "assign",
        .help = R"(Partitions to read, as JSON: {"topicA":[0,1],"topicB":[2,4]}.)"},
    OptionSpec{
        .key = "startingOffsets",
        .help = "Where a new query begins: earliest, latest, or JSON with an offset for "
                "each partition (-2 earliest, -1 latest). Default: latest for a stream, "
                "earliest for a batch."},
    OptionSpec{.key = "endingOffsets",
               .fallback = "latest",
               .help = "Where a batch read ends: latest, or JSON as in startingOffsets."},
    OptionSpec{
        .key = "startingTimestamp",
        .help = "Begin at the first message at or after this time, in milliseconds."},
    OptionSpec{
        .key = "endingTimestamp",
        .help = "End a batch read before the first message at or after this time."},
    OptionSpec{.key = "startingOffsetsByTimestamp",
               .help = "The same as startingTimestamp for each partition, as JSON."},
    OptionSpec{.key = "endingOffsetsByTimestamp",
               .help = "The same as endingTimestamp for each partition, as JSON."},
    OptionSpec{
        .key = "startingOffsetsByTimestampStrategy",
        .fallback = "error",
        .help = "Where no message is that young: error, or latest to begin at the end."},
    OptionSpec{.key = "failOnDataLoss",
               .type = OptionType::kBoolean,
               .fallback = "true",
               .help = "Whether the query fails when messages it was to read are gone."},
    OptionSpec{.key = "maxOffsetsPerTrigger",
               .type = OptionType::kInteger,
               .help = "At most this many offsets a batch, split among the partitions in "
                       "proportion to what remains in each."},
    OptionSpec{.key = "minOffsetsPerTrigger",
               .type = OptionType::kInteger,
               .help = "Wait until there are this many new offsets."},
    OptionSpec{.key = "maxTriggerDelay",
               .fallback = "15m",
               .help = "How long minOffsetsPerTrigger may delay a batch."},
    OptionSpec{.key = "includeHeaders",
               .type = OptionType::kBoolean,
               .fallback = "false",
               .help = "Whether there is a column `headers`."},
    OptionSpec{.key = "minPartitions",
               .type = OptionType::kInteger,
               .help = "Accepted; each topic partition is always read by one reader."},
    OptionSpec{.key = "maxRecordsPerPartition",
               .type = OptionType::kInteger,
               .help = "Accepted; each topic partition is always read by one reader."},
    OptionSpec{.key = "groupIdPrefix",
               .fallback = "spark-kafka-source",
               .help = "How the group id begins that errors name. No group is joined."},
    OptionSpec{.key = "kafkaConsumer.pollTimeoutMs",
               .type = OptionType::kInteger,
               .fallback = "120000",
               .help = "How long a reader waits for messages that should be there."},
    OptionSpec{
        .key = "fetchOffset.numRetries",
        .type = OptionType::kInteger,
        .fallback = "3",
        .help = "How often topics and offsets are asked for before the query fails."},
    OptionSpec{.key = "fetchOffset.retryIntervalMs",
               .type = OptionType::kInteger,
               .fallback = "1000",
               .help = "The pause between these attempts."},
    OptionSpec{.key = "kafka.",
               .help = "Any setting of Kafka's Java consumer or of librdkafka; "
                       "kafka.bootstrap.servers is required.",
               .prefix = true},
};

}  // namespace

std::span<const OptionSpec> KafkaSourceOptions() { return kSpecs; }

}  // namespace millrace::connectors::kafka
