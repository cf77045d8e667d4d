// Where a Spark Connect server is and how to reach it: Spark's connection string.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace::remote {

/// `sc://host[:port][/;key=value;…]`; Spark's connect client documents the parameters.
struct ConnectionUrl {
  std::string host;
  int port = 15002;
  bool use_ssl = false;  // also where a token would else cross a network in the clear
  std::string token;     // empty: none
  std::string user_id;   // empty: none
  std::map<std::string, std::string>
      headers;  // all other parameters, sent with every call

  /// "host:port", an IPv6 address in brackets.
  std::string address() const;
};

/// Errors: INVALID_CONNECT_URL / 08001 says what a URL must look like; it never shows a
/// token.
Result<ConnectionUrl> ParseConnectionUrl(std::string_view text);

}  // namespace millrace::remote
