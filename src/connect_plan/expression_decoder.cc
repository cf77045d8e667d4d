#include "connect_plan/expression_decoder.h"

#include "base/ascii.h"
#include "base/error.h"
#include "connect_plan/type_codec.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using plan::UnresolvedExpr;
using Kind = UnresolvedExpr::Kind;

// Deeper plans come from a loop gone wrong, and would overflow the stack.
constexpr int kMaxDepth = 500;

// How deep in an expression, and how texts in it are read.
struct Place {
  const sql::ParseOptions& sql;
  int depth = 0;
};

Result<UnresolvedExpr> Decode(const proto::Expression& expression, Place place);

Result<std::vector<UnresolvedExpr>> DecodeAll(
    const google::protobuf::RepeatedPtrField<proto::Expression>& expressions,
    Place place) {
  std::vector<UnresolvedExpr> decoded;
  for (const proto::Expression& expression : expressions) {
    MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr one, Decode(expression, place));
    decoded.push_back(std::move(one));
  }
  return decoded;
}

Result<UnresolvedExpr> DecodeCast(const proto::Expression::Cast& cast, Place place) {
  UnresolvedExpr decoded;
  decoded.kind = Kind::kCast;
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr child, Decode(cast.expr(), place));
  decoded.children.push_back(std::move(child));
  if (cast.has_type_str()) {
    MILLRACE_ASSIGN_OR_RETURN(decoded.type, data::ParseType(cast.type_str()));
  } else {
    MILLRACE_ASSIGN_OR_RETURN(decoded.type, DecodeType(cast.type()));
  }
  if (cast.eval_mode() == proto::Expression::Cast::EVAL_MODE_TRY) {
    decoded.cast_mode = expr::CastMode::kTry;
  }
  return decoded;
}

Result<UnresolvedExpr> DecodeAliasAt(const proto::Expression::Alias& alias, Place place) {
  UnresolvedExpr decoded;
  decoded.kind = Kind::kAlias;
  if (alias.name_size() == 1) {
    decoded.name = alias.name(0);
  } else {
    decoded.name_parts.assign(alias.name().begin(), alias.name().end());
  }
  decoded.metadata = alias.metadata();
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr child, Decode(alias.expr(), place));
  decoded.children.push_back(std::move(child));
  return decoded;
}

Result<UnresolvedExpr> DecodeSortOrderAt(const proto::Expression::SortOrder& order,
                                         Place place) {
  using Order = proto::Expression::SortOrder;
  UnresolvedExpr decoded;
  decoded.kind = Kind::kSortOrder;
  decoded.descending = order.direction() == Order::SORT_DIRECTION_DESCENDING;
  decoded.nulls_first = order.null_ordering() == Order::SORT_NULLS_UNSPECIFIED
                            ? !decoded.descending
                            : order.null_ordering() == Order::SORT_NULLS_FIRST;
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr child, Decode(order.child(), place));
  decoded.children.push_back(std::move(child));
  return decoded;
}

// A bound of a frame: the rows from the current one on, nothing for all; and its text, as
// Spark shows it.
struct FrameBound {
  std::optional<int64_t> offset;
  std::string text;
};

Result<FrameBound> DecodeFrameBound(
    const proto::Expression::Window::WindowFrame::FrameBoundary& boundary, bool lower,
    Place place) {
  if (boundary.has_unbounded()) {
    return FrameBound{std::nullopt,
                      lower ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING"};
  }
  if (boundary.has_current_row()) return FrameBound{0, "CURRENT ROW"};
  MILLRACE_ASSIGN_OR_RETURN(const UnresolvedExpr value, Decode(boundary.value(), place));
  // SQL text has "n PRECEDING", which becomes -(n); a program has a negative number.
  const bool minus =
      value.kind == Kind::kCall && value.name == "-" && value.children.size() == 1;
  const UnresolvedExpr& number = minus ? value.children[0] : value;
  if (number.kind == Kind::kLiteral) {
    const expr::ExprPtr literal = std::make_shared<expr::Literal>(number.literal);
    if (const auto offset = expr::IntegerLiteral(literal)) {
      return FrameBound{minus ? -*offset : *offset,
                        fmt::format("{} {}", *offset, minus ? "PRECEDING" : "FOLLOWING")};
    }
  }
  return UnsupportedError(
      "The frame boundary {} is not supported yet: use a number of rows.",
      plan::PrettySql(value));
}

Result<UnresolvedExpr> DecodeWindow(const proto::Expression::Window& window,
                                    Place place) {
  UnresolvedExpr decoded;
  decoded.kind = Kind::kWindow;
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr function,
                            Decode(window.window_function(), place));
  decoded.children.push_back(std::move(function));
  for (const proto::Expression& key : window.partition_spec()) {
    MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr part, Decode(key, place));
    decoded.children.push_back(std::move(part));
  }
  decoded.partitions = static_cast<size_t>(window.partition_spec_size());
  for (const auto& key : window.order_spec()) {
    MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr part, DecodeSortOrderAt(key, place));
    decoded.children.push_back(std::move(part));
  }
  if (!window.has_frame_spec()) return decoded;
  const auto& spec = window.frame_spec();
  plan::WindowFrame frame;
  frame.rows =
      spec.frame_type() == proto::Expression::Window::WindowFrame::FRAME_TYPE_ROW;
  MILLRACE_ASSIGN_OR_RETURN(const FrameBound lower,
                            DecodeFrameBound(spec.lower(), true, place));
  MILLRACE_ASSIGN_OR_RETURN(const FrameBound upper,
                            DecodeFrameBound(spec.upper(), false, place));
  frame.lower = lower.offset;
  frame.upper = upper.offset;
  decoded.name = fmt::format("{} BETWEEN {} AND {}", frame.rows ? "ROWS" : "RANGE",
                             lower.text, upper.text);
  const bool offsets = frame.lower.value_or(0) != 0 || frame.upper.value_or(0) != 0;
  if (!frame.rows && offsets) {
    return UnsupportedError(
        "A range frame with an offset is not supported yet: use rowsBetween, "
        "or unbounded and current row.");
  }
  decoded.frame = frame;
  return decoded;
}

Result<UnresolvedExpr> DecodeStar(const proto::Expression::UnresolvedStar& star) {
  UnresolvedExpr decoded;
  decoded.kind = Kind::kStar;
  if (star.has_plan_id()) decoded.plan_id = star.plan_id();
  if (!star.has_unparsed_target()) return decoded;
  std::string target = star.unparsed_target();
  if (target.ends_with(".*")) target.resize(target.size() - 2);
  MILLRACE_ASSIGN_OR_RETURN(decoded.name_parts, plan::ParseAttributeName(target));
  return decoded;
}

Error NoParameterName() {
  return AnalysisError("INVALID_PLAN_INPUT", "56K00",
                       "A parameter of a lambda has no name.");
}

// Marks what names a parameter, in SQL text an attribute like others.
void MarkVariables(const std::vector<UnresolvedExpr>& parameters, UnresolvedExpr* tree) {
  if (tree->kind == Kind::kAttribute && !tree->plan_id) {
    for (const UnresolvedExpr& parameter : parameters) {
      if (EqualsIgnoreCase(parameter.name_parts[0], tree->name_parts[0])) {
        tree->kind = Kind::kLambdaVariable;
      }
    }
  }
  for (UnresolvedExpr& child : tree->children) MarkVariables(parameters, &child);
}

Result<UnresolvedExpr> DecodeLambda(const proto::Expression::LambdaFunction& lambda,
                                    Place place) {
  std::vector<UnresolvedExpr> parameters;
  for (const auto& argument : lambda.arguments()) {
    if (argument.name_parts().empty()) return NoParameterName();
    parameters.push_back(UnresolvedExpr::Attribute({argument.name_parts(0)}));
    parameters.back().kind = Kind::kLambdaVariable;
  }
  UnresolvedExpr decoded;
  decoded.kind = Kind::kLambda;
  MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr body, Decode(lambda.function(), place));
  MarkVariables(parameters, &body);
  decoded.children.push_back(std::move(body));
  for (UnresolvedExpr& parameter : parameters)
    decoded.children.push_back(std::move(parameter));
  return decoded;
}

Result<UnresolvedExpr> Decode(const proto::Expression& expression, Place place) {
  if (place.depth > kMaxDepth) {
    return AnalysisError(
        "EXPRESSION_TOO_DEEP", "54000",
        "The expression is nested more than {} levels deep. Split it over "
        "several withColumn steps.",
        kMaxDepth);
  }
  const Place below{place.sql, place.depth + 1};
  switch (expression.expr_type_case()) {
    case proto::Expression::kLiteral: {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr literal,
                                DecodeLiteral(expression.literal()));
      return UnresolvedExpr::Literal(std::move(literal));
    }
    case proto::Expression::kUnresolvedAttribute: {
      MILLRACE_ASSIGN_OR_RETURN(
          std::vector<std::string> parts,
          plan::ParseAttributeName(
              expression.unresolved_attribute().unparsed_identifier()));
      UnresolvedExpr attribute = UnresolvedExpr::Attribute(std::move(parts));
      if (expression.unresolved_attribute().has_plan_id()) {
        attribute.plan_id = expression.unresolved_attribute().plan_id();
      }
      return attribute;
    }
    case proto::Expression::kUnresolvedNamedLambdaVariable: {
      const auto& names = expression.unresolved_named_lambda_variable().name_parts();
      if (names.empty()) return NoParameterName();
      return UnresolvedExpr::Attribute({names.begin(), names.end()});
    }
    case proto::Expression::kLambdaFunction:
      return DecodeLambda(expression.lambda_function(), below);
    case proto::Expression::kUnresolvedFunction: {
      const auto& function = expression.unresolved_function();
      MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> args,
                                DecodeAll(function.arguments(), below));
      UnresolvedExpr call =
          UnresolvedExpr::Call(function.function_name(), std::move(args));
      call.distinct = function.is_distinct();
      return call;
    }
    case proto::Expression::kCallFunction: {
      const auto& function = expression.call_function();
      MILLRACE_ASSIGN_OR_RETURN(std::vector<UnresolvedExpr> args,
                                DecodeAll(function.arguments(), below));
      return UnresolvedExpr::Call(function.function_name(), std::move(args));
    }
    case proto::Expression::kUnresolvedStar:
      return DecodeStar(expression.unresolved_star());
    case proto::Expression::kAlias:
      return DecodeAliasAt(expression.alias(), below);
    case proto::Expression::kCast:
      return DecodeCast(expression.cast(), below);
    case proto::Expression::kWindow:
      return DecodeWindow(expression.window(), below);
    case proto::Expression::kSortOrder:
      return DecodeSortOrderAt(expression.sort_order(), below);
    case proto::Expression::kUnresolvedExtractValue: {
      const auto& extract = expression.unresolved_extract_value();
      UnresolvedExpr decoded;
      decoded.kind = Kind::kExtract;
      MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr base, Decode(extract.child(), below));
      MILLRACE_ASSIGN_OR_RETURN(UnresolvedExpr path, Decode(extract.extraction(), below));
      decoded.children.push_back(std::move(base));
      decoded.children.push_back(std::move(path));
      return decoded;
    }
    case proto::Expression::kExpressionString: {
      MILLRACE_ASSIGN_OR_RETURN(
          const proto::Expression parsed,
          sql::ParseExpression(expression.expression_string().expression(), place.sql));
      return Decode(parsed, below);
    }
    default: {
      const auto* field = proto::Expression::descriptor()->FindFieldByNumber(
          static_cast<int>(expression.expr_type_case()));
      return UnsupportedError("An expression of kind {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

}  // namespace

Result<UnresolvedExpr> DecodeExpression(const proto::Expression& expression,
                                        const sql::ParseOptions& sql) {
  return Decode(expression, Place{sql});
}

Result<UnresolvedExpr> DecodeSortOrder(const proto::Expression::SortOrder& order,
                                       const sql::ParseOptions& sql) {
  return DecodeSortOrderAt(order, Place{sql});
}

Result<UnresolvedExpr> DecodeAlias(const proto::Expression::Alias& alias,
                                   const sql::ParseOptions& sql) {
  return DecodeAliasAt(alias, Place{sql});
}

}  // namespace millrace::connect_plan
