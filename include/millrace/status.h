// Errors as values: `Status` for calls that return nothing else, `Result<T>` for those
// that do. The one error type of the whole project; foreign status types never leave a
// .cc file.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace millrace {

/// Whose fault an error is, and so who has to act on it.
enum class Fault {
  kUser,      // the program, an option or an argument is wrong
  kData,      // a row cannot be processed under the rules asked for
  kExternal,  // a broker, disk or other system failed; a retry may help
  kInternal,  // a defect of Millrace
};

/// What went wrong, in the form Spark gives it to its users.
struct ErrorInfo {
  Fault fault = Fault::kInternal;
  bool retryable = false;
  /// Spark's error condition, e.g. "UNRESOLVED_COLUMN.WITH_SUGGESTION"; empty where Spark
  /// has none.
  std::string error_class;
  /// Five characters, or empty.
  std::string sql_state;
  /// What was wanted, what was found, what to do. Without the "[CLASS]" prefix.
  std::string message;
  /// Spark's message parameters, by name.
  std::map<std::string, std::string> parameters;
  /// The JVM exception class a PySpark client maps to its own, e.g.
  /// "org.apache.spark.sql.AnalysisException".
  std::string java_class;
};

/// Success, or one ErrorInfo. Cheap to copy; success allocates nothing.
///
/// Threading: as a shared_ptr to const.
class [[nodiscard]] Status {
 public:
  Status() = default;
  explicit Status(ErrorInfo info)
      : info_(std::make_shared<const ErrorInfo>(std::move(info))) {}

  static Status OK() { return Status(); }

  bool ok() const { return info_ == nullptr; }
  explicit operator bool() const { return ok(); }

  /// Only when !ok().
  const ErrorInfo& error() const { return *info_; }

  /// "[CLASS] message SQLSTATE: 12345", as Spark prints it; "OK" on success.
  std::string ToString() const;

 private:
  std::shared_ptr<const ErrorInfo> info_;
};

/// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit
  Result(Status status)
      : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT: implicit
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::decay_t<U>, T> &&
           !std::is_same_v<std::decay_t<U>, Status> &&
           !std::is_same_v<std::decay_t<U>, Result<T>>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// OK when there is a value.
  Status status() const { return ok() ? Status::OK() : std::get<1>(state_); }

  /// Only when ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace millrace

#define MILLRACE_CONCAT_INNER(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_INNER(a, b)

/// Returns from the calling function when `expr` (a Status) is an error.
#define MILLRACE_RETURN_IF_ERROR(expr)                   \
  do {                                                   \
    ::millrace::Status millrace_status_ = (expr);        \
    if (!millrace_status_.ok()) return millrace_status_; \
  } while (false)

#define MILLRACE_ASSIGN_OR_RETURN_IMPL(result, lhs, expr) \
  auto result = (expr);                                   \
  if (!result.ok()) return result.status();               \
  lhs = std::move(result).value()

/// `lhs = value of expr` (a Result), or returns its error from the calling function.
#define MILLRACE_ASSIGN_OR_RETURN(lhs, expr) \
  MILLRACE_ASSIGN_OR_RETURN_IMPL(MILLRACE_CONCAT(millrace_result_, __LINE__), lhs, expr)
