#include "spark_connect/operation.h"

#include <algorithm>

#include "spark_connect/errors.h"

namespace millrace::spark_connect {
namespace {

bool AsksToReattach(const spark::connect::ExecutePlanRequest& request) {
  return std::any_of(request.request_options().begin(), request.request_options().end(),
                     [](const auto& option) {
                       return option.has_reattach_options() &&
                              option.reattach_options().reattachable();
                     });
}

}  // namespace

Operation::Operation(Request request, connect_plan::Session& session,
                     const ReplyLimits& limits)
    : request_(std::move(request)),
      reattachable_(AsksToReattach(*request_)),
      replies_(limits, reattachable_),
      state_(Proto::OPERATION_STATE_RUNNING),
      thread_([this, &session](std::stop_token stop) { Run(session, std::move(stop)); }) {
}

Operation::~Operation() { Interrupt(); }

bool Operation::HasTag(const std::string& tag) const {
  return std::find(request_->tags().begin(), request_->tags().end(), tag) !=
         request_->tags().end();
}

bool Operation::Interrupt() {
  const bool is_first = thread_.request_stop();
  if (!is_first || ended()) return false;
  replies_.Finish(OperationCanceled());
  return true;
}

void Operation::Join() {
  if (thread_.joinable()) thread_.join();
}

void Operation::RemoveStream(EpochMillis now) {
  set_detached_since(now);
  --streams_;
}

void Operation::Run(connect_plan::Session& session, std::stop_token stop) {
  Status result = session.Execute(
      *request_,
      [&](const spark::connect::ExecutePlanResponse& reply) {
        return replies_.Append(reply, stop);
      },
      stop);
  request_->clear_plan();
  if (stop.stop_requested()) {
    state_ = Proto::OPERATION_STATE_CANCELLED;
    result = OperationCanceled();
  } else {
    state_ =
        result.ok() ? Proto::OPERATION_STATE_TERMINATING : Proto::OPERATION_STATE_FAILED;
  }
  replies_.Finish(std::move(result));
}

}  // namespace millrace::spark_connect
