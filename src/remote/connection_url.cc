#include "remote/connection_url.h"

#include <charconv>

#include "base/error.h"

namespace millrace::remote {
namespace {

constexpr std::string_view kScheme = "sc://";

template <typename... Args>
Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return Error(Fault::kUser,
               "The URL for Spark Connect is not valid: {} Expected "
               "sc://host:port/;key=value;key=value.",
               fmt::format(format, std::forward<Args>(args)...))
      .Class("INVALID_CONNECT_URL", "08001")
      .Java(kIllegalArgumentException);
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Status ParsePort(std::string_view text, int* port) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *port);
  if (error == std::errc() && end == text.data() + text.size() && *port > 0 &&
      *port < 65536) {
    return Status::OK();
  }
  return Invalid("'{}' is no port from 1 to 65535.", text);
}

// host, host:port, [::1] or [::1]:port
Status ParseAddress(std::string_view text, ConnectionUrl* url) {
  const size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url->host = text.substr(0, colon);
  if (url->host.empty()) return Invalid("it names no host.");
  if (colon == std::string_view::npos) return Status::OK();
  return ParsePort(text.substr(colon + 1), &url->port);
}

Status SetParameter(std::string_view key, std::string value, ConnectionUrl* url) {
  if (key == "token") {
    url->token = std::move(value);
  } else if (key == "user_id") {
    url->user_id = std::move(value);
  } else if (key == "use_ssl") {
    if (value != "true" && value != "false") {
      return Invalid("use_ssl must be true or false, found '{}'.", value);
    }
    url->use_ssl = value == "true";
  } else {
    url->headers.emplace(key, std::move(value));
  }
  return Status::OK();
}

}  // namespace

std::string ConnectionUrl::address() const { return fmt::format("{}:{}", host, port); }

Result<ConnectionUrl> ParseConnectionUrl(std::string_view text) {
  if (!text.starts_with(kScheme)) return Invalid("it does not begin with sc://.");
  text.remove_prefix(kScheme.size());
  const size_t slash = text.find('/');
  ConnectionUrl url;
  MILLRACE_RETURN_IF_ERROR(ParseAddress(text.substr(0, slash), &url));
  if (slash == std::string_view::npos) return url;
  text.remove_prefix(slash + 1);
  if (!text.empty() && text[0] != ';')
    return Invalid("it has a path, where none can be.");
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view parameter = text.substr(0, text.find(';'));
    text.remove_prefix(parameter.size());
    if (parameter.empty()) continue;
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Invalid("a parameter is not of the form key=value.");
    }
    MILLRACE_RETURN_IF_ERROR(SetParameter(
        parameter.substr(0, equals), std::string(parameter.substr(equals + 1)), &url));
  }
  if (!url.token.empty() && !IsLoopback(url.host)) url.use_ssl = true;
  return url;
}

}  // namespace millrace::remote
