#include "millrace/status.h"

#include "base/error.h"

namespace millrace {

std::string Status::ToString() const {
  if (ok()) return "OK";
  std::string text;
  if (!info_->error_class.empty()) text = fmt::format("[{}] ", info_->error_class);
  text += info_->message;
  if (!info_->sql_state.empty()) text += fmt::format(" SQLSTATE: {}", info_->sql_state);
  return text;
}

}  // namespace millrace
