#include "remote/remote_transport.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "remote/connection_url.h"
#include "remote/server_error.h"
#include "spark/connect/base.grpc.pb.h"

namespace millrace::remote {
namespace {

namespace proto = spark::connect;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// As large as Spark lets a message be.
constexpr int kMaxMessageBytes = 128 << 20;
constexpr std::string_view kOperationNotFound = "INVALID_HANDLE.OPERATION_NOT_FOUND";

// Waits longer from try to try, until kPatience is used up.
class Backoff {
 public:
  // False where it is time to give up.
  bool Wait() {
    const auto left = give_up_ - steady_clock::now();
    if (left <= left.zero()) return false;
    std::this_thread::sleep_for(std::min<steady_clock::duration>(pause_, left));
    pause_ = std::min(pause_ * 2, milliseconds(1000));
    return true;
  }

 private:
  const steady_clock::time_point give_up_ = steady_clock::now() + kPatience;
  milliseconds pause_{20};
};

class RemoteTransport final : public client::Transport {
 public:
  explicit RemoteTransport(ConnectionUrl url) : url_(std::move(url)) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    arguments.SetMaxSendMessageSize(kMaxMessageBytes);
    const auto credentials =
        url_.use_ssl ? grpc::SslCredentials({}) : grpc::InsecureChannelCredentials();
    stub_ = proto::SparkConnectService::NewStub(
        grpc::CreateCustomChannel(url_.address(), credentials, arguments));
  }

  Status ExecutePlan(const proto::ExecutePlanRequest& plan,
                     const std::function<Status(const proto::ExecutePlanResponse&)>&
                         on_response) override {
    proto::ExecutePlanRequest request = WithUser(plan);
    request.add_request_options()->mutable_reattach_options()->set_reattachable(true);
    const Status result = Attached(request, on_response);
    Release(request);
    return result;
  }

  Result<proto::AnalyzePlanResponse> AnalyzePlan(
      const proto::AnalyzePlanRequest& request) override {
    return Call<proto::AnalyzePlanResponse>(
        WithUser(request), &proto::SparkConnectService::Stub::AnalyzePlan);
  }

  Result<proto::ConfigResponse> Config(const proto::ConfigRequest& request) override {
    return Call<proto::ConfigResponse>(WithUser(request),
                                       &proto::SparkConnectService::Stub::Config);
  }

 private:
  using Stream = grpc::ClientReader<proto::ExecutePlanResponse>;

  template <typename Request>
  Request WithUser(const Request& request) const {
    Request copy = request;
    copy.mutable_user_context()->set_user_id(url_.user_id);
    return copy;
  }

  void SetHeaders(grpc::ClientContext* context) const {
    if (!url_.token.empty())
      context->AddMetadata("authorization", "Bearer " + url_.token);
    for (const auto& [name, value] : url_.headers) context->AddMetadata(name, value);
  }

  template <typename Response, typename Request, typename Method>
  Result<Response> Call(const Request& request, Method method) {
    Backoff backoff;
    while (true) {
      grpc::ClientContext context;
      SetHeaders(&context);
      Response response;
      const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
      if (status.ok()) return response;
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE && backoff.Wait())
        continue;
      return Failure(status, request);
    }
  }

  // Reads the operation's responses to the end. A stream that breaks, or that the server
  // ends early, is resumed after the last response that came.
  Status Attached(
      const proto::ExecutePlanRequest& request,
      const std::function<Status(const proto::ExecutePlanResponse&)>& on_response) {
    std::string last_response;
    bool known_to_server = false;
    auto backoff = std::make_unique<Backoff>();
    while (true) {
      grpc::ClientContext context;
      SetHeaders(&context);
      const std::unique_ptr<Stream> stream =
          known_to_server ? Reattach(&context, request, last_response)
                          : stub_->ExecutePlan(&context, request);
      proto::ExecutePlanResponse response;
      while (stream->Read(&response)) {
        backoff = std::make_unique<Backoff>();
        last_response = response.response_id();
        const Status handled = on_response(response);
        if (!handled.ok()) context.TryCancel();
        MILLRACE_RETURN_IF_ERROR(handled);
        if (response.has_result_complete()) return Status::OK();
      }
      const grpc::Status status = stream->Finish();
      if (status.ok()) {
        known_to_server = true;
        continue;
      }
      const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
      const Status failure = Failure(status, request);
      // The plan may or may not have arrived: the server is asked before it is sent
      // again.
      const bool never_arrived = known_to_server && last_response.empty() &&
                                 failure.error().error_class == kOperationNotFound;
      if (!(unavailable || never_arrived) || !backoff->Wait()) return failure;
      known_to_server = !never_arrived;
    }
  }

  std::unique_ptr<Stream> Reattach(grpc::ClientContext* context,
                                   const proto::ExecutePlanRequest& request,
                                   const std::string& last_response) {
    proto::ReattachExecuteRequest reattach;
    reattach.set_session_id(request.session_id());
    reattach.set_client_type(request.client_type());
    *reattach.mutable_user_context() = request.user_context();
    reattach.set_operation_id(request.operation_id());
    if (!last_response.empty()) reattach.set_last_response_id(last_response);
    return stub_->ReattachExecute(context, reattach);
  }

  // Lets the server forget the operation. It does so anyway after a while, so a failure
  // is none.
  void Release(const proto::ExecutePlanRequest& request) {
    proto::ReleaseExecuteRequest release;
    release.set_session_id(request.session_id());
    release.set_client_type(request.client_type());
    *release.mutable_user_context() = request.user_context();
    release.set_operation_id(request.operation_id());
    release.mutable_release_all();
    grpc::ClientContext context;
    SetHeaders(&context);
    proto::ReleaseExecuteResponse ignored;
    [[maybe_unused]] const grpc::Status status =
        stub_->ReleaseExecute(&context, release, &ignored);
  }

  template <typename Request>
  Status Failure(const grpc::Status& status, const Request& request) {
    const Status error = ToStatus(status, url_.address());
    proto::FetchErrorDetailsRequest fetch;
    fetch.set_error_id(ErrorIdOf(status));
    if (fetch.error_id().empty()) return error;
    fetch.set_session_id(request.session_id());
    fetch.set_client_type(request.client_type());
    *fetch.mutable_user_context() = request.user_context();
    grpc::ClientContext context;
    SetHeaders(&context);
    proto::FetchErrorDetailsResponse details;
    if (!stub_->FetchErrorDetails(&context, fetch, &details).ok()) return error;
    return WithDetails(error, details);
  }

  const ConnectionUrl url_;
  std::unique_ptr<proto::SparkConnectService::Stub> stub_;
};

}  // namespace

Result<std::unique_ptr<client::Transport>> MakeRemoteTransport(const std::string& url) {
  MILLRACE_ASSIGN_OR_RETURN(ConnectionUrl parsed, ParseConnectionUrl(url));
  return std::unique_ptr<client::Transport>(
      std::make_unique<RemoteTransport>(std::move(parsed)));
}

}  // namespace millrace::remote
