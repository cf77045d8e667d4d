#include "spark_connect/client_session.h"

#include <algorithm>

#include "base/uuid.h"
#include "spark_connect/errors.h"

namespace millrace::spark_connect {
namespace {

using Proto = spark::connect::GetStatusResponse::OperationStatus;

// How many ended operations and errors a session remembers.
constexpr size_t kMaxEnded = 1000;
constexpr size_t kMaxErrors = 100;

}  // namespace

ClientSession::ClientSession(SessionKey key,
                             const connect_plan::SessionEnvironment& environment,
                             const SessionLimits& limits)
    : key_(std::move(key)),
      limits_(limits),
      clock_(environment.clock),
      artifacts_(limits.max_artifact_bytes),
      session_(key_.session_id, environment),
      last_use_(clock_->Now()) {
  session_.set_artifact_lookup(
      [this](const std::string& name) { return artifacts_.Find(name); });
}

ClientSession::~ClientSession() { Close(); }

Result<std::shared_ptr<Operation>> ClientSession::Start(Operation::Request request) {
  if (!request->has_operation_id()) request->set_operation_id(MakeUuid());
  const std::string& id = request->operation_id();
  if (!IsUuid(id)) return InvalidHandle("FORMAT", id);
  const std::lock_guard lock(mutex_);
  if (closed_) return InvalidHandle("SESSION_CLOSED", key_.session_id);
  if (operations_.contains(id)) return InvalidHandle("OPERATION_ALREADY_EXISTS", id);
  auto operation =
      std::make_shared<Operation>(std::move(request), session_, limits_.replies);
  operation->set_detached_since(clock_->Now());
  operations_[operation->id()] = operation;
  return operation;
}

Result<std::shared_ptr<Operation>> ClientSession::Find(
    const std::string& operation_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = operations_.find(operation_id);
  if (found != operations_.end()) return found->second;
  const bool abandoned =
      std::any_of(ended_.begin(), ended_.end(), [&](const Ended& ended) {
        return ended.abandoned && ended.operation_id == operation_id;
      });
  return InvalidHandle(abandoned ? "OPERATION_ABANDONED" : "OPERATION_NOT_FOUND",
                       operation_id);
}

void ClientSession::Release(const std::string& operation_id) {
  std::shared_ptr<Operation>
      released;  // destroyed without the lock: that waits for its thread
  const std::lock_guard lock(mutex_);
  const auto found = operations_.find(operation_id);
  if (found == operations_.end()) return;
  released = std::move(found->second);
  operations_.erase(found);
  released->Interrupt();
  RememberEnd(*released, false);
}

void ClientSession::RememberEnd(const Operation& operation, bool abandoned) {
  Operation::State state = operation.state();
  if (state == Proto::OPERATION_STATE_TERMINATING)
    state = Proto::OPERATION_STATE_SUCCEEDED;
  if (state == Proto::OPERATION_STATE_RUNNING) state = Proto::OPERATION_STATE_CANCELLED;
  ended_.push_back({operation.id(), state, abandoned});
  if (ended_.size() > kMaxEnded) ended_.pop_front();
}

std::vector<std::string> ClientSession::Interrupt(
    const std::function<bool(const Operation&)>& chosen) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, operation] : operations_) {
    if (chosen(*operation) && operation->Interrupt()) ids.push_back(id);
  }
  return ids;
}

std::vector<std::pair<std::string, Operation::State>> ClientSession::States(
    const std::vector<std::string>& ids) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Operation::State> known;
  for (const Ended& ended : ended_) known[ended.operation_id] = ended.state;
  for (const auto& [id, operation] : operations_) known[id] = operation->state();
  if (ids.empty()) return {known.begin(), known.end()};
  std::vector<std::pair<std::string, Operation::State>> states;
  for (const std::string& id : ids) {
    const auto found = known.find(id);
    states.emplace_back(
        id, found == known.end() ? Proto::OPERATION_STATE_UNKNOWN : found->second);
  }
  return states;
}

std::string ClientSession::Remember(const Status& error) {
  std::string id = MakeUuid();
  const std::lock_guard lock(mutex_);
  errors_.emplace_back(id, error);
  if (errors_.size() > kMaxErrors) errors_.pop_front();
  return id;
}

Status ClientSession::FindError(const std::string& error_id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, error] : errors_) {
    if (id == error_id) return error;
  }
  return Status::OK();
}

void ClientSession::Touch(EpochMillis now) {
  const std::lock_guard lock(mutex_);
  last_use_ = std::max(last_use_, now);
}

bool ClientSession::Expire(EpochMillis now, std::chrono::milliseconds idle_timeout) {
  std::vector<std::shared_ptr<Operation>> abandoned;
  const bool has_queries = !session_.queries().active().empty();
  const std::lock_guard lock(mutex_);
  for (auto it = operations_.begin(); it != operations_.end();) {
    const auto& [id, operation] = *it;
    if (operation->has_stream() ||
        now - operation->detached_since() < limits_.detached_timeout) {
      ++it;
      continue;
    }
    operation->Interrupt();
    RememberEnd(*operation, true);
    abandoned.push_back(operation);
    it = operations_.erase(it);
  }
  const bool busy = std::any_of(operations_.begin(), operations_.end(),
                                [](const auto& entry) { return !entry.second->ended(); });
  if (busy || has_queries) last_use_ = now;
  return now - last_use_ >= idle_timeout;
}

void ClientSession::Close() {
  std::map<std::string, std::shared_ptr<Operation>> operations;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    operations.swap(operations_);
    for (const auto& [id, operation] : operations) {
      operation->Interrupt();
      RememberEnd(*operation, false);
    }
  }
  // A stream may still hold an operation, whose thread uses the session: wait for that
  // thread.
  for (const auto& [id, operation] : operations) operation->Join();
  operations.clear();
  session_.queries().StopAll();
}

}  // namespace millrace::spark_connect
