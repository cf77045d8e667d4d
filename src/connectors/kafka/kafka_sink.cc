#include "connectors/kafka/kafka_sink.h"

#include <arrow/record_batch.h>

#include <array>
#include <utility>

#include "base/error.h"
#include "connectors/kafka/message_rows.h"
#include "connectors/kafka/producer.h"

namespace millrace::connectors::kafka {
namespace {

using connector::BatchId;
using connector::CommitMessage;

constexpr std::array kOptions = {
    OptionSpec{.key = "topic",
               .help = "Where messages go; without it the column `topic` says so."},
    OptionSpec{.key = "kafka.",
               .help = "Any setting of Kafka's Java producer or of librdkafka; "
                       "kafka.bootstrap.servers is required.",
               .prefix = true},
    OptionSpec{.key = "path", .help = "Without effect, as in Spark."},
    OptionSpec{.key = "checkpointLocation",
               .help = "Where progress is kept; read by the engine."},
};

class KafkaWriter final : public connector::SinkWriter {
 public:
  KafkaWriter(const MessageLayout& layout, Producer* producer, std::stop_token stop)
      : layout_(layout), producer_(producer), stop_(std::move(stop)) {}
  ~KafkaWriter() override {
    if (!done_) Abort();
  }

  Status Write(const data::Batch& batch) override {
    rows_ += batch->num_rows();
    return SendRows(batch, layout_, producer_, stop_);
  }
  Result<CommitMessage> Prepare() override {
    done_ = true;
    MILLRACE_RETURN_IF_ERROR(producer_->Flush(stop_));
    return CommitMessage{.content = "", .rows = rows_};
  }
  void Abort() noexcept override {
    done_ = true;
    producer_->Purge();
  }

 private:
  const MessageLayout& layout_;
  Producer* const producer_;
  const std::stop_token stop_;
  int64_t rows_ = 0;
  bool done_ = false;
};

class KafkaSink final : public connector::Sink {
 public:
  KafkaSink(MessageLayout layout, std::unique_ptr<Producer> producer,
            std::stop_token stop)
      : layout_(std::move(layout)),
        producer_(std::move(producer)),
        stop_(std::move(stop)) {}

  std::string description() const override {
    return fmt::format("KafkaSink[{}]",
                       layout_.topic < 0 ? layout_.fixed_topic : "column topic");
  }
  Result<std::unique_ptr<connector::SinkWriter>> Open(BatchId, int) override {
    return std::unique_ptr<connector::SinkWriter>(
        std::make_unique<KafkaWriter>(layout_, producer_.get(), stop_));
  }
  // Messages are visible as soon as the broker has them.
  Status Commit(BatchId, std::span<const CommitMessage>) override { return Status::OK(); }
  bool keeps_row_order() const override { return false; }
  connector::DeliveryGuarantee guarantee() const override {
    return connector::DeliveryGuarantee::kAtLeastOnce;
  }

 private:
  const MessageLayout layout_;
  const std::unique_ptr<Producer> producer_;
  const std::stop_token stop_;
};

Status CheckProducerOptions(const Options& options) {
  MILLRACE_RETURN_IF_ERROR(options.Check("kafka sink", kOptions));
  if (!options.Has("kafka.bootstrap.servers")) {
    return Error(Fault::kUser,
                 "Kafka option bootstrap.servers is not set. Please make sure it is set "
                 "and retry.")
        .Class("MISSING_KAFKA_OPTION")
        .Java(kSparkException);
  }
  constexpr std::array kSerialised = {std::pair{"key", "keys"},
                                      std::pair{"value", "value"}};
  for (const auto& [name, what] : kSerialised) {
    if (options.Has(fmt::format("kafka.{}.serializer", name))) {
      return ArgumentError(
          "Kafka option '{}.serializer' is not supported as {} are serialized with "
          "ByteArraySerializer.",
          name, what);
    }
  }
  if (options.Has("kafka.transactional.id")) {
    return ArgumentError(
        "Kafka option 'transactional.id' is not supported: the sink sends outside of "
        "transactions. Leave it out.");
  }
  return Status::OK();
}

class KafkaSinkProvider final : public connector::SinkProvider {
 public:
  std::string_view name() const override { return "kafka"; }
  std::span<const OptionSpec> options() const override { return kOptions; }
  bool supports(connector::OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return true; }

  Result<std::unique_ptr<connector::Sink>> Make(
      const Options& options, const data::SchemaPtr& schema,
      const connector::SinkContext& context) const override {
    MILLRACE_RETURN_IF_ERROR(CheckProducerOptions(options));
    MILLRACE_ASSIGN_OR_RETURN(MessageLayout layout,
                              FindMessageColumns(*schema, options.Get("topic")));
    MILLRACE_ASSIGN_OR_RETURN(const ClientConfig config, MapClientConfig(options));
    MILLRACE_ASSIGN_OR_RETURN(std::unique_ptr<Producer> producer, Producer::Make(config));
    return std::unique_ptr<connector::Sink>(std::make_unique<KafkaSink>(
        std::move(layout), std::move(producer), context.stop));
  }

  Result<std::unique_ptr<connector::Sink>> MakeBatch(
      const Options& options, const data::SchemaPtr& schema,
      const connector::SinkContext& context, connector::SaveMode mode) const override {
    if (mode == connector::SaveMode::kOverwrite || mode == connector::SaveMode::kIgnore) {
      return AnalysisError(
          "_LEGACY_ERROR_TEMP_3081", "",
          "Save mode {} not allowed for Kafka. Allowed save modes are Append and "
          "ErrorIfExists (default).",
          mode == connector::SaveMode::kIgnore ? "Ignore" : "Overwrite");
    }
    return Make(options, schema, context);
  }
};

}  // namespace

std::unique_ptr<connector::SinkProvider> MakeKafkaSinkProvider() {
  return std::make_unique<KafkaSinkProvider>();
}

}  // namespace millrace::connectors::kafka
