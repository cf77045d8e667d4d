// Options of sources and sinks as data: parsing, errors and the docs come from one table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "millrace/status.h"

namespace millrace {

enum class OptionType { kString, kBoolean, kInteger };

/// One option of a connector. Also lists what Spark knows and Millrace has not built.
struct OptionSpec {
  std::string_view key;  // Spark's key, byte for byte
  OptionType type = OptionType::kString;
  bool required = false;
  std::string_view fallback = "";  // shown in docs; "" means none
  std::string_view help = "";
  bool supported = true;
  bool prefix = false;  // matches every key that begins with `key`, e.g. "kafka."
};

/// A connector's options. Keys compare without case (Spark's CaseInsensitiveMap), values
/// are text.
class Options {
 public:
  Options() = default;
  explicit Options(const std::map<std::string, std::string>& values);

  void Set(std::string_view key, std::string value);
  bool Has(std::string_view key) const;
  std::optional<std::string> Get(std::string_view key) const;
  std::string GetOr(std::string_view key, std::string_view fallback) const;
  /// "true"/"false" without case; an ArgumentError otherwise.
  Result<bool> GetBool(std::string_view key, bool fallback) const;
  /// A decimal int64; an ArgumentError otherwise.
  Result<int64_t> GetInt(std::string_view key, int64_t fallback) const;
  /// All with their keys as the user wrote them.
  const std::map<std::string, std::string>& original() const { return original_; }

  /// An error for a key in `specs` that is not supported, a required one that is missing,
  /// and one that no spec names (says the nearest name). `what` is e.g. "Kafka source".
  Status Check(std::string_view what, std::span<const OptionSpec> specs) const;

 private:
  std::map<std::string, std::string> original_;
  std::map<std::string, std::string> lower_;  // lower-case key -> value
};

}  // namespace millrace
