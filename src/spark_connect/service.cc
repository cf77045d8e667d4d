#include "spark_connect/service.h"

#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>

#include <algorithm>

#include "spark_connect/compressed_plan.h"
#include "spark_connect/errors.h"

namespace millrace::spark_connect {
namespace {

namespace proto = spark::connect;
namespace grpc_internal = grpc::internal;

// How often a stream that waits for replies looks whether its client is still there.
constexpr std::chrono::milliseconds kLookForClient(500);

template <typename Request>
std::string ObservedBy(const Request& request) {
  if constexpr (requires { request.client_observed_server_side_session_id(); }) {
    return request.client_observed_server_side_session_id();
  } else {
    return "";
  }
}

template <typename Request>
SessionKey KeyOf(const Request& request) {
  return {request.user_context().user_id(), request.session_id()};
}

// Takes as long whatever the first difference: a wrong token tells nothing about the
// right one.
bool SameSecret(std::string_view given, std::string_view wanted) {
  unsigned char difference = given.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(wanted[i % wanted.size()]);
  }
  return difference == 0;
}

template <typename Response>
void SetSession(const ClientSession& session, Response* response) {
  response->set_session_id(session.key().session_id);
  response->set_server_side_session_id(session.server_side_id());
}

grpc::Status Failed(const Status& error, ClientSession& session) {
  return ToGrpcStatus(error, session.Remember(error));
}

}  // namespace

Service::Service(SessionRegistry& registry, Clock* clock, std::string token,
                 const StreamLimits& limits)
    : registry_(registry), clock_(clock), token_(std::move(token)), limits_(limits) {
  AddStreaming("ExecutePlan", &Service::ExecutePlan, true);
  AddStreaming("ReattachExecute", &Service::ReattachExecute, false);
  AddUnary("ReleaseExecute", &Service::ReleaseExecute, false);
  AddUnary("AnalyzePlan", &Service::AnalyzePlan, true);
  AddUnary("Config", &Service::Config, true);
  AddUnary("ArtifactStatus", &Service::ArtifactStatus, true);
  AddUnary("Interrupt", &Service::Interrupt, true);
  AddUnary("FetchErrorDetails", &Service::FetchErrorDetails, false);
  AddUnary("CloneSession", &Service::CloneSession, false);
  AddUnary("GetStatus", &Service::GetStatus, false);
  AddAddArtifacts();
  AddReleaseSession();
}

const char* Service::MethodName(const char* name) {
  return method_names_
      .emplace_back(fmt::format("/spark.connect.SparkConnectService/{}", name))
      .c_str();
}

template <typename Request, typename Response>
void Service::AddUnary(const char* name, Handler<Request, Response> handler,
                       bool creates) {
  AddMethod(new grpc_internal::RpcServiceMethod(
      MethodName(name), grpc_internal::RpcMethod::NORMAL_RPC,
      new grpc_internal::RpcMethodHandler<Service, RequestMessage<Request>, Response>(
          [handler, creates](Service* self, grpc::ServerContext* context,
                             const RequestMessage<Request>* request, Response* response) {
            const grpc::Status allowed = self->Authorize(*context);
            if (!allowed.ok()) return allowed;
            auto session = self->FindSession(*request->message, creates);
            if (!session.ok()) return ToGrpcStatus(session.status(), "");
            SetSession(**session, response);
            const Status done = (self->*handler)(*request->message, **session, response);
            (*session)->Touch(self->clock_->Now());
            return done.ok() ? grpc::Status::OK : Failed(done, **session);
          },
          this)));
}

template <typename Request>
void Service::AddStreaming(const char* name,
                           grpc::Status (Service::*handler)(
                               std::shared_ptr<Request> request, ClientSession& session,
                               grpc::ServerContext& context, Replies& replies),
                           bool creates) {
  AddMethod(new grpc_internal::RpcServiceMethod(
      MethodName(name), grpc_internal::RpcMethod::SERVER_STREAMING,
      new grpc_internal::ServerStreamingHandler<Service, RequestMessage<Request>,
                                                proto::ExecutePlanResponse>(
          [handler, creates](Service* self, grpc::ServerContext* context,
                             const RequestMessage<Request>* request, Replies* replies) {
            const grpc::Status allowed = self->Authorize(*context);
            if (!allowed.ok()) return allowed;
            auto session = self->FindSession(*request->message, creates);
            if (!session.ok()) return ToGrpcStatus(session.status(), "");
            const grpc::Status done =
                (self->*handler)(request->message, **session, *context, *replies);
            (*session)->Touch(self->clock_->Now());
            return done;
          },
          this)));
}

void Service::AddAddArtifacts() {
  AddMethod(new grpc_internal::RpcServiceMethod(
      MethodName("AddArtifacts"), grpc_internal::RpcMethod::CLIENT_STREAMING,
      new grpc_internal::ClientStreamingHandler<Service, proto::AddArtifactsRequest,
                                                proto::AddArtifactsResponse>(
          [](Service* self, grpc::ServerContext* context,
             grpc::ServerReader<proto::AddArtifactsRequest>* reader,
             proto::AddArtifactsResponse* response) {
            const grpc::Status allowed = self->Authorize(*context);
            return allowed.ok() ? self->AddArtifacts(*reader, response) : allowed;
          },
          this)));
}

// The session may be gone or unknown: that is no error here.
void Service::AddReleaseSession() {
  AddMethod(new grpc_internal::RpcServiceMethod(
      MethodName("ReleaseSession"), grpc_internal::RpcMethod::NORMAL_RPC,
      new grpc_internal::RpcMethodHandler<Service,
                                          RequestMessage<proto::ReleaseSessionRequest>,
                                          proto::ReleaseSessionResponse>(
          [](Service* self, grpc::ServerContext* context,
             const RequestMessage<proto::ReleaseSessionRequest>* request,
             proto::ReleaseSessionResponse* response) {
            const grpc::Status allowed = self->Authorize(*context);
            return allowed.ok() ? self->ReleaseSession(*request->message, response)
                                : allowed;
          },
          this)));
}

// Spark: PreSharedKeyAuthenticationInterceptor.
grpc::Status Service::Authorize(const grpc::ServerContext& context) const {
  if (token_.empty()) return grpc::Status::OK;
  const auto header = context.client_metadata().find("authorization");
  if (header == context.client_metadata().end()) {
    return {grpc::StatusCode::UNAUTHENTICATED, "No authentication token provided"};
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view value(header->second.data(), header->second.size());
  if (value.starts_with(kScheme) && SameSecret(value.substr(kScheme.size()), token_)) {
    return grpc::Status::OK;
  }
  return {grpc::StatusCode::UNAUTHENTICATED, "Invalid authentication token"};
}

template <typename Request>
Result<SessionRegistry::SessionPtr> Service::FindSession(const Request& request,
                                                         bool creates) {
  return creates ? registry_.GetOrCreate(KeyOf(request), ObservedBy(request))
                 : registry_.Get(KeyOf(request), ObservedBy(request));
}

grpc::Status Service::ExecutePlan(std::shared_ptr<proto::ExecutePlanRequest> request,
                                  ClientSession& session, grpc::ServerContext& context,
                                  Replies& replies) {
  if (const Status read = Decompress(request->mutable_plan()); !read.ok()) {
    return Failed(read, session);
  }
  auto operation = session.Start(std::move(request));
  if (!operation.ok()) return Failed(operation.status(), session);
  return Send(**operation, 0, session, context, replies);
}

grpc::Status Service::ReattachExecute(
    std::shared_ptr<proto::ReattachExecuteRequest> request, ClientSession& session,
    grpc::ServerContext& context, Replies& replies) {
  auto operation = session.Find(request->operation_id());
  if (!operation.ok()) return Failed(operation.status(), session);
  if (!(*operation)->reattachable()) {
    return Failed(InvalidCursor("NOT_REATTACHABLE", "The cursor is not reattachable."),
                  session);
  }
  const auto position =
      (*operation)->replies().PositionAfter(request->last_response_id());
  if (!position.ok()) return Failed(position.status(), session);
  return Send(**operation, *position, session, context, replies);
}

grpc::Status Service::Send(Operation& operation, int64_t position, ClientSession& session,
                           grpc::ServerContext& context, Replies& replies) {
  const int64_t reader = operation.replies().Attach();
  const auto end = std::chrono::steady_clock::now() + limits_.max_duration;
  int64_t bytes = 0;
  operation.AddStream();
  const auto send = [&]() -> grpc::Status {
    while (!context.IsCancelled()) {
      const bool is_cut =
          bytes >= limits_.max_bytes || std::chrono::steady_clock::now() >= end;
      if (is_cut && operation.reattachable()) return grpc::Status::OK;
      ReplyLog::Read next = operation.replies().Next(reader, position, kLookForClient);
      switch (next.outcome) {
        case ReplyLog::Outcome::kTimeout:
          break;
        case ReplyLog::Outcome::kReplaced:
          return Failed(InvalidCursor("DISCONNECTED",
                                      "The cursor has been disconnected by the server."),
                        session);
        case ReplyLog::Outcome::kEnd:
          return next.result.ok() ? grpc::Status::OK : Failed(next.result, session);
        case ReplyLog::Outcome::kReply:
          if (!replies.Write(*next.reply)) return grpc::Status::CANCELLED;
          bytes += static_cast<int64_t>(next.reply->ByteSizeLong());
          ++position;
      }
    }
    return grpc::Status::CANCELLED;
  };
  const grpc::Status status = send();
  operation.RemoveStream(clock_->Now());
  if (!operation.reattachable()) session.Release(operation.id());
  return status;
}

Status Service::ReleaseExecute(const proto::ReleaseExecuteRequest& request,
                               ClientSession& session,
                               proto::ReleaseExecuteResponse* response) {
  auto operation = session.Find(request.operation_id());
  if (!operation.ok()) return Status::OK();  // released before, or given up
  response->set_operation_id(request.operation_id());
  if (request.has_release_until()) {
    (*operation)->replies().Release(request.release_until().response_id());
  } else {
    session.Release(request.operation_id());
  }
  return Status::OK();
}

Status Service::AnalyzePlan(const proto::AnalyzePlanRequest& request,
                            ClientSession& session,
                            proto::AnalyzePlanResponse* response) {
  MILLRACE_ASSIGN_OR_RETURN(*response, session.session().Analyze(request));
  SetSession(session, response);
  return Status::OK();
}

Status Service::Config(const proto::ConfigRequest& request, ClientSession& session,
                       proto::ConfigResponse* response) {
  MILLRACE_ASSIGN_OR_RETURN(*response, session.session().Config(request));
  SetSession(session, response);
  return Status::OK();
}

Status Service::ArtifactStatus(const proto::ArtifactStatusesRequest& request,
                               ClientSession& session,
                               proto::ArtifactStatusesResponse* response) {
  for (const std::string& name : request.names()) {
    (*response->mutable_statuses())[name].set_exists(session.artifacts().Has(name));
  }
  return Status::OK();
}

grpc::Status Service::AddArtifacts(grpc::ServerReader<proto::AddArtifactsRequest>& reader,
                                   proto::AddArtifactsResponse* response) {
  proto::AddArtifactsRequest request;
  SessionRegistry::SessionPtr session;
  std::optional<ArtifactUpload> upload;
  while (reader.Read(&request)) {
    if (session == nullptr) {
      auto found = FindSession(request, true);
      if (!found.ok()) return ToGrpcStatus(found.status(), "");
      session = *std::move(found);
      upload.emplace(session->artifacts());
      SetSession(*session, response);
    }
    if (const Status taken = upload->Take(request); !taken.ok())
      return Failed(taken, *session);
  }
  if (session == nullptr) return grpc::Status::OK;
  if (const Status done = upload->Finish(); !done.ok()) return Failed(done, *session);
  for (auto& summary : upload->summaries) *response->add_artifacts() = std::move(summary);
  return grpc::Status::OK;
}

Status Service::Interrupt(const proto::InterruptRequest& request, ClientSession& session,
                          proto::InterruptResponse* response) {
  std::vector<std::string> ids;
  switch (request.interrupt_type()) {
    case proto::InterruptRequest::INTERRUPT_TYPE_ALL:
      ids = session.Interrupt([](const Operation&) { return true; });
      session.session().queries().StopAll();
      break;
    case proto::InterruptRequest::INTERRUPT_TYPE_TAG:
      ids = session.Interrupt(
          [&](const Operation& one) { return one.HasTag(request.operation_tag()); });
      break;
    case proto::InterruptRequest::INTERRUPT_TYPE_OPERATION_ID:
      ids = session.Interrupt(
          [&](const Operation& one) { return one.id() == request.operation_id(); });
      break;
    default:
      return Error(Fault::kUser, "The feature is not supported: Interrupt type {}.",
                   proto::InterruptRequest::InterruptType_Name(request.interrupt_type()))
          .Class("UNSUPPORTED_FEATURE.INTERRUPT_TYPE", "0A000")
          .Java(kUnsupportedOperationException);
  }
  for (std::string& id : ids) response->add_interrupted_ids(std::move(id));
  return Status::OK();
}

grpc::Status Service::ReleaseSession(const proto::ReleaseSessionRequest& request,
                                     proto::ReleaseSessionResponse* response) {
  response->set_session_id(request.session_id());
  const SessionRegistry::SessionPtr session =
      registry_.Release(KeyOf(request), request.allow_reconnect());
  if (session != nullptr) response->set_server_side_session_id(session->server_side_id());
  return grpc::Status::OK;
}

Status Service::FetchErrorDetails(const proto::FetchErrorDetailsRequest& request,
                                  ClientSession& session,
                                  proto::FetchErrorDetailsResponse* response) {
  const Status error = session.FindError(request.error_id());
  if (!error.ok()) SetErrorDetails(error, response);
  return Status::OK();
}

Status Service::CloneSession(const proto::CloneSessionRequest& request,
                             ClientSession& session,
                             proto::CloneSessionResponse* response) {
  MILLRACE_ASSIGN_OR_RETURN(const SessionRegistry::SessionPtr clone,
                            registry_.Clone(session, request.new_session_id()));
  response->set_new_session_id(clone->key().session_id);
  response->set_new_server_side_session_id(clone->server_side_id());
  return Status::OK();
}

Status Service::GetStatus(const proto::GetStatusRequest& request, ClientSession& session,
                          proto::GetStatusResponse* response) {
  if (!request.has_operation_status()) return Status::OK();
  const auto& wanted = request.operation_status().operation_ids();
  for (const auto& [id, state] : session.States({wanted.begin(), wanted.end()})) {
    auto* out = response->add_operation_statuses();
    out->set_operation_id(id);
    out->set_state(state);
  }
  return Status::OK();
}

}  // namespace millrace::spark_connect
