#include "connectors/kafka/kafka_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "connectors/kafka/rate_limit.h"
#include "data/show.h"

namespace millrace::connectors::kafka {
namespace {

using connector::Offset;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// How long Latest waits for a broker that has answered before.
constexpr milliseconds kReconnectTimeout(2000);
// How long AwaitData waits at a stretch. Also how late it may notice that a clock was
// moved.
constexpr milliseconds kSlice(100);
constexpr milliseconds kDelayedSlice(20);

PartitionSet Minus(const PartitionOffsets& a, const PartitionOffsets& b) {
  PartitionSet result;
  for (const auto& [partition, offset] : a) {
    if (!b.contains(partition)) result.insert(result.end(), partition);
  }
  return result;
}

}  // namespace

std::string EncodeInitialOffsets(const PartitionOffsets& offsets) {
  return std::string(1, '\0') + "v1\n" + ToJson(offsets);
}

Result<PartitionOffsets> DecodeInitialOffsets(std::string_view content) {
  if (!content.empty())
    content.remove_prefix(1);  // for Spark 2.1.0, which wrote no version
  if (!content.starts_with('v')) return ParseOffsets(content);
  const size_t line = content.find('\n');
  int version = 0;
  const auto [end, error] =
      std::from_chars(content.data() + 1, content.data() + content.size(), version);
  if (line == std::string_view::npos || error != std::errc() ||
      end != content.data() + line) {
    return Error(Fault::kExternal,
                 "Log file was malformed: failed to detect the log file version line.")
        .Java("java.lang.IllegalStateException")
        .Retryable(false);
  }
  if (version != 1) {
    return Error(Fault::kUser,
                 "UnsupportedLogVersion: maximum supported log version is v1, but "
                 "encountered "
                 "v{}. The log file was produced by a newer version of Spark and cannot "
                 "be read "
                 "by this version. Please upgrade.",
                 version)
        .Java("java.lang.IllegalStateException");
  }
  return ParseOffsets(content.substr(line + 1));
}

Result<std::vector<std::unique_ptr<connector::Split>>> PlanSplits(
    const std::shared_ptr<const ReadContext>& context, const PartitionOffsets& from,
    const PartitionOffsets& from_new, const PartitionOffsets& until) {
  const DataLossPolicy& loss = *context->loss;
  PartitionSet lost = Minus(until, from);
  std::erase_if(lost, [&](const TopicPartition& p) { return from_new.contains(p); });
  if (!lost.empty()) MILLRACE_RETURN_IF_ERROR(loss.NoInitialOffset(lost));
  for (const auto& [partition, offset] : from_new) {
    if (offset != 0) {
      MILLRACE_RETURN_IF_ERROR(loss.AddedPartitionNotFromZero(partition, offset));
    }
  }
  if (const PartitionSet gone = Minus(from, until); !gone.empty()) {
    MILLRACE_RETURN_IF_ERROR(loss.PartitionsDeleted(gone));
  }
  std::vector<std::unique_ptr<connector::Split>> splits;
  for (const auto& [partition, end] : until) {
    const auto known = from.find(partition);
    const auto added = from_new.find(partition);
    if (known == from.end() && added == from_new.end()) continue;
    const int64_t start = known != from.end() ? known->second : added->second;
    if (end < start) MILLRACE_RETURN_IF_ERROR(loss.OffsetChanged(partition, start, end));
    if (end > start) splits.push_back(MakePartitionSplit(context, partition, start, end));
  }
  return splits;
}

KafkaSource::KafkaSource(ReadOptions options, std::shared_ptr<const ReadContext> context,
                         connector::DurableLog* log, Clock* clock)
    : options_(std::move(options)),
      context_(std::move(context)),
      log_(log),
      clock_(clock),
      finder_(context_->broker, options_, context_->broker_timeout) {}

std::string KafkaSource::description() const {
  const std::string name = fmt::format("KafkaV2[{}]", options_.subscription.ToString());
  return trouble_.empty() ? name
                          : fmt::format("{} (waiting for Kafka: {})", name, trouble_);
}

Result<std::optional<Offset>> KafkaSource::Initial(std::stop_token stop) {
  if (log_ != nullptr) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<std::string> content, log_->Get(0));
    if (content) {
      MILLRACE_ASSIGN_OR_RETURN(const PartitionOffsets offsets,
                                DecodeInitialOffsets(*content));
      return std::optional<Offset>(ToJson(offsets));
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(
      const PartitionOffsets offsets,
      finder_.Resolve(options_.start, /*is_start=*/true, /*streaming=*/true, stop));
  if (log_ != nullptr)
    MILLRACE_RETURN_IF_ERROR(log_->Add(0, EncodeInitialOffsets(offsets)));
  return std::optional<Offset>(ToJson(offsets));
}

Result<PartitionOffsets> KafkaSource::Start(const std::optional<Offset>& start,
                                            std::stop_token stop) {
  if (start) return ParseOffsets(*start);
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<Offset> initial, Initial(stop));
  return ParseOffsets(*initial);
}

Status KafkaSource::PrepareAvailableNow(std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(available_now_, finder_.Latest({}, stop));
  return Status::OK();
}

Result<std::optional<Offset>> KafkaSource::Latest(const std::optional<Offset>& start,
                                                  const connector::ReadLimit& limit,
                                                  std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOffsets from, Start(start, stop));
  const bool first = !latest_.has_value();
  if (available_now_) {
    latest_ = available_now_;
  } else {
    Result<PartitionOffsets> newest = finder_.Latest(from, stop);
    if (!newest.ok()) {
      const Status& status = newest.status();
      const bool away = status.error().fault == Fault::kExternal;
      if (first || !away || connector::IsCancelled(status)) return status;
      if (trouble_.empty()) spdlog::warn("Kafka is away: {}", status.error().message);
      trouble_ = status.error().message;
      return std::optional<Offset>(start ? *start : ToJson(from));
    }
    if (!trouble_.empty()) spdlog::info("Kafka is back: {}", context_->broker->servers());
    trouble_.clear();
    latest_ = std::move(newest).value();
    finder_.SetTimeout(std::min(kReconnectTimeout, context_->broker_timeout));
  }
  MILLRACE_RETURN_IF_ERROR(Prefetch(from));
  PartitionOffsets end = *latest_;
  delayed_ = false;
  if (!limit.unlimited) {
    MILLRACE_ASSIGN_OR_RETURN(end, Limit(from, stop));
  }
  if (end.empty()) return std::optional<Offset>();
  // Spark may have written the same position in another order of topics.
  if (start && end == from) return start;
  return std::optional<Offset>(ToJson(end));
}

bool KafkaSource::DelayBatch(const PartitionOffsets& from) {
  const EpochMillis now = clock_->Now();
  double fresh = 0;
  for (const auto& [partition, end] : *latest_) {
    const auto begin = from.find(partition);
    fresh += static_cast<double>(end - (begin == from.end() ? 0 : begin->second));
  }
  if (now - last_trigger_ < options_.max_trigger_delay &&
      fresh < static_cast<double>(*options_.min_offsets_per_trigger)) {
    delayed_ = fresh > 0;
    return true;
  }
  last_trigger_ = now;
  return false;
}

Result<PartitionOffsets> KafkaSource::Limit(const PartitionOffsets& from,
                                            std::stop_token stop) {
  if (options_.min_offsets_per_trigger && DelayBatch(from)) return from;
  if (!options_.max_offsets_per_trigger) return *latest_;
  PartitionOffsets added;
  if (const PartitionSet unknown = Minus(*latest_, from); !unknown.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(added, AwaitEarliest(unknown, stop));
  }
  return LimitOffsets(*options_.max_offsets_per_trigger, from, added, *latest_);
}

Status KafkaSource::Prefetch(const PartitionOffsets& from) {
  std::erase_if(followed_, [this](const TopicPartition& partition) {
    if (latest_->contains(partition)) return false;
    Feed& feed = context_->feeds->FeedOf(partition);
    if (!feed.TryAcquire()) return false;
    feed.Halt();  // the partition was deleted
    feed.Release();
    return true;
  });
  for (const auto& [partition, end] : *latest_) {
    const auto begin = from.find(partition);
    if (begin == from.end() || begin->second > end) continue;
    Feed& feed = context_->feeds->FeedOf(partition);
    if (!feed.TryAcquire()) continue;
    followed_.insert(partition);
    const Status status = feed.Seek(begin->second);
    feed.Release();
    MILLRACE_RETURN_IF_ERROR(status);
  }
  return Status::OK();
}

// A planned batch has to run, so this waits for a broker as long as a reader does.
Result<PartitionOffsets> KafkaSource::AwaitEarliest(const PartitionSet& partitions,
                                                    std::stop_token stop) {
  const Steady::time_point deadline = Steady::now() + context_->poll_timeout;
  while (true) {
    Result<PartitionOffsets> earliest = finder_.Earliest(partitions, stop);
    if (earliest.ok() || connector::IsCancelled(earliest.status()) ||
        earliest.status().error().fault != Fault::kExternal ||
        Steady::now() >= deadline) {
      return earliest;
    }
  }
}

Result<std::vector<std::unique_ptr<connector::Split>>> KafkaSource::Plan(
    const std::optional<Offset>& start, const Offset& end, std::stop_token stop) {
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOffsets from, Start(start, stop));
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOffsets until, ParseOffsets(end));
  MILLRACE_ASSIGN_OR_RETURN(const PartitionOffsets added,
                            AwaitEarliest(Minus(until, from), stop));
  return PlanSplits(context_, from, added, until);
}

std::map<std::string, std::string> KafkaSource::Metrics(
    const std::optional<Offset>& consumed) {
  if (!consumed || !latest_ || latest_->empty()) return {};
  const Result<PartitionOffsets> parsed = ParseOffsets(*consumed);
  if (!parsed.ok()) return {};
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = std::numeric_limits<int64_t>::min();
  double total = 0;
  for (const auto& [partition, end] : *latest_) {
    const auto position = parsed->find(partition);
    const int64_t behind = end - (position == parsed->end() ? 0 : position->second);
    least = std::min(least, behind);
    most = std::max(most, behind);
    total += static_cast<double>(behind);
  }
  std::string average;
  data::AppendDouble(total / static_cast<double>(latest_->size()), &average);
  return {{"minOffsetsBehindLatest", std::to_string(least)},
          {"maxOffsetsBehindLatest", std::to_string(most)},
          {"avgOffsetsBehindLatest", average}};
}

std::optional<Offset> KafkaSource::ReportLatest() {
  if (!latest_ || latest_->empty()) return std::nullopt;
  return ToJson(*latest_);
}

bool KafkaSource::AnyNew() {
  for (const TopicPartition& partition : followed_) {
    Feed& feed = context_->feeds->FeedOf(partition);
    if (!feed.TryAcquire()) continue;
    const bool any = feed.HasNew();
    feed.Release();
    if (any) return true;
  }
  return false;
}

bool KafkaSource::AwaitData(Clock& clock, EpochMillis deadline, std::stop_token stop) {
  while (!stop.stop_requested()) {
    const milliseconds left = deadline - clock.Now();
    if (left <= milliseconds(0)) return false;
    if (delayed_) {
      // There is data, but a batch has to wait for more or for time to pass.
      return PauseFor(std::min(left, kDelayedSlice), stop);
    }
    if (AnyNew() || Steady::now() >= finder_.next_discovery()) return true;
    context_->feeds->AwaitArrival(std::min(left, kSlice), stop);
  }
  return false;
}

std::vector<std::string> KafkaSource::LaggingPartitions(const Offset& end) {
  std::vector<std::string> lagging;
  const Result<PartitionOffsets> reached = ParseOffsets(end);
  if (!reached.ok() || !latest_) return lagging;
  for (const auto& [partition, newest] : *latest_) {
    const auto position = reached->find(partition);
    if (position == reached->end() || position->second < newest) {
      lagging.push_back(ToString(partition));
    }
  }
  return lagging;
}

}  // namespace millrace::connectors::kafka
