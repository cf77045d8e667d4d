// The sessions of a server.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "spark_connect/client_session.h"

namespace millrace::spark_connect {

struct RegistryOptions {
  size_t max_sessions = 1000;
  /// Spark: spark.connect.session.manager.defaultSessionTimeout.
  std::chrono::milliseconds idle_timeout = std::chrono::hours(1);
  SessionLimits session;
};

/// Threading: all methods may be called from any thread.
class SessionRegistry {
 public:
  using SessionPtr = std::shared_ptr<ClientSession>;

  /// `environment` must outlive it.
  SessionRegistry(const connect_plan::SessionEnvironment& environment,
                  const RegistryOptions& options)
      : environment_(environment), options_(options) {}
  ~SessionRegistry();

  /// `observed` is the server-side id the client knows; empty where it knows none.
  /// Errors: INVALID_HANDLE.FORMAT, .SESSION_CLOSED, .SESSION_CHANGED; too many sessions.
  Result<SessionPtr> GetOrCreate(const SessionKey& key, const std::string& observed);
  /// Errors: INVALID_HANDLE.SESSION_NOT_FOUND, .SESSION_CHANGED.
  Result<SessionPtr> Get(const SessionKey& key, const std::string& observed);
  /// A new session with the settings and views of `source`. An empty `new_id` makes one
  /// up. Errors: INVALID_CLONE_SESSION_REQUEST.
  Result<SessionPtr> Clone(ClientSession& source, const std::string& new_id);

  /// Ends a session and its queries; its id cannot be used again unless
  /// `allow_reconnect`. Null where there is none.
  SessionPtr Release(const SessionKey& key, bool allow_reconnect);
  /// Ends the sessions nobody used for long. Called now and then.
  void Expire();
  /// Ends all; from now on none can be made.
  void CloseAll();

  size_t size() const;

 private:
  Result<SessionPtr> MakeLocked(const SessionKey& key);
  static Status CheckObserved(const ClientSession& session, const std::string& observed);
  bool WasClosed(const SessionKey& key) const;
  void RememberClosed(const SessionKey& key);

  const connect_plan::SessionEnvironment environment_;
  const RegistryOptions options_;
  mutable std::mutex mutex_;
  std::map<SessionKey, SessionPtr> sessions_;  // all below guarded by mutex_
  std::deque<SessionKey> closed_;
  bool shut_down_ = false;
};

}  // namespace millrace::spark_connect
