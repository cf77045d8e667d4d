// The errors of the protocol itself, and how any error goes over the wire: gRPC status
// INTERNAL with google.rpc.ErrorInfo, which PySpark turns into an exception of its own.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spark/connect/base.pb.h"

namespace millrace::spark_connect {

/// INVALID_HANDLE.<reason> / HY000 about a session's or operation's id.
Error InvalidHandle(std::string_view reason, std::string_view handle);
/// INVALID_CURSOR.<reason> / HY109 about a place in the replies of an operation.
Error InvalidCursor(std::string_view reason, std::string_view message);
Error OperationCanceled();

/// The classes a JVM exception is an instance of, the most special first.
std::vector<std::string> ClassHierarchy(std::string_view java_class);

/// `error_id` lets the client ask FetchErrorDetails; empty where no session remembers the
/// error. Long messages are cut: the whole status has to fit into a header of 8 KiB.
grpc::Status ToGrpcStatus(const Status& error, const std::string& error_id);

/// The whole error, for FetchErrorDetails.
void SetErrorDetails(const Status& error,
                     spark::connect::FetchErrorDetailsResponse* response);

/// Whether `text` is a UUID in its 36 characters.
bool IsUuid(std::string_view text);

}  // namespace millrace::spark_connect
