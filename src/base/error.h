// Makes errors in Spark's form. Every module reports failures with these.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace {

inline constexpr std::string_view kAnalysisException =
    "org.apache.spark.sql.AnalysisException";
inline constexpr std::string_view kIllegalArgumentException =
    "java.lang.IllegalArgumentException";
inline constexpr std::string_view kSparkRuntimeException =
    "org.apache.spark.SparkRuntimeException";
inline constexpr std::string_view kSparkException = "org.apache.spark.SparkException";
inline constexpr std::string_view kArithmeticException =
    "org.apache.spark.SparkArithmeticException";
inline constexpr std::string_view kUnsupportedOperationException =
    "org.apache.spark.SparkUnsupportedOperationException";

/// Builds a Status step by step:
/// `Error(Fault::kUser, "text {}", x).Class("A.B", "42K09").Param("k", v)`.
class Error {
 public:
  template <typename... Args>
  Error(Fault fault, fmt::format_string<Args...> format, Args&&... args) {
    info_.fault = fault;
    info_.message = fmt::format(format, std::forward<Args>(args)...);
    info_.retryable = fault == Fault::kExternal;
  }

  /// Spark's condition and SQLSTATE; see docs of Spark's error-conditions.json.
  Error&& Class(std::string_view error_class, std::string_view sql_state = "") && {
    info_.error_class = error_class;
    info_.sql_state = sql_state;
    return std::move(*this);
  }
  Error&& Java(std::string_view java_class) && {
    info_.java_class = java_class;
    return std::move(*this);
  }
  Error&& Param(std::string name, std::string value) && {
    info_.parameters.emplace(std::move(name), std::move(value));
    return std::move(*this);
  }
  Error&& Retryable(bool retryable) && {
    info_.retryable = retryable;
    return std::move(*this);
  }

  operator Status() && { return Status(std::move(info_)); }  // NOLINT: implicit by design
  template <typename T>
  operator Result<T>() && {  // NOLINT: implicit by design
    return Result<T>(Status(std::move(info_)));
  }

 private:
  ErrorInfo info_;
};

/// A wrong program: Spark's AnalysisException.
template <typename... Args>
Error AnalysisError(std::string_view error_class, std::string_view sql_state,
                    fmt::format_string<Args...> format, Args&&... args) {
  return Error(Fault::kUser, format, std::forward<Args>(args)...)
      .Class(error_class, sql_state)
      .Java(kAnalysisException);
}

/// A wrong option or argument: Java's IllegalArgumentException.
template <typename... Args>
Error ArgumentError(fmt::format_string<Args...> format, Args&&... args) {
  return Error(Fault::kUser, format, std::forward<Args>(args)...)
      .Java(kIllegalArgumentException);
}

/// Another system failed; `retryable` stays true.
template <typename... Args>
Error ExternalError(fmt::format_string<Args...> format, Args&&... args) {
  return Error(Fault::kExternal, format, std::forward<Args>(args)...)
      .Java(kSparkException);
}

/// A defect of ours.
template <typename... Args>
Error InternalError(fmt::format_string<Args...> format, Args&&... args) {
  return Error(Fault::kInternal, format, std::forward<Args>(args)...)
      .Class("INTERNAL_ERROR", "XX000")
      .Java(kSparkException);
}

/// Something Spark has and Millrace does not.
template <typename... Args>
Error UnsupportedError(fmt::format_string<Args...> format, Args&&... args) {
  return Error(Fault::kUser, format, std::forward<Args>(args)...)
      .Class("UNSUPPORTED_FEATURE", "0A000")
      .Java(kAnalysisException);
}

}  // namespace millrace
