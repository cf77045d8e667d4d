#include "millrace/status.h"

#include "base/error.h"

namespace millrace {

std::string Status::ToString() const {
  if (ok()) return "OK";
  std::string text;
  // Spark does not show the classes it has not named yet.
  const bool named =
      !info_->error_class.empty() && !info_->error_class.starts_with("_LEGACY_ERROR_");
  if (named) text = fmt::format("[{}] ", info_->error_class);
  text += info_->message;
  // Errors about SQL text show the text behind the SQLSTATE: their message has it
  // already.
  const bool complete = info_->message.find(" SQLSTATE: ") != std::string::npos;
  if (!info_->sql_state.empty() && !complete) {
    text += fmt::format(" SQLSTATE: {}", info_->sql_state);
  }
  return text;
}

}  // namespace millrace
