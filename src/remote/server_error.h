// What a Spark Connect server reports as a gRPC status, as an error of ours.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "millrace/status.h"
#include "spark/connect/base.pb.h"

namespace millrace::remote {

/// Only for a status that is not OK. `address` is named where the server could not be
/// reached.
Status ToStatus(const grpc::Status& status, const std::string& address);

/// Under which the server keeps the details of the error; empty if it does not.
std::string ErrorIdOf(const grpc::Status& status);

/// The error with its whole message and parameters.
Status WithDetails(const Status& error,
                   const spark::connect::FetchErrorDetailsResponse& details);

}  // namespace millrace::remote
