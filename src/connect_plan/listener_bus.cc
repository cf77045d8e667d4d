#include "connect_plan/listener_bus.h"

#include <nlohmann/json.hpp>

namespace millrace::connect_plan {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxEvents = 10'000;

}  // namespace

bool ListenerBus::Add() {
  const std::lock_guard lock(mutex_);
  if (active_) return false;
  active_ = true;
  return true;
}

void ListenerBus::Remove() {
  const std::lock_guard lock(mutex_);
  active_ = false;
  changed_.notify_all();
}

bool ListenerBus::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

Status ListenerBus::Run(
    const std::function<Status(const std::vector<Event>& events)>& write,
    std::stop_token stop) {
  Status written;
  std::unique_lock lock(mutex_);
  while (written.ok()) {
    changed_.wait(lock, stop, [&] { return !active_ || !events_.empty(); });
    if (events_.empty()) break;  // what came before the end is still told
    const std::vector<Event> events(events_.begin(), events_.end());
    events_.clear();
    lock.unlock();
    written = write(events);
    lock.lock();
  }
  active_ = false;
  events_.clear();
  return written;
}

void ListenerBus::Post(spark::connect::StreamingQueryEventType type, std::string json) {
  const std::lock_guard lock(mutex_);
  if (!active_) return;
  Event& event = events_.emplace_back();
  event.set_event_type(type);
  event.set_event_json(std::move(json));
  if (events_.size() > kMaxEvents) events_.pop_front();
  changed_.notify_all();
}

void ListenerBus::OnProgress(const metrics::StreamingQueryProgress& progress) {
  if (!active()) return;
  Post(spark::connect::QUERY_PROGRESS_EVENT,
       "{\"progress\":" + progress.ToEventJson() + "}");
}

void ListenerBus::OnIdle(const metrics::StreamingQueryProgress& progress) {
  const Json json = {{"id", progress.id},
                     {"runId", progress.run_id},
                     {"timestamp", metrics::FormatInstant(progress.timestamp)}};
  Post(spark::connect::QUERY_IDLE_EVENT, json.dump());
}

void ListenerBus::OnEnd(const streaming::StreamingQuery& query, const Status& cause) {
  Json json = {{"id", query.id()},
               {"runId", query.run_id()},
               {"exception", nullptr},
               {"errorClassOnException", nullptr}};
  if (!cause.ok()) {
    json["exception"] = cause.error().java_class + ": " + cause.ToString();
    if (!cause.error().error_class.empty()) {
      json["errorClassOnException"] = cause.error().error_class;
    }
  }
  Post(spark::connect::QUERY_TERMINATED_EVENT,
       json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace millrace::connect_plan
