// Numbers and booleans out of text, as CAST reads them. Spark: UTF8String.toLongExact,
// Cast.processFloatingPointSpecialLiterals, StringUtils.isTrueString.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace millrace::expr {

/// Without white space and control characters at both ends; UTF8String.trimAll.
std::string_view TrimText(std::string_view text);

/// A decimal integer with optional sign that fits into 64 bits; blanks around it are
/// ignored.
std::optional<int64_t> ParseLong(std::string_view text);

/// What java.lang.Double.parseDouble reads ("1.5", "5.", ".5e3", "1d", "0x1p3"), and
/// "inf", "infinity", "nan" in any case; blanks around it are ignored. Too large gives
/// infinity.
std::optional<double> ParseDouble(std::string_view text);
std::optional<float> ParseFloat(std::string_view text);

/// "true", "t", "yes", "y", "1" and their opposites in any case.
std::optional<bool> ParseBoolean(std::string_view text);

}  // namespace millrace::expr
