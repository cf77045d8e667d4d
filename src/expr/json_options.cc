// Options of from_json and of JSON files by Spark's JSONOptions.
#include <limits>

#include "base/error.h"
#include "expr/json_reader.h"

namespace millrace::expr {
namespace {

Result<std::shared_ptr<const data::TimePattern>> Pattern(const Options& options,
                                                         std::string_view key) {
  const std::optional<std::string> text = options.Get(key);
  if (!text) return std::shared_ptr<const data::TimePattern>();
  return data::TimePattern::Compile(*text, data::PatternUse::kParse);
}

ParseMode ModeOf(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (text == "FAILFAST") return ParseMode::kFailFast;
  if (text == "DROPMALFORMED") return ParseMode::kDropMalformed;
  return ParseMode::kPermissive;  // Spark only warns of other words
}

}  // namespace

Result<JsonReadOptions> JsonReadOptions::Make(const Options& options,
                                              std::string_view time_zone,
                                              std::string_view function) {
  JsonReadOptions made;
  made.mode = ModeOf(options.GetOr("mode", "PERMISSIVE"));
  if (made.mode == ParseMode::kDropMalformed && function == "from_json") {
    return AnalysisError("PARSE_MODE_UNSUPPORTED", "42601",
                         "The function `{}` doesn't support the DROPMALFORMED mode. "
                         "Acceptable modes are PERMISSIVE and FAILFAST.",
                         function)
        .Param("funcName", fmt::format("`{}`", function))
        .Param("mode", "DROPMALFORMED");
  }
  for (const std::string_view key :
       {"locale", "singleVariantColumn", "enableDateTimeParsingFallback"}) {
    const std::string value = options.GetOr(key, "en-US");
    if (value != "en-US") {
      return UnsupportedError(
          "The JSON option {} is not built yet, found: {}. Leave it out.", key, value);
    }
  }
  made.corrupt_column = options.GetOr("columnNameOfCorruptRecord", "_corrupt_record");
  MILLRACE_ASSIGN_OR_RETURN(made.zone,
                            data::TimeZone::Find(options.GetOr("timeZone", time_zone)));
  MILLRACE_ASSIGN_OR_RETURN(made.timestamp_format, Pattern(options, "timestampFormat"));
  MILLRACE_ASSIGN_OR_RETURN(made.timestamp_ntz_format,
                            Pattern(options, "timestampNTZFormat"));
  MILLRACE_ASSIGN_OR_RETURN(made.date_format, Pattern(options, "dateFormat"));

  const struct {
    std::string_view key;
    bool* value;
  } switches[] = {
      {"primitivesAsString", &made.primitives_as_string},
      {"prefersDecimal", &made.prefers_decimal},
      {"allowComments", &made.allow_comments},
      {"allowUnquotedFieldNames", &made.allow_unquoted_field_names},
      {"allowSingleQuotes", &made.allow_single_quotes},
      {"allowNumericLeadingZeros", &made.allow_numeric_leading_zeros},
      {"allowNonNumericNumbers", &made.allow_non_numeric_numbers},
      {"allowBackslashEscapingAnyCharacter",
       &made.allow_backslash_escaping_any_character},
      {"allowUnquotedControlChars", &made.allow_unquoted_control_chars},
  };
  for (const auto& [key, value] : switches) {
    MILLRACE_ASSIGN_OR_RETURN(*value, options.GetBool(key, *value));
  }

  const auto limit = [&options](std::string_view key, auto* value) -> Status {
    MILLRACE_ASSIGN_OR_RETURN(const int64_t found, options.GetInt(key, *value));
    if (found < 0 || found > std::numeric_limits<int32_t>::max()) {
      return ArgumentError("Option {} must be a number from 0 to 2147483647, found: {}",
                           key, found);
    }
    *value = static_cast<std::remove_reference_t<decltype(*value)>>(found);
    return Status::OK();
  };
  MILLRACE_RETURN_IF_ERROR(limit("maxNestingDepth", &made.max_nesting_depth));
  MILLRACE_RETURN_IF_ERROR(limit("maxNumLen", &made.max_number_length));
  MILLRACE_RETURN_IF_ERROR(limit("maxStringLen", &made.max_string_length));
  return made;
}

}  // namespace millrace::expr
