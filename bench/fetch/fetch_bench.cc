// Reads a topic on the native read path and forgets every row: the limit of what Millrace
// can read. consume_bench does the same with librdkafka.
#include <arrow/record_batch.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "connectors/kafka/fetch/fetcher.h"
#include "connectors/kafka/partition_split.h"

namespace kafka = millrace::connectors::kafka;

namespace {

template <typename T>
T ValueOrExit(millrace::Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "fetch_bench: %s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads the messages of a topic and forgets them.");
  kafka::ClientConfig config;
  std::string topic;
  std::vector<std::string> columns = {"value"};
  size_t threads = 1;
  app.add_option("--bootstrap-servers", config.servers)->required();
  app.add_option("--topic", topic)->required();
  app.add_option("--columns", columns, "which columns to fill")->delimiter(',');
  app.add_option("--threads", threads, "how many partitions to read side by side");
  CLI11_PARSE(app, argc, argv);

  constexpr std::chrono::seconds kTimeout(30);
  const auto context = std::make_shared<kafka::ReadContext>();
  context->broker = ValueOrExit(kafka::Broker::Make(config));
  context->feeds = ValueOrExit(kafka::fetch::Fetcher::Make(
      std::get<kafka::fetch::FetchSettings>(kafka::fetch::MakeFetchSettings(config)),
      context->broker));
  const millrace::data::SchemaPtr all = kafka::KafkaSchema(true);
  arrow::FieldVector fields;
  for (const std::string& column : columns) fields.push_back(all->GetFieldByName(column));
  context->schema = arrow::schema(std::move(fields));
  context->poll_timeout = kTimeout;
  context->broker_timeout = kTimeout;
  kafka::Subscription subscription;
  subscription.topics = {topic};
  const auto partitions =
      ValueOrExit(context->broker->Partitions(subscription, kTimeout, {}));
  const auto ends = ValueOrExit(
      context->broker->Offsets(partitions, kafka::kLatestOffset, kTimeout, {}));
  std::vector<std::unique_ptr<millrace::connector::Reader>> readers;
  for (const auto& [partition, end] : ends) {
    readers.push_back(
        ValueOrExit(kafka::MakePartitionSplit(context, partition, 0, end)->Open()));
  }

  std::atomic<size_t> next = 0;
  std::atomic<int64_t> rows = 0;
  std::vector<std::jthread> workers;
  for (size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (size_t mine = next++; mine < readers.size(); mine = next++) {
        while (const auto batch = ValueOrExit(readers[mine]->Next({}))) {
          rows += batch->num_rows();
        }
      }
    });
  }
  workers.clear();
  std::printf("%lld messages\n", static_cast<long long>(rows.load()));
}
