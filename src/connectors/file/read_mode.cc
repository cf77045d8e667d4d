#include "connectors/file/read_mode.h"

#include "base/error.h"

namespace millrace::connectors::file {

ReadMode ReadModeOf(const Options& options) {
  std::string mode = options.GetOr("mode", "PERMISSIVE");
  for (char& c : mode) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  if (mode == "DROPMALFORMED") return ReadMode::kDropMalformed;
  if (mode == "FAILFAST") return ReadMode::kFailFast;
  return ReadMode::kPermissive;
}

Status MalformedRecord(std::string_view path, std::string_view record) {
  return Error(Fault::kData,
               "Malformed records are detected in record parsing: {} (in '{}').\nParse "
               "Mode: "
               "FAILFAST. To process malformed records as null result, try setting the "
               "option "
               "'mode' as 'PERMISSIVE'.",
               record.substr(0, 200), path)
      .Class("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023")
      .Param("badRecord", std::string(record))
      .Param("failFastMode", "FAILFAST")
      .Java(kSparkException);
}

}  // namespace millrace::connectors::file
