#include "remote/server_error.h"

#include <algorithm>

#include "base/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace millrace::remote {
namespace {

std::optional<google::rpc::ErrorInfo> InfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return std::nullopt;
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) return info;
  }
  return std::nullopt;
}

std::string ValueOf(const google::rpc::ErrorInfo& info, const std::string& key) {
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

// Our Status adds "[CLASS] " and " SQLSTATE: 12345" itself. After the SQLSTATE a real
// Spark may print its plan, which is of no use to who did not write it.
std::string Bare(std::string message, const ErrorInfo& error) {
  const std::string prefix = fmt::format("[{}] ", error.error_class);
  if (!error.error_class.empty() && message.starts_with(prefix))
    message.erase(0, prefix.size());
  const std::string suffix = fmt::format(" SQLSTATE: {}", error.sql_state);
  if (!error.sql_state.empty())
    message.resize(std::min(message.size(), message.find(suffix)));
  return message;
}

}  // namespace

Status ToStatus(const grpc::Status& status, const std::string& address) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return ExternalError(
        "The Spark Connect server at {} cannot be reached: {}. Check that it "
        "runs, its address, and whether it wants TLS (;use_ssl=true).",
        address, status.error_message());
  }
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) {
    return Error(
        Fault::kUser,
        "The Spark Connect server at {} refused the token ({}). Give its token with "
        ";token=… in the URL.",
        address, status.error_message());
  }
  ErrorInfo error;
  error.fault = Fault::kUser;
  if (const auto info = InfoOf(status)) {
    error.java_class = info->reason();
    error.error_class = ValueOf(*info, "errorClass");
    error.sql_state = ValueOf(*info, "sqlState");
  }
  error.message = Bare(status.error_message(), error);
  return Status(std::move(error));
}

std::string ErrorIdOf(const grpc::Status& status) {
  const auto info = InfoOf(status);
  return info ? ValueOf(*info, "errorId") : "";
}

Status WithDetails(const Status& error,
                   const spark::connect::FetchErrorDetailsResponse& details) {
  if (details.root_error_idx() < 0 || details.root_error_idx() >= details.errors_size()) {
    return error;
  }
  const auto& root = details.errors(details.root_error_idx());
  ErrorInfo whole = error.error();
  if (root.has_spark_throwable()) {
    const auto& throwable = root.spark_throwable();
    if (throwable.has_error_class()) whole.error_class = throwable.error_class();
    if (throwable.has_sql_state()) whole.sql_state = throwable.sql_state();
    for (const auto& [name, value] : throwable.message_parameters()) {
      whole.parameters.insert_or_assign(name, value);
    }
  }
  whole.message = Bare(root.message(), whole);
  return Status(std::move(whole));
}

}  // namespace millrace::remote
