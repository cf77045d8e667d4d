#include "sql_expression.h"

#include <arrow/array.h>

#include "base/error.h"
#include "connect_plan/expression_decoder.h"
#include "data/types.h"
#include "plan/expr_resolver.h"

namespace millrace::expr {
namespace {

using plan::UnresolvedExpr;
using Kind = UnresolvedExpr::Kind;

constexpr std::string_view kHooked = "hooked literal";

// Names of fields stay as they are: they are no values.
void WrapLiterals(UnresolvedExpr* expression) {
  const bool extract = expression->kind == Kind::kExtract;
  for (size_t i = 0; i < expression->children.size(); ++i) {
    UnresolvedExpr& child = expression->children[i];
    const bool field = extract && i == 1 && child.kind == Kind::kLiteral &&
                       data::IsString(*child.literal->type());
    if (!field) WrapLiterals(&child);
  }
  if (expression->kind != Kind::kLiteral) return;
  *expression = UnresolvedExpr::Call(std::string(kHooked), {std::move(*expression)});
}

}  // namespace

Result<ExprPtr> ParseExpression(std::string_view sql, std::string_view zone,
                                const LiteralHook& literal) {
  plan::SessionConf conf;
  MILLRACE_RETURN_IF_ERROR(conf.Set("spark.sql.session.timeZone", std::string(zone)));
  sql::ParseOptions options;
  MILLRACE_ASSIGN_OR_RETURN(options.zone, data::TimeZone::Find(zone));
  MILLRACE_ASSIGN_OR_RETURN(const sql::Expression message,
                            sql::ParseExpression(sql, options));
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr expression,
                            connect_plan::DecodeExpression(message, options));
  const std::vector<plan::Attribute> no_columns;
  plan::ExprResolver resolver(no_columns, conf);
  if (literal) {
    WrapLiterals(&expression);
    resolver.set_call_hook(
        [&](const UnresolvedExpr& call) -> Result<std::optional<ExprPtr>> {
          if (call.name != kHooked) return std::optional<ExprPtr>();
          MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, resolver.Resolve(call.children[0]));
          return std::optional<ExprPtr>(literal(std::move(value)));
        });
  }
  return resolver.Resolve(expression);
}

}  // namespace millrace::expr
