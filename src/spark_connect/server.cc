#include "spark_connect/server.h"

#include <arpa/inet.h>
#include <grpcpp/resource_quota.h>
#include <netinet/in.h>

#include <future>
#include <thread>

#include "base/error.h"

namespace millrace::spark_connect {
namespace {

bool IsLoopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Status CheckOptions(const ServerOptions& options) {
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return ArgumentError(
        "TLS needs a certificate and its key; only one of them was given.");
  }
  if (IsLoopback(options.host) || !options.token.empty() ||
      !options.tls_certificate.empty()) {
    return Status::OK();
  }
  return ArgumentError(
      "Refusing to listen on {}: everybody who reaches this address could run "
      "queries with the rights of this process. Give a token (--token-file), TLS "
      "(--tls-cert and --tls-key), or listen on 127.0.0.1.",
      options.host);
}

std::shared_ptr<grpc::ServerCredentials> MakeCredentials(const ServerOptions& options) {
  if (options.tls_key.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back({options.tls_key, options.tls_certificate});
  return grpc::SslServerCredentials(ssl);
}

class GrpcServer final : public Server {
 public:
  GrpcServer(const ServerOptions& options,
             const connect_plan::SessionEnvironment& environment)
      : clock_(environment.clock),
        python_{options.python, connect_url_.get_future().share()},
        registry_(WithPython(environment, options), options.sessions),
        service_(registry_, clock_, options.token, options.streams) {}

  ~GrpcServer() override {
    // In this order: clients hear that their operations were cancelled, then that nobody
    // is here.
    registry_.CloseAll();
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    server_->Wait();
  }

  Status Listen(const ServerOptions& options) {
    grpc::ServerBuilder builder;
    const bool is_v6 = options.host.find(':') != std::string::npos;
    const std::string address = fmt::format(
        "{}:{}", is_v6 ? "[" + options.host + "]" : options.host, options.port);
    builder.AddListeningPort(address, MakeCredentials(options), &port_);
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(options.max_message_bytes);
    builder.SetMaxSendMessageSize(-1);
    // Two servers on one port would share its clients at random.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Notice clients that vanished without closing their connection.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return ExternalError(
          "Cannot listen on {}: the port is in use, the address is not this "
          "machine's, or the certificate and key are no PEM pair.",
          address);
    }
    // "localhost": PySpark gives a token to another host over TLS only.
    connect_url_.set_value(
        fmt::format("sc://localhost:{}/{}", port_,
                    options.token.empty() ? "" : ";token=" + options.token));
    expiry_ = std::jthread([this](std::stop_token stop) {
      constexpr std::chrono::seconds kLookEvery(30);
      EpochMillis next = clock_->Now() + kLookEvery;
      while (clock_->WaitUntil(next, stop)) {
        if (clock_->Now() < next) continue;  // woken for somebody else
        registry_.Expire();
        next = clock_->Now() + kLookEvery;
      }
    });
    return Status::OK();
  }

  int port() const override { return port_; }
  const SessionRegistry& sessions() const override { return registry_; }

 private:
  connect_plan::SessionEnvironment WithPython(
      connect_plan::SessionEnvironment environment, const ServerOptions& options) const {
    const bool allowed = !options.python.empty() && options.tls_key.empty();
    environment.python = allowed ? &python_ : nullptr;
    return environment;
  }

  Clock* const clock_;
  std::promise<std::string> connect_url_;
  const python_worker::PythonOptions python_;
  SessionRegistry registry_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::jthread expiry_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options, const connect_plan::SessionEnvironment& environment) {
  MILLRACE_RETURN_IF_ERROR(CheckOptions(options));
  auto server = std::make_unique<GrpcServer>(options, environment);
  MILLRACE_RETURN_IF_ERROR(server->Listen(options));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace millrace::spark_connect
