#include "plan/range_source.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

#include "base/error.h"

namespace millrace::plan {
namespace {

constexpr int64_t kBatchRows = 65'536;

struct Bounds {
  int64_t start = 0;
  int64_t step = 1;
  uint64_t count = 0;

  static Bounds Of(const Options& options) {
    const auto read = [&](const char* key) { return options.GetInt(key, 0).value(); };
    Bounds bounds{read("start"), read("step"), 0};
    const int64_t end = read("end");
    // In unsigned numbers, which cannot overflow: the distance may be more than an int64.
    const auto first = static_cast<uint64_t>(bounds.start);
    const auto last = static_cast<uint64_t>(end);
    const auto step = static_cast<uint64_t>(bounds.step);
    if (bounds.step > 0 && bounds.start < end)
      bounds.count = (last - first - 1) / step + 1;
    if (bounds.step < 0 && bounds.start > end)
      bounds.count = (first - last - 1) / (0 - step) + 1;
    return bounds;
  }
};

class RangeReader final : public connector::Reader {
 public:
  RangeReader(const Bounds& bounds, data::SchemaPtr schema)
      : bounds_(bounds), schema_(std::move(schema)) {}

  Result<data::Batch> Next(std::stop_token stop) override {
    if (stop.stop_requested()) return connector::Cancelled();
    const auto rows =
        static_cast<int64_t>(std::min<uint64_t>(kBatchRows, bounds_.count - done_));
    if (rows == 0) return data::Batch();
    std::vector<data::ArrayPtr> columns;
    if (schema_->num_fields() > 0) {
      std::vector<int64_t> ids(static_cast<size_t>(rows));
      for (int64_t i = 0; i < rows; ++i) {
        const uint64_t offset =
            (done_ + static_cast<uint64_t>(i)) * static_cast<uint64_t>(bounds_.step);
        ids[static_cast<size_t>(i)] =
            static_cast<int64_t>(static_cast<uint64_t>(bounds_.start) + offset);
      }
      columns.push_back(std::make_shared<arrow::Int64Array>(
          rows, arrow::Buffer::FromVector(std::move(ids))));
    }
    done_ += static_cast<uint64_t>(rows);
    return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  }

 private:
  const Bounds bounds_;
  const data::SchemaPtr schema_;
  uint64_t done_ = 0;
};

class RangeSplit final : public connector::Split {
 public:
  RangeSplit(const Bounds& bounds, data::SchemaPtr schema)
      : bounds_(bounds), schema_(std::move(schema)) {}

  std::string partition() const override { return "0"; }
  Result<std::unique_ptr<connector::Reader>> Open() override {
    return std::unique_ptr<connector::Reader>(
        std::make_unique<RangeReader>(bounds_, schema_));
  }

 private:
  const Bounds bounds_;
  const data::SchemaPtr schema_;
};

class RangeProvider final : public connector::SourceProvider {
 public:
  std::string_view name() const override { return "range"; }
  std::span<const OptionSpec> options() const override { return {}; }

  Result<data::SchemaPtr> Schema(const Options&, const std::vector<std::string>&,
                                 const data::SchemaPtr&, bool,
                                 const connector::SourceContext&) const override {
    return arrow::schema({arrow::field("id", data::LongType(), false)});
  }

  Result<std::unique_ptr<connector::StreamSource>> MakeStream(
      const Options&, const std::vector<std::string>&, const data::SchemaPtr&,
      const connector::SourceContext&) const override {
    return InternalError("range is no stream");
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> PlanBatch(
      const Options& options, const std::vector<std::string>&,
      const data::SchemaPtr& schema, const connector::SourceContext& context,
      std::stop_token) const override {
    const bool wanted = !context.required_columns || !context.required_columns->empty();
    std::vector<std::unique_ptr<connector::Split>> splits;
    splits.push_back(std::make_unique<RangeSplit>(
        Bounds::Of(options), wanted ? schema : arrow::schema(arrow::FieldVector())));
    return splits;
  }
};

}  // namespace

const connector::SourceProvider& RangeSource() {
  static const RangeProvider provider;
  return provider;
}

Options RangeOptions(int64_t start, int64_t end, int64_t step) {
  return Options({{"start", std::to_string(start)},
                  {"end", std::to_string(end)},
                  {"step", std::to_string(step)}});
}

}  // namespace millrace::plan
