#include "app/serve.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "app/engine.h"
#include "base/error.h"
#include "spark_connect/server.h"

namespace millrace::app {
namespace {

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    return ArgumentError(
        "Cannot read the file {}: expected a readable file that is not empty.", path);
  }
  return std::move(content).str();
}

Result<spark_connect::ServerOptions> MakeOptions(const ServeArguments& arguments) {
  spark_connect::ServerOptions options;
  options.host = arguments.host;
  options.port = arguments.port;
  options.max_message_bytes = arguments.max_message_mib << 20;
  options.sessions.max_sessions = static_cast<size_t>(arguments.max_sessions);
  const char* const python = std::getenv("PYSPARK_PYTHON");
  if (python != nullptr && *python != '\0') options.python = python;
  if (arguments.no_python) options.python.clear();
  if (!arguments.token_file.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(options.token, ReadFile(arguments.token_file));
    while (!options.token.empty() &&
           std::isspace(static_cast<unsigned char>(options.token.back())) != 0) {
      options.token.pop_back();
    }
    if (options.token.empty()) {
      return ArgumentError(
          "The token file {} is empty: expected one line with the token.",
          arguments.token_file);
    }
  }
  if (!arguments.tls_cert.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(options.tls_certificate, ReadFile(arguments.tls_cert));
  }
  if (!arguments.tls_key.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(options.tls_key, ReadFile(arguments.tls_key));
  }
  return options;
}

}  // namespace

Status Serve(const ServeArguments& arguments) {
  MILLRACE_ASSIGN_OR_RETURN(const spark_connect::ServerOptions options,
                            MakeOptions(arguments));
  // Before any thread is made, so that all have them blocked and only sigwait takes them.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  MILLRACE_ASSIGN_OR_RETURN(
      std::unique_ptr<spark_connect::Server> server,
      spark_connect::Server::Start(options, Engine::Instance().environment()));
  std::printf("Spark Connect server ready at sc://%s:%d\n", options.host.c_str(),
              server->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ending, &signal);
  return Status::OK();
}

}  // namespace millrace::app
