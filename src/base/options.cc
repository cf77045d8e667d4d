#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

#include "base/ascii.h"
#include "base/edit_distance.h"
#include "base/error.h"

namespace millrace {
namespace {

bool Matches(const OptionSpec& spec, std::string_view lower_key) {
  const std::string key = LowerCase(spec.key);
  return spec.prefix ? lower_key.starts_with(key) : lower_key == key;
}

// The supported key most like `lower_key`; empty where none is at all alike.
std::string_view Nearest(std::string_view lower_key, std::span<const OptionSpec> specs) {
  std::string_view nearest;
  size_t least = std::max<size_t>(2, lower_key.size() / 2) + 1;
  for (const OptionSpec& spec : specs) {
    if (!spec.supported) continue;
    const size_t distance = EditDistance(lower_key, LowerCase(spec.key));
    if (distance < least) {
      least = distance;
      nearest = spec.key;
    }
  }
  return nearest;
}

std::string SupportedKeys(std::span<const OptionSpec> specs) {
  std::string keys;
  for (const OptionSpec& spec : specs) {
    if (!spec.supported) continue;
    if (!keys.empty()) keys += ", ";
    keys += spec.key;
    if (spec.prefix) keys += "*";
  }
  return keys.empty() ? "none" : keys;
}

}  // namespace

Options::Options(const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values) Set(key, value);
}

void Options::Set(std::string_view key, std::string value) {
  std::string lower = LowerCase(key);
  std::erase_if(original_,
                [&](const auto& entry) { return LowerCase(entry.first) == lower; });
  original_.insert_or_assign(std::string(key), value);
  lower_.insert_or_assign(std::move(lower), std::move(value));
}

bool Options::Has(std::string_view key) const { return lower_.contains(LowerCase(key)); }

std::optional<std::string> Options::Get(std::string_view key) const {
  const auto found = lower_.find(LowerCase(key));
  if (found == lower_.end()) return std::nullopt;
  return found->second;
}

std::string Options::GetOr(std::string_view key, std::string_view fallback) const {
  const auto found = lower_.find(LowerCase(key));
  return found == lower_.end() ? std::string(fallback) : found->second;
}

Result<bool> Options::GetBool(std::string_view key, bool fallback) const {
  const auto value = Get(key);
  if (!value) return fallback;
  const std::string lower = LowerCase(*value);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return ArgumentError("Option '{}' must be true or false, found: '{}'.", key, *value);
}

Result<int64_t> Options::GetInt(std::string_view key, int64_t fallback) const {
  const auto value = Get(key);
  if (!value) return fallback;
  std::string_view digits = *value;
  // from_chars knows no plus sign, Java's parseLong does.
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return ArgumentError(
        "Option '{}' must be a whole number between {} and {}, found: '{}'.", key,
        std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), *value);
  }
  return number;
}

Status Options::Check(std::string_view what, std::span<const OptionSpec> specs) const {
  for (const auto& [key, value] : original_) {
    const std::string lower = LowerCase(key);
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& s) {
      return Matches(s, lower);
    });
    if (spec == specs.end()) {
      const std::string_view nearest = Nearest(lower, specs);
      const std::string hint =
          nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest);
      return ArgumentError("{} has no option '{}'.{} It takes: {}.", what, key, hint,
                           SupportedKeys(specs));
    }
    if (!spec->supported) {
      return UnsupportedError(
          "Option '{}' of the {} is known to Spark but not built in Millrace. Remove it; "
          "supported are: {}.",
          spec->key, what, SupportedKeys(specs));
    }
  }
  for (const OptionSpec& spec : specs) {
    if (spec.required && !Has(spec.key)) {
      return ArgumentError("{} needs option '{}', which was not given. {}", what,
                           spec.key, spec.help);
    }
  }
  return Status::OK();
}

}  // namespace millrace
