// What the server keeps for one client: its session, operations, uploads and last errors.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "connect_plan/session.h"
#include "spark_connect/artifacts.h"
#include "spark_connect/operation.h"

namespace millrace::spark_connect {

/// User and session id: users do not see each other's sessions.
struct SessionKey {
  std::string user_id;
  std::string session_id;
  auto operator<=>(const SessionKey&) const = default;
};

struct SessionLimits {
  ReplyLimits replies;
  int64_t max_artifact_bytes = int64_t{3}
                               << 30;  // spark.sql.session.localRelationSizeLimit
  /// An operation that no client reads for so long is given up.
  /// Spark: spark.connect.execute.manager.detachedTimeout.
  std::chrono::milliseconds detached_timeout = std::chrono::minutes(5);
};

/// Threading: all methods may be called from any thread.
class ClientSession {
 public:
  ClientSession(SessionKey key, const connect_plan::SessionEnvironment& environment,
                const SessionLimits& limits);
  ~ClientSession();

  const SessionKey& key() const { return key_; }
  /// What tells a client that this is still the session it knows.
  const std::string& server_side_id() const { return session_.server_side_id(); }
  connect_plan::Session& session() { return session_; }
  Artifacts& artifacts() { return artifacts_; }

  /// Errors: INVALID_HANDLE for an id that is none or is in use, or where the session is
  /// closed.
  Result<std::shared_ptr<Operation>> Start(Operation::Request request);
  /// Errors: INVALID_HANDLE.OPERATION_NOT_FOUND, .OPERATION_ABANDONED.
  Result<std::shared_ptr<Operation>> Find(const std::string& operation_id) const;
  /// Interrupts what is left of it and forgets it, except how it ended.
  void Release(const std::string& operation_id);

  /// Interrupts the operations that `chosen` says yes to; returns their ids.
  std::vector<std::string> Interrupt(const std::function<bool(const Operation&)>& chosen);
  /// Of the given operations, or of all that are remembered where `ids` is empty.
  std::vector<std::pair<std::string, Operation::State>> States(
      const std::vector<std::string>& ids) const;

  /// Returns the id under which FetchErrorDetails finds the error.
  std::string Remember(const Status& error);
  /// OK where it is not known (any more).
  Status FindError(const std::string& error_id) const;

  void Touch(EpochMillis now);
  /// Gives up operations nobody reads. True where the session itself was idle for
  /// `idle_timeout`: no request, no operation, no streaming query.
  bool Expire(EpochMillis now, std::chrono::milliseconds idle_timeout);
  /// Ends all operations and queries; from now on nothing can be started.
  void Close();

 private:
  struct Ended {
    std::string operation_id;
    Operation::State state;
    bool abandoned = false;
  };

  void RememberEnd(const Operation& operation, bool abandoned);

  const SessionKey key_;
  const SessionLimits limits_;
  Clock* const clock_;
  Artifacts artifacts_;
  connect_plan::Session session_;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Operation>>
      operations_;  // all below guarded by mutex_
  std::deque<Ended> ended_;
  std::deque<std::pair<std::string, Status>> errors_;
  EpochMillis last_use_;
  bool closed_ = false;
};

}  // namespace millrace::spark_connect
