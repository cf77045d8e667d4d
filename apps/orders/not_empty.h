// A check of options that name something.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace orders {

inline std::string NotEmpty(const std::string& value) {
  return value.empty() ? "must not be empty" : "";
}

}  // namespace orders
