#include "connectors/rate/rate_provider.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"

namespace millrace::connectors::rate {
namespace {

using connector::Offset;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kSpecs = {
    OptionSpec{.key = "rowsPerSecond",
               .type = OptionType::kInteger,
               .fallback = "1",
               .help = "How many rows come each second."},
    OptionSpec{
        .key = "rampUpTime",
        .fallback = "0s",
        .help =
            "How long the speed grows before it reaches rowsPerSecond; whole seconds."},
    OptionSpec{.key = "numPartitions",
               .type = OptionType::kInteger,
               .help =
                   "How many partitions the rows of a batch are dealt to. Default: the "
                   "machine's cores."},
};

constexpr int64_t kRowsAtOnce = 16 * 1024;

struct Settings {
  int64_t rows_per_second = 1;
  int64_t ramp_up_seconds = 0;
  int64_t partitions = 1;
  std::string partitions_text = "default";  // as the user gave it

  // The last second whose row count is an int64.
  int64_t last_second() const {
    return std::numeric_limits<int64_t>::max() / rows_per_second;
  }
};

Result<int64_t> GetNumber(const Options& options, std::string_view key,
                          int64_t fallback) {
  const std::optional<std::string> text = options.Get(key);
  if (!text) return fallback;
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && end == text->data() + text->size()) return value;
  return Error(Fault::kUser, "For input string: \"{}\"", *text)
      .Java("java.lang.NumberFormatException");
}

// Java's duration texts in whole seconds; a number alone is in seconds.
// Spark: JavaUtils.timeStringAsSec.
Result<int64_t> ParseSeconds(std::string_view text) {
  const std::string lower = LowerCase(text);
  int64_t number = 0;
  const char* end = lower.data() + lower.size();
  const auto [rest, error] = std::from_chars(lower.data(), end, number);
  if (error == std::errc()) {
    const std::string_view unit(rest, static_cast<size_t>(end - rest));
    if (unit.empty() || unit == "s") return number;
    if (unit == "us") return number / 1'000'000;
    if (unit == "ms") return number / 1'000;
    if (unit == "m" || unit == "min") return number * 60;
    if (unit == "h") return number * 3'600;
    if (unit == "d") return number * 86'400;
  }
  return Error(Fault::kUser,
               "Time must be specified as seconds (s), milliseconds (ms), microseconds "
               "(us), "
               "minutes (m or min), hour (h), or day (d). E.g. 50s, 100ms, or "
               "250us.\nFailed to "
               "parse time string: {}",
               text)
      .Java("java.lang.NumberFormatException");
}

Result<Settings> ParseSettings(const Options& options) {
  Settings settings;
  MILLRACE_ASSIGN_OR_RETURN(settings.rows_per_second,
                            GetNumber(options, "rowsPerSecond", 1));
  if (settings.rows_per_second <= 0) {
    return ArgumentError(
        "Invalid value '{}'. The option 'rowsPerSecond' must be positive",
        settings.rows_per_second);
  }
  if (const auto text = options.Get("rampUpTime")) {
    MILLRACE_ASSIGN_OR_RETURN(settings.ramp_up_seconds, ParseSeconds(*text));
  }
  if (settings.ramp_up_seconds < 0) {
    return ArgumentError(
        "Invalid value '{}'. The option 'rampUpTime' must not be negative",
        settings.ramp_up_seconds);
  }
  const int64_t cores = std::max(1U, std::thread::hardware_concurrency());
  MILLRACE_ASSIGN_OR_RETURN(settings.partitions,
                            GetNumber(options, "numPartitions", cores));
  if (settings.partitions <= 0) {
    return ArgumentError(
        "Invalid value '{}'. The option 'numPartitions' must be positive",
        settings.partitions);
  }
  settings.partitions_text = options.GetOr("numPartitions", "default");
  MILLRACE_RETURN_IF_ERROR(options.Check("rate source", kSpecs));
  return settings;
}

Error TooManyRows(std::string_view error_class, const Settings& settings,
                  std::string_view what) {
  return Error(Fault::kUser, "Max offset with {} rowsPerSecond is {}, but {}.",
               settings.rows_per_second, settings.last_second(), what)
      .Class(error_class, "22003")
      .Java(kArithmeticException);
}

// The rows of one batch: values [first, end), spread evenly over its time.
struct Range {
  int64_t first = 0;
  int64_t end = 0;
  int64_t start_ms = 0;
  double ms_per_value = 0;
};

class RateReader final : public connector::Reader {
 public:
  RateReader(Range range, int64_t partition, int64_t partitions, data::SchemaPtr schema)
      : range_(range),
        step_(partitions),
        next_(range.first + partition),
        schema_(std::move(schema)) {}

  Result<data::Batch> Next(std::stop_token stop) override {
    if (stop.stop_requested()) return connector::Cancelled();
    if (next_ >= range_.end) return data::Batch();
    const int64_t left = (range_.end - next_ + step_ - 1) / step_;
    const int64_t rows = std::min(left, kRowsAtOnce);
    std::vector<std::shared_ptr<arrow::ArrayData>> columns;
    for (const data::FieldPtr& field : schema_->fields()) {
      auto buffer = arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(int64_t)));
      if (!buffer.ok()) {
        return ExternalError("There is no memory for {} rows: {}", rows,
                             buffer.status().message());
      }
      std::shared_ptr<arrow::Buffer> values = std::move(buffer).ValueUnsafe();
      int64_t* out = reinterpret_cast<int64_t*>(values->mutable_data());
      const bool is_value = field->name() == "value";
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t value = next_ + i * step_;
        out[i] = is_value ? value : MicrosOf(value);
      }
      columns.push_back(
          arrow::ArrayData::Make(field->type(), rows, {nullptr, values}, 0));
    }
    next_ += rows * step_;
    bytes_ += rows * static_cast<int64_t>(sizeof(int64_t) * columns.size());
    return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  }

  int64_t bytes_read() const override { return bytes_; }

 private:
  // Rounded as Java's Math.round does: halves go up.
  int64_t MicrosOf(int64_t value) const {
    const double relative =
        static_cast<double>(value - range_.first) * range_.ms_per_value;
    return (range_.start_ms + static_cast<int64_t>(std::floor(relative + 0.5))) * 1000;
  }

  const Range range_;
  const int64_t step_;
  int64_t next_;
  const data::SchemaPtr schema_;
  int64_t bytes_ = 0;
};

class RateSplit final : public connector::Split {
 public:
  RateSplit(Range range, int64_t partition, int64_t partitions, data::SchemaPtr schema)
      : range_(range),
        partition_(partition),
        partitions_(partitions),
        schema_(std::move(schema)) {}

  std::string partition() const override { return std::to_string(partition_); }

  Result<std::unique_ptr<connector::Reader>> Open() override {
    return std::unique_ptr<connector::Reader>(
        std::make_unique<RateReader>(range_, partition_, partitions_, schema_));
  }

 private:
  const Range range_;
  const int64_t partition_;
  const int64_t partitions_;
  const data::SchemaPtr schema_;
};

// Its offset is the number of whole seconds since the query was first started.
class RateSource final : public connector::StreamSource {
 public:
  RateSource(Settings settings, data::SchemaPtr schema, Clock* clock, int64_t created_ms)
      : settings_(std::move(settings)),
        schema_(std::move(schema)),
        clock_(clock),
        created_ms_(created_ms),
        last_ms_(created_ms) {}

  // Without a closing bracket, as Spark has it.
  std::string description() const override {
    return fmt::format(
        "RateStreamV2[rowsPerSecond={}, rampUpTimeSeconds={}, numPartitions={}",
        settings_.rows_per_second, settings_.ramp_up_seconds, settings_.partitions_text);
  }

  Result<std::optional<Offset>> Initial(std::stop_token) override {
    return std::optional<Offset>("0");
  }

  Result<std::optional<Offset>> Latest(const std::optional<Offset>&,
                                       const connector::ReadLimit&,
                                       std::stop_token) override {
    if (!available_now_) last_second_ = SecondNow();
    return std::optional<Offset>(std::to_string(last_second_));
  }

  Status PrepareAvailableNow(std::stop_token) override {
    last_second_ = SecondNow();
    available_now_ = true;
    return Status::OK();
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> Plan(
      const std::optional<Offset>& start, const Offset& end, std::stop_token) override {
    MILLRACE_ASSIGN_OR_RETURN(const int64_t from, ParseOffset(start.value_or("0")));
    MILLRACE_ASSIGN_OR_RETURN(const int64_t until, ParseOffset(end));
    if (from > until) {
      return InternalError("startSeconds({}) > endSeconds({})", from, until);
    }
    if (until > settings_.last_second()) {
      return TooManyRows("INCORRECT_END_OFFSET", settings_,
                         fmt::format("it's {} now", until));
    }
    // A clock that went back before a restart does not make time run backwards.
    last_ms_ = std::max(last_ms_, created_ms_ + until * 1000);

    Range range;
    range.first = RowsUntil(from, settings_.rows_per_second, settings_.ramp_up_seconds);
    range.end = RowsUntil(until, settings_.rows_per_second, settings_.ramp_up_seconds);
    range.start_ms = created_ms_ + from * 1000;
    std::vector<std::unique_ptr<connector::Split>> splits;
    if (range.first == range.end) return splits;
    range.ms_per_value = static_cast<double>((until - from) * 1000) /
                         static_cast<double>(range.end - range.first);
    for (int64_t p = 0; p < settings_.partitions && range.first + p < range.end; ++p) {
      splits.push_back(
          std::make_unique<RateSplit>(range, p, settings_.partitions, schema_));
    }
    return splits;
  }

  bool AwaitData(Clock& clock, EpochMillis deadline, std::stop_token stop) override {
    const EpochMillis next{milliseconds(created_ms_) + seconds(last_second_ + 1)};
    if (available_now_ || deadline < next) {
      clock.WaitUntil(deadline, stop);
      return false;
    }
    return clock.WaitUntil(next, stop);
  }

 private:
  int64_t SecondNow() {
    last_ms_ = std::max(last_ms_, int64_t{clock_->Now().time_since_epoch().count()});
    return (last_ms_ - created_ms_) / 1000;
  }

  static Result<int64_t> ParseOffset(const Offset& offset) {
    int64_t value = 0;
    const char* end = offset.data() + offset.size();
    const auto [rest, error] = std::from_chars(offset.data(), end, value);
    if (error == std::errc() && rest == end) return value;
    return InternalError("An offset of a rate source must be a number, found: {}",
                         offset);
  }

  const Settings settings_;
  const data::SchemaPtr schema_;
  Clock* const clock_;
  const int64_t created_ms_;
  int64_t last_ms_;
  int64_t last_second_ = 0;
  bool available_now_ = false;
};

// When the query was first started, from the log or put there.
Result<int64_t> CreationTime(const connector::SourceContext& context) {
  const int64_t now = context.clock->Now().time_since_epoch().count();
  if (context.log == nullptr) return now;
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<std::string> content,
                            context.log->Get(0));
  if (!content) {
    MILLRACE_RETURN_IF_ERROR(context.log->Add(0, fmt::format("v1\n{}", now)));
    return now;
  }
  constexpr std::string_view kVersion = "v1\n";
  int64_t created = 0;
  if (content->starts_with(kVersion)) {
    const char* end = content->data() + content->size();
    const auto [rest, error] =
        std::from_chars(content->data() + kVersion.size(), end, created);
    if (error == std::errc() && rest == end) return created;
  }
  return Error(Fault::kExternal,
               "The start time of a rate source must be 'v1', a line break and "
               "milliseconds, "
               "found in {}: {}",
               context.log->folder(), *content)
      .Java("java.lang.IllegalStateException")
      .Retryable(false);
}

class RateProvider final : public connector::SourceProvider {
 public:
  std::string_view name() const override { return "rate"; }
  std::span<const OptionSpec> options() const override { return kSpecs; }

  Result<data::SchemaPtr> Schema(const Options& options, const std::vector<std::string>&,
                                 const data::SchemaPtr& user_schema, bool streaming,
                                 const connector::SourceContext&) const override {
    if (!streaming) return NoBatch();
    if (user_schema != nullptr) {
      return Error(Fault::kUser,
                   "RateStreamProvider source does not support user-specified "
                   "schema.")
          .Class("_LEGACY_ERROR_TEMP_2242")
          .Java(kUnsupportedOperationException);
    }
    MILLRACE_RETURN_IF_ERROR(ParseSettings(options).status());
    return arrow::schema({arrow::field("timestamp", data::TimestampType()),
                          arrow::field("value", data::LongType())});
  }

  Result<std::unique_ptr<connector::StreamSource>> MakeStream(
      const Options& options, const std::vector<std::string>&,
      const data::SchemaPtr& schema,
      const connector::SourceContext& context) const override {
    MILLRACE_ASSIGN_OR_RETURN(Settings settings, ParseSettings(options));
    if (settings.ramp_up_seconds > settings.last_second()) {
      return TooManyRows(
          "INCORRECT_RAMP_UP_RATE", settings,
          fmt::format("'rampUpTimeSeconds' is {}", settings.ramp_up_seconds));
    }
    arrow::FieldVector fields;
    for (const data::FieldPtr& field : schema->fields()) {
      if (!context.required_columns ||
          std::ranges::count(*context.required_columns, field->name()) > 0) {
        fields.push_back(field);
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(const int64_t created, CreationTime(context));
    return std::unique_ptr<connector::StreamSource>(std::make_unique<RateSource>(
        std::move(settings), arrow::schema(std::move(fields)), context.clock, created));
  }

  Result<std::vector<std::unique_ptr<connector::Split>>> PlanBatch(
      const Options&, const std::vector<std::string>&, const data::SchemaPtr&,
      const connector::SourceContext&, std::stop_token) const override {
    return NoBatch();
  }

 private:
  static Status NoBatch() {
    return AnalysisError("_LEGACY_ERROR_TEMP_1135", "",
                         "rate is not a valid Spark SQL Data Source.");
  }
};

}  // namespace

int64_t RowsUntil(int64_t second, int64_t rows_per_second, int64_t ramp_up_seconds) {
  const int64_t step = rows_per_second / (ramp_up_seconds + 1);
  if (second <= ramp_up_seconds) {
    // step * second * (second + 1) / 2, halving the even factor first so that nothing
    // overflows.
    return second % 2 == 1 ? (second + 1) / 2 * step * second
                           : second / 2 * step * (second + 1);
  }
  return RowsUntil(ramp_up_seconds, rows_per_second, ramp_up_seconds) +
         (second - ramp_up_seconds) * rows_per_second;
}

std::unique_ptr<connector::SourceProvider> MakeRateProvider() {
  return std::make_unique<RateProvider>();
}

}  // namespace millrace::connectors::rate
