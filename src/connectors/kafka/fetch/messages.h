// The requests of the native read path and their answers, as bytes.
//
// All answers may hold anything: a broker is not trusted. Decoding checks every length;
// what does not fit is an error, and views point into the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/fetch/wire.h"
#include "millrace/status.h"

namespace millrace::connectors::kafka::fetch {

// Kafka's numbers of the errors that mean something to a reader.
enum class ErrorCode : int16_t {
  kNone = 0,
  kOffsetOutOfRange = 1,
  kCorruptMessage = 2,
  kUnknownTopicOrPartition = 3,
  kLeaderNotAvailable = 5,
  kNotLeaderOrFollower = 6,
  kReplicaNotAvailable = 9,
  kTopicAuthorizationFailed = 29,
  kUnsupportedSaslMechanism = 33,
  kKafkaStorageError = 56,
  kSaslAuthenticationFailed = 58,
  kFencedLeaderEpoch = 74,
  kUnknownLeaderEpoch = 75,
  kOffsetNotAvailable = 78,
};
/// "NOT_LEADER_OR_FOLLOWER", or "error 123".
std::string NameOf(ErrorCode code);

// The versions of Fetch spoken here: 10 came with Kafka 2.1 (zstd), 12 is the last that
// names topics by their names, and Kafka 4 still speaks all three (KIP-896).
inline constexpr int16_t kOldestFetch = 10;
inline constexpr int16_t kNewestFetch = 12;

// Each Encode function gives a whole request but for the length that goes before it.
// Brokers answer the requests of a connection in turn; `correlation` comes back with the
// answer. Each Decode function checks it.

std::string EncodeApiVersions(int32_t correlation, std::string_view client_id);
/// The newest version of Fetch that both sides speak. Errors: there is none; malformed.
Result<int16_t> DecodeFetchVersion(Bytes answer, int32_t correlation);

std::string EncodeSaslHandshake(int32_t correlation, std::string_view client_id,
                                std::string_view mechanism);
/// Errors: the broker does not offer the mechanism (names those it does); malformed.
Status DecodeSaslHandshake(Bytes answer, int32_t correlation, std::string_view mechanism);

std::string EncodeSaslAuthenticate(int32_t correlation, std::string_view client_id,
                                   std::string_view token);
/// The broker's token. Errors: it refused the login; malformed.
Result<std::string> DecodeSaslAuthenticate(Bytes answer, int32_t correlation);

struct FetchRequest {
  struct Partition {
    std::string_view topic;
    int32_t partition = 0;
    int64_t offset = 0;  // the first that is wanted
  };

  int16_t version = kNewestFetch;
  bool read_committed = false;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 1;
  int32_t max_bytes = 0;
  int32_t max_partition_bytes = 0;
  std::vector<Partition> partitions;
};
std::string EncodeFetch(int32_t correlation, std::string_view client_id,
                        const FetchRequest& request);

/// A transaction that was aborted: its producer's messages from `first_offset` on, up to
/// its abort marker.
struct AbortedTransaction {
  int64_t producer_id = 0;
  int64_t first_offset = 0;
};

struct FetchAnswer {
  struct Partition {
    std::string_view topic;
    int32_t partition = 0;
    ErrorCode error = ErrorCode::kNone;
    int64_t high_watermark = 0;      // the first offset a reader cannot have yet
    int64_t last_stable_offset = 0;  // the same for readers of committed messages
    std::vector<AbortedTransaction> aborted;
    Bytes records;  // record batches; the last one may be cut off
  };

  int32_t throttle_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  std::vector<Partition> partitions;
};
Result<FetchAnswer> DecodeFetch(Bytes answer, int32_t correlation, int16_t version);

}  // namespace millrace::connectors::kafka::fetch
