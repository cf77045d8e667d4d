// The gRPC service spark.connect.SparkConnectService: finds the session of a request, and
// hands the request to it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <chrono>
#include <list>
#include <string>

#include "spark/connect/base.pb.h"
#include "spark_connect/request_message.h"
#include "spark_connect/session_registry.h"

namespace millrace::spark_connect {

struct StreamLimits {
  /// A stream that took so long or sent so much ends without result_complete, and its
  /// client reattaches. Spark:
  /// spark.connect.execute.reattachable.senderMaxStream{Duration,Size}.
  std::chrono::milliseconds max_duration = std::chrono::minutes(2);
  int64_t max_bytes = int64_t{1} << 30;
};

/// Made by hand and not from the generated class, which can parse requests in one way
/// only.
///
/// Threading: gRPC calls the handlers from many threads; each may block.
class Service final : public grpc::Service {
 public:
  /// `token` empty: none is asked for. The registry must outlive the service.
  Service(SessionRegistry& registry, Clock* clock, std::string token,
          const StreamLimits& limits);

 private:
  template <typename Request, typename Response>
  using Handler = Status (Service::*)(const Request& request, ClientSession& session,
                                      Response* response);
  using Replies = grpc::ServerWriter<spark::connect::ExecutePlanResponse>;

  /// A method with one reply, called with the session of the request. `creates`: the
  /// session is made where there is none.
  template <typename Request, typename Response>
  void AddUnary(const char* name, Handler<Request, Response> handler, bool creates);
  template <typename Request>
  void AddStreaming(const char* name,
                    grpc::Status (Service::*handler)(std::shared_ptr<Request> request,
                                                     ClientSession& session,
                                                     grpc::ServerContext& context,
                                                     Replies& replies),
                    bool creates);
  void AddReleaseSession();
  void AddAddArtifacts();
  const char* MethodName(const char* name);

  grpc::Status Authorize(const grpc::ServerContext& context) const;
  template <typename Request>
  Result<SessionRegistry::SessionPtr> FindSession(const Request& request, bool creates);

  grpc::Status ExecutePlan(std::shared_ptr<spark::connect::ExecutePlanRequest> request,
                           ClientSession& session, grpc::ServerContext& context,
                           Replies& replies);
  grpc::Status ReattachExecute(
      std::shared_ptr<spark::connect::ReattachExecuteRequest> request,
      ClientSession& session, grpc::ServerContext& context, Replies& replies);
  grpc::Status Send(Operation& operation, int64_t position, ClientSession& session,
                    grpc::ServerContext& context, Replies& replies);
  Status ReleaseExecute(const spark::connect::ReleaseExecuteRequest& request,
                        ClientSession& session,
                        spark::connect::ReleaseExecuteResponse* response);
  Status AnalyzePlan(const spark::connect::AnalyzePlanRequest& request,
                     ClientSession& session,
                     spark::connect::AnalyzePlanResponse* response);
  Status Config(const spark::connect::ConfigRequest& request, ClientSession& session,
                spark::connect::ConfigResponse* response);
  Status ArtifactStatus(const spark::connect::ArtifactStatusesRequest& request,
                        ClientSession& session,
                        spark::connect::ArtifactStatusesResponse* response);
  Status Interrupt(const spark::connect::InterruptRequest& request,
                   ClientSession& session, spark::connect::InterruptResponse* response);
  Status FetchErrorDetails(const spark::connect::FetchErrorDetailsRequest& request,
                           ClientSession& session,
                           spark::connect::FetchErrorDetailsResponse* response);
  Status CloneSession(const spark::connect::CloneSessionRequest& request,
                      ClientSession& session,
                      spark::connect::CloneSessionResponse* response);
  Status GetStatus(const spark::connect::GetStatusRequest& request,
                   ClientSession& session, spark::connect::GetStatusResponse* response);
  grpc::Status AddArtifacts(
      grpc::ServerReader<spark::connect::AddArtifactsRequest>& reader,
      spark::connect::AddArtifactsResponse* response);
  grpc::Status ReleaseSession(const spark::connect::ReleaseSessionRequest& request,
                              spark::connect::ReleaseSessionResponse* response);

  SessionRegistry& registry_;
  Clock* const clock_;
  const std::string token_;
  const StreamLimits limits_;
  std::list<std::string> method_names_;  // gRPC keeps pointers to them
};

}  // namespace millrace::spark_connect
