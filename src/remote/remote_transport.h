// The way from the C++ API to a Spark Connect server: Millrace's own, or Apache Spark's.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "client/transport.h"

namespace millrace::remote {

/// How long a server may be unreachable, or a broken stream fail to be resumed, before a
/// call fails. Until then calls are tried again.
inline constexpr std::chrono::seconds kPatience{10};

/// `url` as ParseConnectionUrl takes it. Does not connect yet: the first call does.
/// Errors of calls: those the server reports, as it reports them; UNAVAILABLE after
/// kPatience.
Result<std::unique_ptr<client::Transport>> MakeRemoteTransport(const std::string& url);

}  // namespace millrace::remote
