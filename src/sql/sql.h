// Reads SQL text by Spark's grammar (SqlBaseParser.g4, with ANSI mode on and keywords not
// reserved). connect_plan calls this for spark.sql, expr, selectExpr and conditions as
// text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/time_text.h"
#include "millrace/status.h"
#include "sql/ast.h"

namespace millrace::sql {

/// What reading depends on besides the text.
struct ParseOptions {
  /// spark.sql.session.timeZone: what TIMESTAMP'2024-01-01 00:00:00' means.
  const data::TimeZone* zone = data::TimeZone::Utc();
  int64_t now_micros = 0;  // for TIMESTAMP'T10:00'
  /// Values of :name and of ?, in the order of the text.
  std::map<std::string, Expression, std::less<>> named_arguments{};
  std::vector<Expression> positional_arguments{};
};

/// One expression with or without an alias, as expr() and selectExpr() take it; a star
/// too. Errors, here and below: PARSE_SYNTAX_ERROR / 42601 and the other errors of
/// Spark's parser; UNBOUND_SQL_PARAMETER / 42P02; FAILED_TO_PARSE_TOO_COMPLEX / 54001 for
/// a text nested too deeply; UNSUPPORTED_FEATURE / 0A000 for what Spark's grammar has and
/// this has not.
Result<Expression> ParseExpression(std::string_view text,
                                   const ParseOptions& options = {});

/// One statement; semicolons may follow it.
Result<Statement> ParseStatement(std::string_view text, const ParseOptions& options = {});

}  // namespace millrace::sql
