#include "local/local_transport.h"

#include "base/uuid.h"

namespace millrace::local {
namespace {

class LocalTransport final : public client::Transport {
 public:
  explicit LocalTransport(const connect_plan::SessionEnvironment& environment)
      : session_(MakeUuid(), environment) {}

  Status ExecutePlan(
      const spark::connect::ExecutePlanRequest& request,
      const std::function<Status(const spark::connect::ExecutePlanResponse&)>&
          on_response) override {
    return session_.Execute(request, on_response, std::stop_token());
  }

  Result<spark::connect::AnalyzePlanResponse> AnalyzePlan(
      const spark::connect::AnalyzePlanRequest& request) override {
    return session_.Analyze(request);
  }

  Result<spark::connect::ConfigResponse> Config(
      const spark::connect::ConfigRequest& request) override {
    return session_.Config(request);
  }

 private:
  connect_plan::Session session_;
};

}  // namespace

std::unique_ptr<client::Transport> MakeLocalTransport(
    const connect_plan::SessionEnvironment& environment) {
  return std::make_unique<LocalTransport>(environment);
}

}  // namespace millrace::local
