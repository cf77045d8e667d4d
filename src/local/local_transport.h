// The Transport that reaches the engine in the same process.
#pragma once

#include <memory>

#include "client/transport.h"
#include "connect_plan/session.h"

namespace millrace::local {

/// Everything in `environment` must outlive the transport. The session's queries are
/// stopped when it goes.
std::unique_ptr<client::Transport> MakeLocalTransport(
    const connect_plan::SessionEnvironment& environment);

}  // namespace millrace::local
