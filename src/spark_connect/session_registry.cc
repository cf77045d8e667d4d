#include "spark_connect/session_registry.h"

#include <algorithm>

#include "base/uuid.h"
#include "spark_connect/errors.h"

namespace millrace::spark_connect {
namespace {

// How many closed sessions are remembered, to refuse their ids.
constexpr size_t kMaxClosed = 1000;

Error InvalidClone(std::string_view reason, const std::string& id,
                   std::string_view text) {
  return Error(Fault::kUser, "Invalid session clone request. {}", text)
      .Class(fmt::format("INVALID_CLONE_SESSION_REQUEST.{}", reason), "42K04")
      .Java("org.apache.spark.SparkSQLException")
      .Param("targetSessionId", id);
}

}  // namespace

SessionRegistry::~SessionRegistry() { CloseAll(); }

Result<SessionRegistry::SessionPtr> SessionRegistry::GetOrCreate(
    const SessionKey& key, const std::string& observed) {
  if (!IsUuid(key.session_id)) return InvalidHandle("FORMAT", key.session_id);
  const std::lock_guard lock(mutex_);
  SessionPtr session;
  const auto found = sessions_.find(key);
  if (found != sessions_.end()) {
    session = found->second;
    MILLRACE_RETURN_IF_ERROR(CheckObserved(*session, observed));
  } else {
    if (WasClosed(key)) return InvalidHandle("SESSION_CLOSED", key.session_id);
    // A client that knows a session which is not here talked to a server before this one.
    if (!observed.empty()) return InvalidHandle("SESSION_CHANGED", key.session_id);
    MILLRACE_ASSIGN_OR_RETURN(session, MakeLocked(key));
  }
  session->Touch(environment_.clock->Now());
  return session;
}

Result<SessionRegistry::SessionPtr> SessionRegistry::Get(const SessionKey& key,
                                                         const std::string& observed) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    return InvalidHandle(WasClosed(key) ? "SESSION_CLOSED" : "SESSION_NOT_FOUND",
                         key.session_id);
  }
  MILLRACE_RETURN_IF_ERROR(CheckObserved(*found->second, observed));
  found->second->Touch(environment_.clock->Now());
  return found->second;
}

Status SessionRegistry::CheckObserved(const ClientSession& session,
                                      const std::string& observed) {
  if (observed.empty() || observed == session.server_side_id()) return Status::OK();
  return InvalidHandle("SESSION_CHANGED", session.key().session_id);
}

Result<SessionRegistry::SessionPtr> SessionRegistry::MakeLocked(const SessionKey& key) {
  if (shut_down_) return InvalidHandle("SESSION_CLOSED", key.session_id);
  if (sessions_.size() >= options_.max_sessions) {
    return Error(Fault::kUser,
                 "The server has {} sessions, and no more are allowed. Stop sessions "
                 "that are no "
                 "longer used (spark.stop()), or raise --max-sessions of the server.",
                 sessions_.size())
        .Class("TOO_MANY_SESSIONS", "54000")
        .Java(kSparkException);
  }
  auto session = std::make_shared<ClientSession>(key, environment_, options_.session);
  sessions_[key] = session;
  return session;
}

Result<SessionRegistry::SessionPtr> SessionRegistry::Clone(ClientSession& source,
                                                           const std::string& new_id) {
  const SessionKey key{source.key().user_id, new_id.empty() ? MakeUuid() : new_id};
  if (!IsUuid(key.session_id)) {
    return InvalidClone(
        "TARGET_SESSION_ID_FORMAT", new_id,
        fmt::format("Target session ID {} for clone operation must be an UUID "
                    "string of the format "
                    "'00112233-4455-6677-8899-aabbccddeeff'.",
                    new_id));
  }
  const std::lock_guard lock(mutex_);
  const bool exists = sessions_.contains(key);
  if (exists || WasClosed(key)) {
    return InvalidClone(
        exists ? "TARGET_SESSION_ID_ALREADY_EXISTS" : "TARGET_SESSION_ID_ALREADY_CLOSED",
        new_id,
        fmt::format(
            "Cannot clone session to target session ID {} because a session with this "
            "ID {}.",
            new_id, exists ? "already exists" : "was previously closed"));
  }
  MILLRACE_ASSIGN_OR_RETURN(SessionPtr clone, MakeLocked(key));
  clone->session().CopyFrom(source.session());
  source.artifacts().CopyTo(&clone->artifacts());
  return clone;
}

SessionRegistry::SessionPtr SessionRegistry::Release(const SessionKey& key,
                                                     bool allow_reconnect) {
  SessionPtr released;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(key);
    if (found == sessions_.end()) return nullptr;
    released = std::move(found->second);
    sessions_.erase(found);
    if (!allow_reconnect) RememberClosed(key);
  }
  released->Close();
  return released;
}

void SessionRegistry::Expire() {
  std::vector<SessionPtr> sessions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, session] : sessions_) sessions.push_back(session);
  }
  const EpochMillis now = environment_.clock->Now();
  for (const SessionPtr& session : sessions) {
    if (session->Expire(now, options_.idle_timeout)) Release(session->key(), false);
  }
}

void SessionRegistry::CloseAll() {
  std::map<SessionKey, SessionPtr> sessions;
  {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    sessions.swap(sessions_);
  }
  for (const auto& [key, session] : sessions) session->Close();
}

size_t SessionRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

bool SessionRegistry::WasClosed(const SessionKey& key) const {
  return std::find(closed_.begin(), closed_.end(), key) != closed_.end();
}

void SessionRegistry::RememberClosed(const SessionKey& key) {
  closed_.push_back(key);
  if (closed_.size() > kMaxClosed) closed_.pop_front();
}

}  // namespace millrace::spark_connect
