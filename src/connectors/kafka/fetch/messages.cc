#include "connectors/kafka/fetch/messages.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"

namespace millrace::connectors::kafka::fetch {
namespace {

constexpr int16_t kFetch = 1;
constexpr int16_t kSaslHandshake = 17;
constexpr int16_t kApiVersions = 18;
constexpr int16_t kSaslAuthenticate = 36;

constexpr int16_t kFirstFlexibleFetch = 12;

// The header's client id is never compact; flexible requests only add tagged fields.
void Header(int16_t key, int16_t version, int32_t correlation, std::string_view client_id,
            WireWriter* out) {
  WireWriter header;
  header.Number(key);
  header.Number(version);
  header.Number(correlation);
  header.String(client_id);
  out->Raw(header.Take());
}

Status Malformed(std::string_view what) {
  return ExternalError("a Kafka broker's answer to {} is malformed", what);
}

// The header of an answer.
Status CheckCorrelation(WireReader& in, int32_t correlation, std::string_view what) {
  const auto found = in.Number<int32_t>();
  if (in.ok() && found == correlation) return Status::OK();
  return Malformed(what);
}

FetchAnswer::Partition ReadPartition(WireReader& in, std::string_view topic,
                                     int16_t version) {
  FetchAnswer::Partition partition;
  partition.topic = topic;
  partition.partition = in.Number<int32_t>();
  partition.error = static_cast<ErrorCode>(in.Number<int16_t>());
  partition.high_watermark = in.Number<int64_t>();
  partition.last_stable_offset = in.Number<int64_t>();
  in.Number<int64_t>();  // log start offset
  const size_t aborted = in.Array(2 * sizeof(int64_t));
  partition.aborted.reserve(aborted);
  for (size_t i = 0; i < aborted; ++i) {
    AbortedTransaction transaction;
    transaction.producer_id = in.Number<int64_t>();
    transaction.first_offset = in.Number<int64_t>();
    in.Tags();
    partition.aborted.push_back(transaction);
  }
  if (version >= 11) in.Number<int32_t>();  // preferred read replica: no rack was named
  partition.records = in.Blob();
  in.Tags();
  return partition;
}

}  // namespace

std::string NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return "NONE";
    case ErrorCode::kOffsetOutOfRange:
      return "OFFSET_OUT_OF_RANGE";
    case ErrorCode::kCorruptMessage:
      return "CORRUPT_MESSAGE";
    case ErrorCode::kUnknownTopicOrPartition:
      return "UNKNOWN_TOPIC_OR_PARTITION";
    case ErrorCode::kLeaderNotAvailable:
      return "LEADER_NOT_AVAILABLE";
    case ErrorCode::kNotLeaderOrFollower:
      return "NOT_LEADER_OR_FOLLOWER";
    case ErrorCode::kReplicaNotAvailable:
      return "REPLICA_NOT_AVAILABLE";
    case ErrorCode::kTopicAuthorizationFailed:
      return "TOPIC_AUTHORIZATION_FAILED";
    case ErrorCode::kUnsupportedSaslMechanism:
      return "UNSUPPORTED_SASL_MECHANISM";
    case ErrorCode::kKafkaStorageError:
      return "KAFKA_STORAGE_ERROR";
    case ErrorCode::kSaslAuthenticationFailed:
      return "SASL_AUTHENTICATION_FAILED";
    case ErrorCode::kFencedLeaderEpoch:
      return "FENCED_LEADER_EPOCH";
    case ErrorCode::kUnknownLeaderEpoch:
      return "UNKNOWN_LEADER_EPOCH";
    case ErrorCode::kOffsetNotAvailable:
      return "OFFSET_NOT_AVAILABLE";
  }
  return fmt::format("error {}", static_cast<int>(code));
}

std::string EncodeApiVersions(int32_t correlation, std::string_view client_id) {
  WireWriter out;
  Header(kApiVersions, 0, correlation, client_id, &out);
  return out.Take();
}

Result<int16_t> DecodeFetchVersion(Bytes answer, int32_t correlation) {
  WireReader in(answer);
  MILLRACE_RETURN_IF_ERROR(CheckCorrelation(in, correlation, "ApiVersions"));
  const auto error = static_cast<ErrorCode>(in.Number<int16_t>());
  std::optional<std::pair<int16_t, int16_t>> spoken;
  for (size_t count = in.Array(3 * sizeof(int16_t)); count > 0; --count) {
    const auto key = in.Number<int16_t>();
    const auto oldest = in.Number<int16_t>();
    const auto newest = in.Number<int16_t>();
    if (key == kFetch) spoken = {oldest, newest};
  }
  if (!in.ok()) return Malformed("ApiVersions");
  if (error != ErrorCode::kNone) {
    return ExternalError("a Kafka broker refused ApiVersions: {}", NameOf(error));
  }
  if (!spoken) return ExternalError("a Kafka broker does not speak Fetch");
  const int16_t version = std::min(spoken->second, kNewestFetch);
  if (version < kOldestFetch || version < spoken->first) {
    return ExternalError(
        "a Kafka broker speaks versions {} to {} of Fetch, wanted one of {} to {}",
        spoken->first, spoken->second, kOldestFetch, kNewestFetch);
  }
  return version;
}

std::string EncodeSaslHandshake(int32_t correlation, std::string_view client_id,
                                std::string_view mechanism) {
  WireWriter out;
  Header(kSaslHandshake, 1, correlation, client_id, &out);
  out.String(mechanism);
  return out.Take();
}

Status DecodeSaslHandshake(Bytes answer, int32_t correlation,
                           std::string_view mechanism) {
  WireReader in(answer);
  MILLRACE_RETURN_IF_ERROR(CheckCorrelation(in, correlation, "SaslHandshake"));
  const auto error = static_cast<ErrorCode>(in.Number<int16_t>());
  std::string offered;
  for (size_t count = in.Array(sizeof(int16_t)); count > 0; --count) {
    offered += offered.empty() ? "" : ", ";
    offered += in.String();
  }
  if (!in.ok()) return Malformed("SaslHandshake");
  if (error == ErrorCode::kNone) return Status::OK();
  return ExternalError(
      "a Kafka broker does not take the SASL mechanism {} ({}); it takes {}", mechanism,
      NameOf(error), offered);
}

std::string EncodeSaslAuthenticate(int32_t correlation, std::string_view client_id,
                                   std::string_view token) {
  WireWriter out;
  Header(kSaslAuthenticate, 0, correlation, client_id, &out);
  out.Number(static_cast<int32_t>(token.size()));
  out.Raw(token);
  return out.Take();
}

Result<std::string> DecodeSaslAuthenticate(Bytes answer, int32_t correlation) {
  WireReader in(answer);
  MILLRACE_RETURN_IF_ERROR(CheckCorrelation(in, correlation, "SaslAuthenticate"));
  const auto error = static_cast<ErrorCode>(in.Number<int16_t>());
  const std::string_view reason = in.String();
  const Bytes token = in.Blob();
  if (!in.ok()) return Malformed("SaslAuthenticate");
  if (error != ErrorCode::kNone) {
    return ExternalError("a Kafka broker refused the login: {} ({})", reason,
                         NameOf(error));
  }
  return std::string(token.begin(), token.end());
}

std::string EncodeFetch(int32_t correlation, std::string_view client_id,
                        const FetchRequest& request) {
  constexpr int32_t kConsumer = -1;        // instead of a follower's id
  constexpr int32_t kNoSession = 0;        // every request names all its partitions
  constexpr int32_t kFinalEpoch = -1;      // of that session
  constexpr int32_t kAnyLeaderEpoch = -1;  // librdkafka's metadata does not tell it
  WireWriter out(request.version >= kFirstFlexibleFetch);
  Header(kFetch, request.version, correlation, client_id, &out);
  out.Tags();
  out.Number(kConsumer);
  out.Number(request.max_wait_ms);
  out.Number(request.min_bytes);
  out.Number(request.max_bytes);
  out.Number(static_cast<int8_t>(request.read_committed ? 1 : 0));
  out.Number(kNoSession);
  out.Number(kFinalEpoch);

  const auto& all = request.partitions;
  const auto other_topic = [](const auto& a, const auto& b) {
    return a.topic != b.topic;
  };
  size_t topics = all.empty() ? 0 : 1;
  for (size_t i = 1; i < all.size(); ++i) topics += other_topic(all[i - 1], all[i]);
  out.Array(topics);
  for (auto first = all.begin(); first != all.end();) {
    auto last = std::adjacent_find(first, all.end(), other_topic);
    if (last != all.end()) ++last;
    out.String(first->topic);
    out.Array(static_cast<size_t>(last - first));
    for (; first != last; ++first) {
      out.Number(first->partition);
      out.Number(kAnyLeaderEpoch);
      out.Number(first->offset);
      if (request.version >= 12) out.Number(int32_t{-1});  // last fetched epoch
      out.Number(int64_t{-1});                             // a follower's log start
      out.Number(request.max_partition_bytes);
      out.Tags();
    }
    out.Tags();
  }
  out.Array(0);                               // forgotten topics of a session
  if (request.version >= 11) out.String("");  // rack
  out.Tags();
  return out.Take();
}

Result<FetchAnswer> DecodeFetch(Bytes answer, int32_t correlation, int16_t version) {
  WireReader in(answer, version >= kFirstFlexibleFetch);
  MILLRACE_RETURN_IF_ERROR(CheckCorrelation(in, correlation, "Fetch"));
  in.Tags();
  FetchAnswer result;
  result.throttle_ms = in.Number<int32_t>();
  result.error = static_cast<ErrorCode>(in.Number<int16_t>());
  in.Number<int32_t>();  // session
  for (size_t topics = in.Array(2); topics > 0 && in.ok(); --topics) {
    const std::string_view topic = in.String();
    constexpr size_t kLeast = 4 + 2 + 3 * 8 + 1 + 1;
    for (size_t count = in.Array(kLeast); count > 0 && in.ok(); --count) {
      result.partitions.push_back(ReadPartition(in, topic, version));
    }
    in.Tags();
  }
  in.Tags();
  if (!in.ok()) return Malformed("Fetch");
  return result;
}

}  // namespace millrace::connectors::kafka::fetch
