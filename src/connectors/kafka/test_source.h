// For tests only: a Kafka source on a real broker, and what tests do with it.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "connectors/kafka/kafka_provider.h"
#include "connectors/kafka/kafka_source.h"
#include "connectors/kafka/test_cluster.h"

namespace millrace::connectors::kafka {

using connector::Offset;
using connector::StreamSource;
using Splits = std::vector<std::unique_ptr<connector::Split>>;
using Strings = std::vector<std::string>;
using Changes = std::map<std::string, std::string>;

class MemoryLog final : public connector::DurableLog {
 public:
  Status Add(int64_t id, const std::string& content) override {
    entries[id] = content;
    return Status::OK();
  }
  Result<std::optional<std::string>> Get(int64_t id) const override {
    const auto it = entries.find(id);
    if (it == entries.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<std::vector<int64_t>> Ids() const override { return std::vector<int64_t>(); }
  Status PurgeBelow(int64_t) override { return Status::OK(); }
  std::string folder() const override { return ""; }

  std::map<int64_t, std::string> entries;
};

template <typename T>
T Value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? std::move(result).value() : T();
}

// Never waits long for a broken broker: these tests are to fail, not to hang.
constexpr std::chrono::seconds kPatience(30);

class KafkaSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (cluster_.servers().empty()) GTEST_FAIL() << "there is no broker";
  }

  Options MakeOptions(const Changes& changes) const {
    Changes all = {{"kafka.bootstrap.servers", cluster_.servers()},
                   {"fetchOffset.retryIntervalMs", "5"}};
    for (const auto& [key, value] : changes) all[key] = value;
    return Options(all);
  }

  Result<std::unique_ptr<StreamSource>> TryMake(const Changes& changes) {
    const Options options = MakeOptions(changes);
    connector::SourceContext context;
    context.clock = &clock_;
    context.log = &log_;
    context.query_id = "query";
    context.required_columns = columns_;
    const auto schema = provider_->Schema(options, {}, nullptr, true, context);
    if (!schema.ok()) return schema.status();
    return provider_->MakeStream(options, {}, *schema, context);
  }

  std::unique_ptr<StreamSource> Make(const Changes& changes) {
    return Value(TryMake(changes));
  }

  std::optional<Offset> Latest(StreamSource& source, const std::optional<Offset>& start) {
    return Value(source.Latest(start, {}, {}));
  }

  // All rows of the splits: their values, "null" for none.
  Strings Read(Splits splits) {
    Strings values;
    for (const auto& split : splits) {
      const auto reader = Value(split->Open());
      while (const data::Batch batch = Value(reader->Next({}))) {
        const auto& column =
            static_cast<const arrow::BinaryViewArray&>(*batch->GetColumnByName("value"));
        EXPECT_TRUE(batch->ValidateFull().ok());
        for (int64_t i = 0; i < column.length(); ++i) {
          values.push_back(column.IsNull(i) ? "null" : std::string(column.GetView(i)));
        }
      }
    }
    return values;
  }

  Strings Read(StreamSource& source, const std::optional<Offset>& start,
               const Offset& end) {
    return Read(Value(source.Plan(start, end, {})));
  }

  // Everything there is now from where a new query begins.
  Strings ReadFromInitial(const Changes& changes) {
    const auto source = Make(changes);
    const std::optional<Offset> start = Value(source->Initial({}));
    const std::optional<Offset> end = Latest(*source, start);
    return end ? Read(*source, start, *end) : Strings();
  }

  // The first error of planning or reading that range.
  ErrorInfo ErrorOf(StreamSource& source, const Offset& start, const Offset& end) {
    auto splits = source.Plan(start, end, {});
    if (!splits.ok()) return splits.status().error();
    for (const auto& split : *splits) {
      const auto reader = Value(split->Open());
      while (true) {
        const auto batch = reader->Next({});
        if (!batch.ok()) return batch.status().error();
        if (*batch == nullptr) break;
      }
    }
    ADD_FAILURE() << "there was no error";
    return {};
  }

  Result<Splits> TryBatch(const Changes& changes) {
    const Options options = MakeOptions(changes);
    connector::SourceContext context;
    context.clock = &clock_;
    context.query_id = "batch";
    const auto schema = Value(provider_->Schema(options, {}, nullptr, false, context));
    return provider_->PlanBatch(options, {}, schema, context, {});
  }

  static Offset At(const std::string& topic, std::initializer_list<int64_t> offsets) {
    PartitionOffsets result;
    int32_t partition = 0;
    for (const int64_t offset : offsets) result[{topic, partition++}] = offset;
    return ToJson(result);
  }

  SystemClock clock_;
  TestCluster cluster_;
  MemoryLog log_;
  std::optional<Strings> columns_;
  std::unique_ptr<connector::SourceProvider> provider_ = MakeKafkaProvider();
};

}  // namespace millrace::connectors::kafka
