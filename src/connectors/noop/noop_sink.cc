#include "connectors/noop/noop_sink.h"

#include <arrow/record_batch.h>

namespace millrace::connectors::noop {
namespace {

using namespace connector;  // NOLINT: this file only implements its interfaces

constexpr OptionSpec kOptions[] = {
    {.key = "checkpointLocation", .help = "Where progress is kept; read by the engine."},
};

class NoopWriter final : public SinkWriter {
 public:
  Status Write(const data::Batch& batch) override {
    rows_ += batch->num_rows();
    return Status::OK();
  }
  Result<CommitMessage> Prepare() override {
    return CommitMessage{.content = "", .rows = rows_};
  }
  void Abort() noexcept override {}

 private:
  int64_t rows_ = 0;
};

class NoopSink final : public Sink {
 public:
  std::string description() const override { return "NoopSink"; }
  Result<std::unique_ptr<SinkWriter>> Open(BatchId, int) override {
    return std::unique_ptr<SinkWriter>(std::make_unique<NoopWriter>());
  }
  Status Commit(BatchId, std::span<const CommitMessage>) override { return Status::OK(); }
  bool keeps_row_order() const override { return false; }
  DeliveryGuarantee guarantee() const override { return DeliveryGuarantee::kExactlyOnce; }
};

class NoopSinkProvider final : public SinkProvider {
 public:
  std::string_view name() const override { return "noop"; }
  std::span<const OptionSpec> options() const override { return kOptions; }
  bool supports(OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return false; }

  Result<std::unique_ptr<Sink>> Make(const Options& options, const data::SchemaPtr&,
                                     const SinkContext&) const override {
    MILLRACE_RETURN_IF_ERROR(options.Check("noop sink", kOptions));
    return std::unique_ptr<Sink>(std::make_unique<NoopSink>());
  }
  Result<std::unique_ptr<Sink>> MakeBatch(const Options& options,
                                          const data::SchemaPtr& schema,
                                          const SinkContext& context,
                                          SaveMode) const override {
    return Make(options, schema, context);
  }
};

}  // namespace

std::unique_ptr<SinkProvider> MakeNoopSinkProvider() {
  return std::make_unique<NoopSinkProvider>();
}

}  // namespace millrace::connectors::noop
