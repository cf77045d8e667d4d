#include "plan/unresolved.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/ascii.h"
#include "base/error.h"
#include "data/show.h"
#include "data/types.h"
#include "expr/aggregate.h"
#include "expr/function.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

struct InfixName {
  std::string_view function;
  std::string_view symbol;
};

// How Spark writes operators inside a column name.
constexpr std::array kInfix = {
    InfixName{"+", "+"},     InfixName{"-", "-"},     InfixName{"*", "*"},
    InfixName{"/", "/"},     InfixName{"%", "%"},     InfixName{"==", "="},
    InfixName{"=", "="},     InfixName{"<", "<"},     InfixName{"<=", "<="},
    InfixName{">", ">"},     InfixName{">=", ">="},   InfixName{"<=>", "<=>"},
    InfixName{"and", "AND"}, InfixName{"or", "OR"},   InfixName{"&", "&"},
    InfixName{"|", "|"},     InfixName{"^", "^"},     InfixName{"<<", "<<"},
    InfixName{">>", ">>"},   InfixName{">>>", ">>>"}, InfixName{"div", "div"},
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

std::string JoinArgs(const std::vector<UnresolvedExpr>& args, size_t from = 0) {
  std::string text;
  for (size_t i = from; i < args.size(); ++i) {
    if (i > from) text += ", ";
    text += PrettySql(args[i]);
  }
  return text;
}

std::string LiteralText(const arrow::Array& value) {
  if (value.IsNull(0)) return "NULL";
  std::string text;
  data::AppendValue(value, 0, "UTC", data::NullText::kPretty, &text);
  if (data::IsTimestamp(*value.type())) return fmt::format("TIMESTAMP '{}'", text);
  if (data::IsTimestampNtz(*value.type())) return fmt::format("TIMESTAMP_NTZ '{}'", text);
  if (value.type_id() == arrow::Type::DATE32) return fmt::format("DATE '{}'", text);
  return text;
}

std::string CaseText(const std::vector<UnresolvedExpr>& args) {
  std::string text = "CASE";
  size_t i = 0;
  for (; i + 1 < args.size(); i += 2) {
    text += fmt::format(" WHEN {} THEN {}", PrettySql(args[i]), PrettySql(args[i + 1]));
  }
  if (i < args.size()) text += " ELSE " + PrettySql(args[i]);
  return text + " END";
}

std::string BoundText(const std::optional<int64_t>& offset, bool lower) {
  if (!offset) return lower ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING";
  if (*offset == 0) return "CURRENT ROW";
  return fmt::format("{} {}", std::abs(*offset), *offset < 0 ? "PRECEDING" : "FOLLOWING");
}

// Spark: WindowExpression.sql.
std::string WindowText(const UnresolvedExpr& window) {
  std::string partition;
  std::string order;
  for (size_t i = 1; i < window.children.size(); ++i) {
    const UnresolvedExpr& child = window.children[i];
    std::string& list = i <= window.partitions ? partition : order;
    if (!list.empty()) list += ", ";
    list += PrettySql(child.kind == Kind::kSortOrder ? child.children[0] : child);
    if (child.kind == Kind::kSortOrder) {
      list += child.descending ? " DESC" : " ASC";
      list += child.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    }
  }
  std::string spec;
  const auto add = [&](const std::string& part) {
    if (!spec.empty()) spec += ' ';
    spec += part;
  };
  if (!partition.empty()) add("PARTITION BY " + partition);
  if (!order.empty()) add("ORDER BY " + order);
  if (window.frame) {
    add(fmt::format("{} BETWEEN {} AND {}", window.frame->rows ? "ROWS" : "RANGE",
                    BoundText(window.frame->lower, true),
                    BoundText(window.frame->upper, false)));
  } else {
    add("unspecifiedframe$()");
  }
  return fmt::format("{} OVER ({})", PrettySql(window.children[0]), spec);
}

// Which ends of a text trim, ltrim and rtrim cut, where they are told what to cut.
std::string_view TrimmedEnds(std::string_view name) {
  if (name == "trim") return "BOTH";
  if (name == "ltrim") return "LEADING";
  if (name == "rtrim") return "TRAILING";
  return "";
}

std::string CallText(const UnresolvedExpr& call) {
  const std::string name = LowerCase(call.name);
  const std::vector<UnresolvedExpr>& args = call.children;
  if (args.size() == 2) {
    for (const InfixName& infix : kInfix) {
      if (infix.function == name) {
        return fmt::format("({} {} {})", PrettySql(args[0]), infix.symbol,
                           PrettySql(args[1]));
      }
    }
    if (name == "rlike" || name == "regexp" || name == "regexp_like") {
      return fmt::format("{}({})", Upper(name), JoinArgs(args));
    }
    if (name == "extract") {
      return fmt::format("extract({} FROM {})", PrettySql(args[0]), PrettySql(args[1]));
    }
    const std::string_view ends = TrimmedEnds(name);
    if (!ends.empty()) {
      return fmt::format("TRIM({} {} FROM {})", ends, PrettySql(args[0]),
                         PrettySql(args[1]));
    }
    if (name == "aggregate_filter") {
      return fmt::format("{} FILTER (WHERE {})", PrettySql(args[0]), PrettySql(args[1]));
    }
  }
  if (args.size() >= 2 && (name == "like" || name == "ilike")) {
    const std::string text =
        fmt::format("{} {} {}", PrettySql(args[0]), name == "like" ? "LIKE" : "ILIKE",
                    PrettySql(args[1]));
    if (args.size() == 2) return text;
    return fmt::format("{} ESCAPE '{}'", text, PrettySql(args[2]));
  }
  if (args.size() == 1) {
    const std::string arg = PrettySql(args[0]);
    if (name == "not" || name == "!") return fmt::format("(NOT {})", arg);
    if (name == "isnull") return fmt::format("({} IS NULL)", arg);
    if (name == "isnotnull") return fmt::format("({} IS NOT NULL)", arg);
    if (name == "negative") return fmt::format("(- {})", arg);
    if (name == "positive") return fmt::format("(+ {})", arg);
    if (name == "~") return "~" + arg;
    if (name == "count" && args[0].kind == Kind::kStar) return "count(1)";
  }
  if (name == "in" && !args.empty()) {
    return fmt::format("({} IN ({}))", PrettySql(args[0]), JoinArgs(args, 1));
  }
  if ((name == "aggregate" || name == "reduce") && args.size() == 3) {
    return fmt::format(
        "{}({}, lambdafunction(namedlambdavariable(), namedlambdavariable()))", name,
        JoinArgs(args));
  }
  if (name == "when") return CaseText(args);
  if (name == "if") return fmt::format("(IF({}))", JoinArgs(args));
  const bool known =
      expr::FindFunction(name) != nullptr || expr::FindAggregate(name) != nullptr;
  return fmt::format("{}({}{})", known ? name : call.name,
                     call.distinct ? "DISTINCT " : "", JoinArgs(args));
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += '.';
    text += part;
  }
  return text;
}

}  // namespace

UnresolvedExpr UnresolvedExpr::Attribute(std::vector<std::string> parts) {
  UnresolvedExpr expression;
  expression.kind = Kind::kAttribute;
  expression.name_parts = std::move(parts);
  return expression;
}

UnresolvedExpr UnresolvedExpr::Literal(data::ArrayPtr value) {
  UnresolvedExpr expression;
  expression.kind = Kind::kLiteral;
  expression.literal = std::move(value);
  return expression;
}

UnresolvedExpr UnresolvedExpr::Call(std::string name, std::vector<UnresolvedExpr> args) {
  UnresolvedExpr expression;
  expression.kind = Kind::kCall;
  expression.name = std::move(name);
  expression.children = std::move(args);
  return expression;
}

UnresolvedExpr UnresolvedExpr::Alias(UnresolvedExpr child, std::string name) {
  UnresolvedExpr expression;
  expression.kind = Kind::kAlias;
  expression.name = std::move(name);
  expression.children.push_back(std::move(child));
  return expression;
}

UnresolvedExpr UnresolvedExpr::Cast(UnresolvedExpr child, data::TypePtr type) {
  UnresolvedExpr expression;
  expression.kind = Kind::kCast;
  expression.type = std::move(type);
  expression.children.push_back(std::move(child));
  return expression;
}

Result<std::vector<std::string>> ParseAttributeName(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  size_t i = 0;
  const auto syntax_error = [&]() -> Error {
    return AnalysisError(
        "PARSE_SYNTAX_ERROR", "42601",
        "Cannot read the column name '{}': expected names separated by dots, "
        "with `backquotes` around a name that has a dot in it.",
        text);
  };
  while (true) {
    if (i < text.size() && text[i] == '`') {
      ++i;
      while (true) {
        if (i >= text.size()) return syntax_error();
        if (text[i] == '`') {
          if (i + 1 < text.size() && text[i + 1] == '`') {
            part += '`';
            i += 2;
            continue;
          }
          ++i;
          break;
        }
        part += text[i++];
      }
      if (i < text.size() && text[i] != '.') return syntax_error();
    } else {
      while (i < text.size() && text[i] != '.') {
        if (text[i] == '`') return syntax_error();
        part += text[i++];
      }
    }
    parts.push_back(std::move(part));
    part.clear();
    if (i >= text.size()) return parts;
    ++i;  // the dot
  }
}

std::string ColumnName(const UnresolvedExpr& expression) {
  switch (expression.kind) {
    case Kind::kAlias:
      return expression.name;
    case Kind::kAttribute:
      return expression.name_parts.back();
    case Kind::kSortOrder:
      return ColumnName(expression.children[0]);
    case Kind::kCall:
      if (LowerCase(expression.name) == "window") return "window";
      if (LowerCase(expression.name) == "session_window") return "session_window";
      return PrettySql(expression);
    default:
      return PrettySql(expression);
  }
}

std::string PrettySql(const UnresolvedExpr& expression) {
  switch (expression.kind) {
    case Kind::kAttribute:
      return Join(expression.name_parts);
    case Kind::kStar:
      return expression.name_parts.empty() ? "*" : Join(expression.name_parts) + ".*";
    case Kind::kLiteral:
      return LiteralText(*expression.literal);
    case Kind::kCall:
      return CallText(expression);
    case Kind::kAlias:
      return fmt::format("{} AS {}", PrettySql(expression.children[0]), expression.name);
    case Kind::kCast: {
      const std::string head =
          expression.cast_mode == expr::CastMode::kTry ? "TRY_CAST(" : "CAST(";
      return fmt::format("{}{} AS {})", head, PrettySql(expression.children[0]),
                         data::SqlTypeName(*expression.type));
    }
    case Kind::kExtract: {
      const UnresolvedExpr& path = expression.children[1];
      const bool field =
          path.kind == Kind::kLiteral && data::IsString(*path.literal->type());
      const std::string base = PrettySql(expression.children[0]);
      return fmt::format(fmt::runtime(field ? "{}.{}" : "{}[{}]"), base, PrettySql(path));
    }
    case Kind::kSortOrder:
      return PrettySql(expression.children[0]);
    case Kind::kLambda:
      return fmt::format("lambdafunction({})", JoinArgs(expression.children));
    case Kind::kLambdaVariable: {
      std::string text = "namedlambdavariable()";
      for (size_t i = 1; i < expression.name_parts.size(); ++i) {
        text += "." + expression.name_parts[i];
      }
      return text;
    }
    case Kind::kWindow:
      return WindowText(expression);
  }
  return "";
}

}  // namespace millrace::plan
