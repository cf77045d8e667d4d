#include "base/error.h"
#include "client/transport.h"
#include "remote/remote_transport.h"

namespace millrace::client {

Result<std::unique_ptr<Transport>> ConnectTo(const std::string& master) {
  if (!master.starts_with("sc://")) {
    return ArgumentError(
        "The master '{}' is not supported: this program has no engine of its "
        "own. Expected the URL of a Spark Connect server, sc://host:port.",
        master);
  }
  return remote::MakeRemoteTransport(master);
}

}  // namespace millrace::client
