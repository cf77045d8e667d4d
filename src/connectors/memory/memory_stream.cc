#include <algorithm>
#include <charconv>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "connectors/memory/memory.h"

namespace millrace::connectors::memory {
namespace {

using namespace connector;  // NOLINT: this file only implements its interfaces

constexpr OptionSpec kOptions[] = {
    {.key = "name", .required = true, .help = "Which stream to read."},
};

Result<int64_t> PositionOf(const Offset& offset) {
  int64_t position = 0;
  const char* const end = offset.data() + offset.size();
  const auto [next, error] = std::from_chars(offset.data(), end, position);
  if (error != std::errc() || next != end) {
    return ArgumentError("The offset of a memory stream must be a number, found: {}",
                         offset);
  }
  return position;
}

/// The batches of a split, columns that are not wanted left out.
class MemoryReader final : public Reader {
 public:
  MemoryReader(std::vector<data::Batch> batches, std::vector<int> columns)
      : batches_(std::move(batches)), columns_(std::move(columns)) {}

  Result<data::Batch> Next(std::stop_token stop) override {
    if (stop.stop_requested()) return Cancelled();
    while (at_ < batches_.size()) {
      const data::Batch& batch = batches_[at_++];
      if (batch->num_rows() == 0) continue;
      auto wanted = batch->SelectColumns(columns_);
      if (!wanted.ok()) return InternalError("{}", wanted.status().ToString());
      return *wanted;
    }
    return data::Batch();
  }

 private:
  const std::vector<data::Batch> batches_;
  const std::vector<int> columns_;
  size_t at_ = 0;
};

class MemorySplit final : public Split {
 public:
  MemorySplit(std::vector<data::Batch> batches, std::vector<int> columns)
      : batches_(std::move(batches)), columns_(std::move(columns)) {}
  std::string partition() const override { return "0"; }
  Result<std::unique_ptr<Reader>> Open() override {
    return std::unique_ptr<Reader>(std::make_unique<MemoryReader>(batches_, columns_));
  }

 private:
  const std::vector<data::Batch> batches_;
  const std::vector<int> columns_;
};

std::vector<int> WantedColumns(const arrow::Schema& schema,
                               const SourceContext& context) {
  std::vector<int> columns;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const auto& wanted = context.required_columns;
    if (!wanted || std::find(wanted->begin(), wanted->end(), schema.field(i)->name()) !=
                       wanted->end()) {
      columns.push_back(i);
    }
  }
  return columns;
}

class MemoryStreamSource final : public StreamSource {
 public:
  MemoryStreamSource(std::string name, std::shared_ptr<MemoryStream> stream,
                     const SourceContext& context)
      : name_(std::move(name)),
        stream_(std::move(stream)),
        columns_(WantedColumns(*stream_->schema(), context)),
        clock_(context.clock) {
    if (clock_ != nullptr) stream_->Attach(clock_);
  }
  ~MemoryStreamSource() override {
    if (clock_ != nullptr) stream_->Detach(clock_);
  }

  std::string description() const override {
    return fmt::format("MemoryStream[{}]", name_);
  }

  Result<std::optional<Offset>> Initial(std::stop_token) override {
    return std::optional<Offset>();
  }

  Result<std::optional<Offset>> Latest(const std::optional<Offset>&, const ReadLimit&,
                                       std::stop_token) override {
    return ReportLatest();
  }

  Status PrepareAvailableNow(std::stop_token) override {
    end_ = stream_->size();
    return Status::OK();
  }

  Result<std::vector<std::unique_ptr<Split>>> Plan(const std::optional<Offset>& start,
                                                   const Offset& end,
                                                   std::stop_token) override {
    int64_t after = -1;
    if (start) {
      MILLRACE_ASSIGN_OR_RETURN(after, PositionOf(*start));
    }
    MILLRACE_ASSIGN_OR_RETURN(const int64_t last, PositionOf(end));
    if (last >= stream_->size()) {
      return ArgumentError(
          "Memory stream '{}' has {} batches, but the checkpoint asks for "
          "offset {}. Memory streams do not outlive their process.",
          name_, stream_->size(), last);
    }
    std::vector<std::unique_ptr<Split>> splits;
    splits.push_back(
        std::make_unique<MemorySplit>(stream_->Range(after + 1, last), columns_));
    return splits;
  }

  std::optional<Offset> ReportLatest() override {
    const int64_t size = end_.value_or(stream_->size());
    if (size == 0) return std::nullopt;
    return fmt::format("{}", size - 1);
  }

 private:
  const std::string name_;
  const std::shared_ptr<MemoryStream> stream_;
  const std::vector<int> columns_;
  Clock* const clock_;
  std::optional<int64_t> end_;
};

class MemoryStreamProvider final : public SourceProvider {
 public:
  explicit MemoryStreamProvider(MemoryStreams& streams) : streams_(streams) {}

  std::string_view name() const override { return "memory_stream"; }
  std::span<const OptionSpec> options() const override { return kOptions; }

  Result<data::SchemaPtr> Schema(const Options& options, const std::vector<std::string>&,
                                 const data::SchemaPtr&, bool,
                                 const SourceContext&) const override {
    MILLRACE_ASSIGN_OR_RETURN(const std::shared_ptr<MemoryStream> stream,
                              StreamOf(options));
    return stream->schema();
  }

  Result<std::unique_ptr<StreamSource>> MakeStream(
      const Options& options, const std::vector<std::string>&, const data::SchemaPtr&,
      const SourceContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<MemoryStream> stream, StreamOf(options));
    return std::unique_ptr<StreamSource>(std::make_unique<MemoryStreamSource>(
        *options.Get("name"), std::move(stream), context));
  }

  Result<std::vector<std::unique_ptr<Split>>> PlanBatch(const Options& options,
                                                        const std::vector<std::string>&,
                                                        const data::SchemaPtr&,
                                                        const SourceContext& context,
                                                        std::stop_token) const override {
    MILLRACE_ASSIGN_OR_RETURN(const std::shared_ptr<MemoryStream> stream,
                              StreamOf(options));
    std::vector<std::unique_ptr<Split>> splits;
    splits.push_back(std::make_unique<MemorySplit>(
        stream->Range(0, stream->size() - 1), WantedColumns(*stream->schema(), context)));
    return splits;
  }

 private:
  Result<std::shared_ptr<MemoryStream>> StreamOf(const Options& options) const {
    MILLRACE_RETURN_IF_ERROR(options.Check("memory stream", kOptions));
    const std::string name = options.GetOr("name", "");
    std::shared_ptr<MemoryStream> stream = streams_.Find(name);
    if (stream == nullptr) {
      return ArgumentError(
          "There is no memory stream named '{}'; make it before it is read.", name);
    }
    return stream;
  }

  MemoryStreams& streams_;
};

}  // namespace

int64_t MemoryStream::Add(data::Batch batch) {
  std::lock_guard lock(mutex_);
  batches_.push_back(std::move(batch));
  for (Clock* const clock : clocks_) clock->Wake();
  return static_cast<int64_t>(batches_.size()) - 1;
}

int64_t MemoryStream::size() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(batches_.size());
}

std::vector<data::Batch> MemoryStream::Range(int64_t first, int64_t last) const {
  std::lock_guard lock(mutex_);
  last = std::min(last, static_cast<int64_t>(batches_.size()) - 1);
  if (first > last) return {};
  return {batches_.begin() + first, batches_.begin() + last + 1};
}

void MemoryStream::Attach(Clock* clock) {
  std::lock_guard lock(mutex_);
  clocks_.push_back(clock);
}

void MemoryStream::Detach(Clock* clock) {
  std::lock_guard lock(mutex_);
  const auto found = std::find(clocks_.begin(), clocks_.end(), clock);
  if (found != clocks_.end()) clocks_.erase(found);
}

Result<std::shared_ptr<MemoryStream>> MemoryStreams::Get(std::string_view name,
                                                         const data::SchemaPtr& schema) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<MemoryStream>& stream = streams_[std::string(name)];
  if (stream == nullptr) stream = std::make_shared<MemoryStream>(schema);
  if (!stream->schema()->Equals(*schema)) {
    return ArgumentError("Memory stream '{}' has the columns {}, wanted: {}", name,
                         stream->schema()->ToString(), schema->ToString());
  }
  return stream;
}

std::shared_ptr<MemoryStream> MemoryStreams::Find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = streams_.find(name);
  return found == streams_.end() ? nullptr : found->second;
}

std::unique_ptr<SourceProvider> MakeMemoryStreamProvider(MemoryStreams& streams) {
  return std::make_unique<MemoryStreamProvider>(streams);
}

}  // namespace millrace::connectors::memory
