// Expressions as a client wrote them: names not looked up, functions not bound, types
// unknown. Decoded from Spark Connect plans; resolved against a child's columns by
// PlanBuilder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "expr/cast.h"
#include "plan/window_frame.h"

namespace millrace::plan {

struct UnresolvedExpr {
  enum class Kind {
    kAttribute,  // name_parts, plan_id
    kStar,       // name_parts: the target ("data.*"), may be empty; plan_id
    kLiteral,    // literal
    kCall,       // name, children, distinct
    kAlias,      // name, children[0]
    kCast,       // type, cast_mode, children[0]
    kExtract,    // children[0] . children[1]
    kSortOrder,  // children[0], descending, nulls_first
    kLambda,     // children[0] is the body; the others, kLambdaVariable, its parameters
    kLambdaVariable,  // name_parts: a parameter of a lambda around it, and its fields
    kWindow,  // children[0] OVER (PARTITION BY the next `partitions` children ORDER BY
              // the rest), frame; name: the frame as Spark shows it
  };

  Kind kind = Kind::kLiteral;
  std::vector<std::string> name_parts;  // of an alias: its names, where it has several
  std::optional<int64_t> plan_id;       // the relation a column was taken from: df.a
  std::string name;
  std::string metadata;  // of an alias: JSON
  data::ArrayPtr literal;
  data::TypePtr type;
  expr::CastMode cast_mode = expr::CastMode::kAnsi;
  bool distinct = false;
  bool descending = false;
  bool nulls_first = true;
  size_t partitions = 0;
  std::optional<WindowFrame> frame;
  std::vector<UnresolvedExpr> children;

  static UnresolvedExpr Attribute(std::vector<std::string> parts);
  static UnresolvedExpr Literal(data::ArrayPtr value);
  static UnresolvedExpr Call(std::string name, std::vector<UnresolvedExpr> args);
  static UnresolvedExpr Alias(UnresolvedExpr child, std::string name);
  static UnresolvedExpr Cast(UnresolvedExpr child, data::TypePtr type);
};

/// Splits "a.b", "`a.b`.c" into its parts. Errors: PARSE_SYNTAX_ERROR / 42601 for an
/// unclosed backquote.
Result<std::vector<std::string>> ParseAttributeName(std::string_view text);

/// The name Spark gives a column without alias: "amount", "sum(amount)", "(a + 1)",
/// "CAST(window.start AS BIGINT)". Spark: toPrettySQL and UnresolvedAlias.
std::string ColumnName(const UnresolvedExpr& expression);

/// The text of an expression as Spark prints it inside another one's name.
std::string PrettySql(const UnresolvedExpr& expression);

}  // namespace millrace::plan
