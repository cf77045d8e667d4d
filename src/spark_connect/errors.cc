#include "spark_connect/errors.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

namespace millrace::spark_connect {
namespace {

using ClassAndParent = std::pair<std::string_view, std::string_view>;

// What is not named here is a java.lang.RuntimeException.
constexpr std::array kParents = {
    ClassAndParent{"org.apache.spark.sql.catalyst.parser.ParseException",
                   "org.apache.spark.sql.AnalysisException"},
    ClassAndParent{"org.apache.spark.sql.catalyst.ExtendedAnalysisException",
                   "org.apache.spark.sql.AnalysisException"},
    ClassAndParent{"org.apache.spark.sql.AnalysisException", "java.lang.Exception"},
    ClassAndParent{"org.apache.spark.sql.streaming.StreamingQueryException",
                   "java.lang.Exception"},
    ClassAndParent{"org.apache.spark.SparkException", "java.lang.Exception"},
    ClassAndParent{"org.apache.spark.SparkSQLException", "java.sql.SQLException"},
    ClassAndParent{"java.sql.SQLException", "java.lang.Exception"},
    ClassAndParent{"org.apache.spark.SparkClassNotFoundException",
                   "java.lang.ClassNotFoundException"},
    ClassAndParent{"java.lang.ClassNotFoundException",
                   "java.lang.ReflectiveOperationException"},
    ClassAndParent{"java.lang.ReflectiveOperationException", "java.lang.Exception"},
    ClassAndParent{"org.apache.spark.SparkFileNotFoundException",
                   "java.io.FileNotFoundException"},
    ClassAndParent{"java.io.FileNotFoundException", "java.io.IOException"},
    ClassAndParent{"java.io.IOException", "java.lang.Exception"},
    ClassAndParent{"org.apache.spark.SparkArithmeticException",
                   "java.lang.ArithmeticException"},
    ClassAndParent{"org.apache.spark.SparkUnsupportedOperationException",
                   "java.lang.UnsupportedOperationException"},
    ClassAndParent{"org.apache.spark.SparkNoSuchElementException",
                   "java.util.NoSuchElementException"},
    ClassAndParent{"org.apache.spark.SparkIllegalArgumentException",
                   "java.lang.IllegalArgumentException"},
    ClassAndParent{"org.apache.spark.SparkNumberFormatException",
                   "java.lang.NumberFormatException"},
    ClassAndParent{"java.lang.NumberFormatException",
                   "java.lang.IllegalArgumentException"},
    ClassAndParent{"org.apache.spark.SparkDateTimeException",
                   "java.time.DateTimeException"},
    ClassAndParent{"org.apache.spark.SparkArrayIndexOutOfBoundsException",
                   "java.lang.ArrayIndexOutOfBoundsException"},
    ClassAndParent{"java.lang.ArrayIndexOutOfBoundsException",
                   "java.lang.IndexOutOfBoundsException"},
    ClassAndParent{"java.lang.RuntimeException", "java.lang.Exception"},
    ClassAndParent{"java.lang.Exception", "java.lang.Throwable"},
    ClassAndParent{"java.lang.Throwable", "java.lang.Object"},
};

std::string_view ParentOf(std::string_view java_class) {
  const auto found =
      std::find_if(kParents.begin(), kParents.end(),
                   [&](const auto& entry) { return entry.first == java_class; });
  return found == kParents.end() ? "java.lang.RuntimeException" : found->second;
}

// gRPC sends a message percent-encoded, and again inside the details in base 64.
constexpr size_t kMessageBudget = 5000;

std::string Abbreviate(const std::string& text) {
  size_t cost = 0;
  size_t end = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) end = i;  // never inside a character
    const bool plain = byte >= 0x20 && byte < 0x7F && byte != '%';
    cost += plain ? 3 : 5;
    if (cost > kMessageBudget) return text.substr(0, end) + "...";
  }
  return text;
}

}  // namespace

Error InvalidHandle(std::string_view reason, std::string_view handle) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTexts = {{
      {"FORMAT",
       "Handle must be an UUID string of the format "
       "'00112233-4455-6677-8899-aabbccddeeff'"},
      {"OPERATION_ABANDONED",
       "Operation was considered abandoned because of inactivity and removed."},
      {"OPERATION_ALREADY_EXISTS", "Operation already exists."},
      {"OPERATION_NOT_FOUND", "Operation not found."},
      {"SESSION_CHANGED",
       "The existing Spark server driver instance has restarted. Please reconnect."},
      {"SESSION_CLOSED", "Session was closed."},
      {"SESSION_NOT_FOUND", "Session not found."},
  }};
  const auto text = std::find_if(kTexts.begin(), kTexts.end(), [&](const auto& entry) {
    return entry.first == reason;
  });
  return Error(Fault::kUser, "The handle {} is invalid. {}", handle, text->second)
      .Class(fmt::format("INVALID_HANDLE.{}", reason), "HY000")
      .Java("org.apache.spark.SparkSQLException")
      .Param("handle", std::string(handle));
}

Error InvalidCursor(std::string_view reason, std::string_view message) {
  return Error(Fault::kUser, "The cursor is invalid. {}", message)
      .Class(fmt::format("INVALID_CURSOR.{}", reason), "HY109")
      .Java("org.apache.spark.SparkSQLException");
}

Error OperationCanceled() {
  return Error(Fault::kUser, "Operation has been canceled.")
      .Class("OPERATION_CANCELED", "HY008")
      .Java("org.apache.spark.SparkSQLException");
}

std::vector<std::string> ClassHierarchy(std::string_view java_class) {
  std::vector<std::string> classes;
  for (std::string_view name = java_class; name != "java.lang.Object";
       name = ParentOf(name)) {
    classes.emplace_back(name);
  }
  classes.emplace_back("java.lang.Object");
  return classes;
}

grpc::Status ToGrpcStatus(const Status& error, const std::string& error_id) {
  const ErrorInfo& what = error.error();
  const std::string java_class =
      what.java_class.empty() ? std::string(kSparkException) : what.java_class;
  google::rpc::ErrorInfo info;
  info.set_reason(java_class);
  info.set_domain("org.apache.spark");
  auto& metadata = *info.mutable_metadata();
  metadata["classes"] = nlohmann::json(ClassHierarchy(java_class)).dump();
  if (!what.error_class.empty()) metadata["errorClass"] = what.error_class;
  if (!what.sql_state.empty()) metadata["sqlState"] = what.sql_state;
  // Longer ones are left to FetchErrorDetails, as in Spark.
  constexpr size_t kMaxParameters = 1024;
  std::string parameters =
      nlohmann::json(what.parameters)
          .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (parameters.size() <= kMaxParameters)
    metadata["messageParameters"] = std::move(parameters);
  if (!error_id.empty()) metadata["errorId"] = error_id;

  google::rpc::Status status;
  status.set_code(static_cast<int>(grpc::StatusCode::INTERNAL));
  status.set_message(Abbreviate(error.ToString()));
  status.add_details()->PackFrom(info);
  return grpc::Status(grpc::StatusCode::INTERNAL, status.message(),
                      status.SerializeAsString());
}

void SetErrorDetails(const Status& error,
                     spark::connect::FetchErrorDetailsResponse* response) {
  const ErrorInfo& what = error.error();
  response->set_root_error_idx(0);
  auto* out = response->add_errors();
  for (std::string& name :
       ClassHierarchy(what.java_class.empty() ? kSparkException : what.java_class)) {
    out->add_error_type_hierarchy(std::move(name));
  }
  out->set_message(error.ToString());
  if (what.error_class.empty()) return;
  auto* throwable = out->mutable_spark_throwable();
  throwable->set_error_class(what.error_class);
  if (!what.sql_state.empty()) throwable->set_sql_state(what.sql_state);
  for (const auto& [name, value] : what.parameters) {
    (*throwable->mutable_message_parameters())[name] = value;
  }
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) {
      return false;
    }
  }
  return true;
}

}  // namespace millrace::spark_connect
