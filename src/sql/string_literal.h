// What quoted SQL texts mean.
#pragma once

#include <string>
#include <string_view>

namespace millrace::sql {

/// The value of 'text', "text" or r'text'; Spark's unescapeSQLString.
std::string UnescapeString(std::string_view quoted);

/// The name in `a``b`.
std::string UnescapeName(std::string_view quoted);

}  // namespace millrace::sql
