#include "connect_plan/result_rows.h"

#include <arrow/type.h>

#include "base/ascii.h"

namespace millrace::connect_plan {
namespace {

// Spark: StringUtils.filterPattern, of which . is any character as well.
bool Matches(std::string_view name, std::string_view pattern) {
  size_t at = 0;
  size_t star = std::string_view::npos;  // the last one in the pattern so far
  size_t taken = 0;                      // by it, up to here
  for (size_t next = 0; next < name.size() || at < pattern.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = next;
    } else if (next < name.size() && at < pattern.size() &&
               (pattern[at] == '.' || pattern[at] == name[next])) {
      ++at;
      ++next;
    } else if (star != std::string_view::npos && taken < name.size()) {
      at = star + 1;
      next = ++taken;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<data::Batch> RowsOfJson(std::string_view ddl, std::string_view json) {
  MILLRACE_ASSIGN_OR_RETURN(const data::SchemaPtr schema, data::ParseDdl(ddl));
  return data::BatchFromJson(schema, json);
}

Result<data::Batch> NoRows() { return data::EmptyBatch(arrow::schema({})); }

bool MatchesPattern(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return true;
  const std::string lower = LowerCase(name);
  size_t begin = 0;
  while (begin <= pattern.size()) {
    const size_t end = std::min(pattern.find('|', begin), pattern.size());
    std::string one = LowerCase(pattern.substr(begin, end - begin));
    one.erase(0, one.find_first_not_of(' '));
    one.erase(one.find_last_not_of(' ') + 1);
    if (Matches(lower, one)) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace millrace::connect_plan
