// millrace serve: a Spark Connect server until SIGINT or SIGTERM.
#pragma once

#include <optional>
#include <string>

#include "millrace/status.h"

namespace millrace::app {

struct ServeArguments {
  std::string host = "127.0.0.1";
  int port = 15002;
  std::string token_file;  // empty: no token
  std::string tls_cert;    // files; both or none
  std::string tls_key;
  bool no_python = false;  // refuse foreachBatch and foreach
  int max_message_mib = 128;
  int max_sessions = 1000;
};

/// Prints one line once it listens. Returns after a signal, when all queries are stopped.
/// Errors: a file that cannot be read, an empty token, and those of Server::Start.
Status Serve(const ServeArguments& arguments);

}  // namespace millrace::app
