// The names Spark gives columns without an alias, and expressions in its errors; Spark:
// toPrettySQL, Expression.sql, UnresolvedAlias.
#include <arrow/array.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/ascii.h"
#include "data/interval_type.h"
#include "data/show.h"
#include "data/types.h"
#include "expr/aggregate.h"
#include "expr/function.h"
#include "plan/aggregation.h"
#include "plan/expr_resolver.h"
#include "plan/pretty_sql.h"
#include "plan/shown_calls.h"
#include "plan/unresolved.h"

namespace millrace::plan {
namespace {

using arrow::Type;
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

bool IsDate(const data::TypePtr& type) { return type && type->id() == Type::DATE32; }
bool IsInterval(const data::TypePtr& type) {
  return type && (type->id() == Type::DURATION || type->id() == Type::INTERVAL_MONTHS);
}
bool IsDays(const data::TypePtr& type) {
  return type && type->id() == Type::DURATION &&
         data::FieldsOf(*type) == data::IntervalFields{0, 0};
}
bool IsTime(const data::TypePtr& type) { return type && type->id() == Type::TIMESTAMP; }

bool HasWindow(const UnresolvedExpr& expression) {
  return expression.kind == Kind::kWindow ||
         std::ranges::any_of(expression.children, HasWindow);
}

std::string Join(std::span<const std::string> parts) {
  return fmt::format("{}", fmt::join(parts, "."));
}

// Java's BigDecimal.toString of a number in plain digits.
std::string DecimalText(const std::string& plain) {
  const size_t point = plain.find('.');
  if (point == std::string::npos) return plain;
  const std::string sign = plain.starts_with('-') ? "-" : "";
  const int scale = static_cast<int>(plain.size() - point - 1);
  std::string digits = plain.substr(sign.size());
  std::erase(digits, '.');
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const int exponent = static_cast<int>(digits.size()) - 1 - scale;
  if (exponent >= -6) return plain;
  if (digits.size() > 1) digits.insert(1, 1, '.');
  return fmt::format("{}{}E{}", sign, digits, exponent);
}

std::string LiteralText(const arrow::Array& value, const std::string& zone) {
  if (value.IsNull(0)) return "NULL";
  std::string text;
  if (value.type_id() == Type::BINARY_VIEW) {
    for (const char byte : static_cast<const arrow::BinaryViewArray&>(value).GetView(0)) {
      fmt::format_to(std::back_inserter(text), "{:02X}",
                     static_cast<unsigned char>(byte));
    }
    return fmt::format("X'{}'", text);
  }
  data::AppendValue(value, 0, zone, data::NullText::kPretty, &text);
  if (data::IsTimestamp(*value.type())) return fmt::format("TIMESTAMP '{}'", text);
  if (data::IsTimestampNtz(*value.type())) return fmt::format("TIMESTAMP_NTZ '{}'", text);
  if (value.type_id() == Type::DATE32) return fmt::format("DATE '{}'", text);
  if (value.type_id() == Type::DECIMAL128) return DecimalText(text);
  return text;
}

// Which ends of a text trim, ltrim and rtrim cut, where they are told what to cut.
std::string_view TrimmedEnds(std::string_view name) {
  if (name == "trim") return "BOTH";
  if (name == "ltrim") return "LEADING";
  if (name == "rtrim") return "TRAILING";
  return "";
}

// Writes one expression; remembers what it asked the resolver.
class Printer {
 public:
  explicit Printer(const ExprResolver* resolver) : resolver_(resolver) {}

  std::string Text(const UnresolvedExpr& expression);

 private:
  std::vector<std::string> Texts(const std::vector<UnresolvedExpr>& args);
  std::string Attribute(const UnresolvedExpr& attribute) const;
  std::string Case(const std::vector<std::string>& args) const;
  std::string Window(const UnresolvedExpr& window);
  std::string Call(const UnresolvedExpr& call);
  std::string Extract(const UnresolvedExpr& extract);
  std::optional<std::string> TimeSum(const UnresolvedExpr& call, bool plus);
  bool IsTemporal(const UnresolvedExpr& expression);
  data::TypePtr TypeOf(const UnresolvedExpr& expression) const;

  const ExprResolver* const resolver_;  // may be null
  std::unordered_map<const UnresolvedExpr*, bool> temporal_;
};

// Null where it is not known, or where finding out would add a column to the plan.
data::TypePtr Printer::TypeOf(const UnresolvedExpr& expression) const {
  if (expression.kind == Kind::kLiteral) return expression.literal->type();
  if (expression.kind == Kind::kCast) return expression.type;
  if (resolver_ == nullptr || HasWindow(expression) || HasAggregate(expression)) {
    return nullptr;
  }
  const Result<ExprPtr> resolved = resolver_->Resolve(expression);
  return resolved.ok() ? (*resolved)->type() : nullptr;
}

bool Printer::IsTemporal(const UnresolvedExpr& expression) {
  const auto known = temporal_.find(&expression);
  if (known != temporal_.end()) return known->second;
  bool temporal = false;
  const std::string& name = expression.name;
  if (expression.kind == Kind::kCall &&
      (name == "+" || name == "-" || name == "*" || name == "/")) {
    for (const UnresolvedExpr& child : expression.children) {
      temporal = IsTemporal(child) || temporal;
    }
  } else {
    const data::TypePtr type = TypeOf(expression);
    temporal = IsDate(type) || IsTime(type) || IsInterval(type);
  }
  temporal_[&expression] = temporal;
  return temporal;
}

// What Spark makes of sums of times; BinaryArithmeticWithDatetimeResolver. Nothing where
// it stays a sum.
std::optional<std::string> Printer::TimeSum(const UnresolvedExpr& call, bool plus) {
  const UnresolvedExpr& left = call.children[0];
  const UnresolvedExpr& right = call.children[1];
  const bool left_temporal = IsTemporal(left);
  if (!left_temporal && !IsTemporal(right)) return std::nullopt;
  const data::TypePtr left_type = TypeOf(left);
  const data::TypePtr right_type = TypeOf(right);
  const auto is_number = [](const data::TypePtr& type) {
    return type && data::IsNumeric(*type);
  };
  if (IsDate(left_type) && is_number(right_type)) {
    return fmt::format("{}({}, {})", plus ? "date_add" : "date_sub", Text(left),
                       Text(right));
  }
  if (plus && IsDate(right_type) && is_number(left_type)) {
    return fmt::format("date_add({}, {})", Text(right), Text(left));
  }
  if (IsDate(left_type) && IsDays(right_type)) {
    const std::string days = fmt::format("extractansiintervaldays({})", Text(right));
    return fmt::format(fmt::runtime(plus ? "date_add({}, {})" : "date_add({}, (- {}))"),
                       Text(left), days);
  }
  if ((IsDate(left_type) || IsTime(left_type)) && IsInterval(right_type)) {
    return fmt::format("{} {} {}", Text(left), plus ? "+" : "-", Text(right));
  }
  if (plus && (IsDate(right_type) || IsTime(right_type)) && IsInterval(left_type)) {
    return fmt::format("{} + {}", Text(right), Text(left));
  }
  return std::nullopt;
}

std::vector<std::string> Printer::Texts(const std::vector<UnresolvedExpr>& args) {
  std::vector<std::string> texts;
  for (const UnresolvedExpr& arg : args) {
    if (arg.kind == Kind::kStar && resolver_ != nullptr) {
      const auto columns = resolver_->ResolveColumns(arg);
      if (columns.ok()) {
        for (const ResolvedColumn& column : *columns)
          texts.push_back(column.attribute.name);
        continue;
      }
    }
    texts.push_back(Text(arg));
  }
  return texts;
}

std::string Printer::Attribute(const UnresolvedExpr& attribute) const {
  std::span<const std::string> parts = attribute.name_parts;
  if (resolver_ != nullptr && parts.size() > 1) {
    size_t used = 1;
    if (resolver_->FindAttribute(attribute, &used).ok()) parts = parts.subspan(used - 1);
  }
  return Join(parts);
}

std::string Printer::Case(const std::vector<std::string>& args) const {
  std::string text = "CASE";
  size_t i = 0;
  for (; i + 1 < args.size(); i += 2) {
    text += fmt::format(" WHEN {} THEN {}", args[i], args[i + 1]);
  }
  if (i < args.size()) text += " ELSE " + args[i];
  return text + " END";
}

// Spark: WindowExpression.sql, once the frame is known.
std::string Printer::Window(const UnresolvedExpr& window) {
  std::vector<std::string> partition;
  std::vector<std::string> order;
  for (size_t i = 1; i < window.children.size(); ++i) {
    const UnresolvedExpr& child = window.children[i];
    const bool sorted = child.kind == Kind::kSortOrder;
    std::string text = Text(sorted ? child.children[0] : child);
    if (i <= window.partitions) {
      partition.push_back(std::move(text));
      continue;
    }
    const bool descending = sorted && child.descending;
    const bool nulls_first = !sorted || child.nulls_first;
    order.push_back(fmt::format("{} {} {}", text, descending ? "DESC" : "ASC",
                                nulls_first ? "NULLS FIRST" : "NULLS LAST"));
  }
  std::vector<std::string> spec;
  if (!partition.empty()) {
    spec.push_back(fmt::format("PARTITION BY {}", fmt::join(partition, ", ")));
  }
  if (!order.empty()) spec.push_back(fmt::format("ORDER BY {}", fmt::join(order, ", ")));
  if (window.frame) {
    spec.push_back(window.name);
  } else {
    spec.push_back(OwnFrameText(window.children[0], !order.empty()));
  }
  return fmt::format("{} OVER ({})", Text(window.children[0]), fmt::join(spec, " "));
}

std::string Printer::Call(const UnresolvedExpr& call) {
  const std::string name = LowerCase(call.name);
  if (call.children.size() == 2 && (name == "+" || name == "-")) {
    if (auto text = TimeSum(call, name == "+")) return *std::move(text);
  }
  if (name == "count" && call.children.size() == 1 &&
      call.children[0].kind == Kind::kStar) {
    return "count(1)";
  }
  std::vector<std::string> args = Texts(call.children);
  const std::string all = fmt::format("{}", fmt::join(args, ", "));
  if (args.size() == 2) {
    for (const InfixName& infix : kInfix) {
      if (infix.function == name) {
        return fmt::format("({} {} {})", args[0], infix.symbol, args[1]);
      }
    }
    if (name == "rlike" || name == "regexp" || name == "regexp_like") {
      return fmt::format("{}({})",
                         name == "rlike"    ? "RLIKE"
                         : name == "regexp" ? "REGEXP"
                                            : "REGEXP_LIKE",
                         all);
    }
    if (name == "extract" || name == "datepart") {
      return fmt::format("{}({} FROM {})", name, args[0], args[1]);
    }
    const std::string_view ends = TrimmedEnds(name);
    if (!ends.empty()) {
      return fmt::format("TRIM({} {} FROM {})", ends, args[0], args[1]);
    }
    if (name == "aggregate_filter") {
      return fmt::format("{} FILTER (WHERE {})", args[0], args[1]);
    }
  }
  if (args.size() >= 2 && name == "like") {
    const std::string text = fmt::format("{} LIKE {}", args[0], args[1]);
    return args.size() == 2 ? text : fmt::format("{} ESCAPE '{}'", text, args[2]);
  }
  if (args.size() == 1) {
    if (name == "not" || name == "!") return fmt::format("(NOT {})", args[0]);
    if (name == "isnull") return fmt::format("({} IS NULL)", args[0]);
    if (name == "isnotnull") return fmt::format("({} IS NOT NULL)", args[0]);
    if (name == "-") return fmt::format("(- {})", args[0]);
    if (name == "positive") return fmt::format("(+ {})", args[0]);
    if (name == "~") return "~" + args[0];
    if (IsCastFunction(name)) return args[0];
  }
  if (name == "in" && !args.empty()) {
    return fmt::format("({} IN ({}))", args[0],
                       fmt::join(args.begin() + 1, args.end(), ", "));
  }
  if ((name == "aggregate" || name == "reduce") && args.size() == 3) {
    return fmt::format(
        "{}({}, lambdafunction(namedlambdavariable(), namedlambdavariable()))", name,
        all);
  }
  if (name == "when") return Case(args);
  if (name == "if") return fmt::format("(IF({}))", all);
  if (name == "from_json") {
    const data::TypePtr type = TypeOf(call);
    if (type && type->id() == Type::MAP) return "entries";
  }
  const bool known =
      expr::FindFunction(name) != nullptr || expr::FindAggregate(name) != nullptr;
  return ShownCallText(known ? name : call.name, call.distinct, std::move(args));
}

std::string Printer::Extract(const UnresolvedExpr& extract) {
  const UnresolvedExpr& path = extract.children[1];
  const std::string base = Text(extract.children[0]);
  bool field = path.kind == Kind::kLiteral && data::IsString(*path.literal->type());
  if (field) {
    const data::TypePtr type = TypeOf(extract.children[0]);
    field = type == nullptr || type->id() != Type::MAP;
  }
  return field ? fmt::format("{}.{}", base, Text(path))
               : fmt::format("{}[{}]", base, Text(path));
}

std::string Printer::Text(const UnresolvedExpr& expression) {
  switch (expression.kind) {
    case Kind::kAttribute:
      return Attribute(expression);
    case Kind::kStar:
      return expression.name_parts.empty() ? "*" : Join(expression.name_parts) + ".*";
    case Kind::kLiteral:
      return LiteralText(
          *expression.literal,
          resolver_ == nullptr ? "UTC" : resolver_->bind_context().session_time_zone);
    case Kind::kCall:
      return Call(expression);
    case Kind::kAlias:
      return fmt::format("{} AS {}", Text(expression.children[0]), expression.name);
    case Kind::kCast: {
      const std::string child = Text(expression.children[0]);
      const Type::type to = expression.type->id();
      // Spark: Cast.sql, which leaves out what Hive has no words for.
      if (to == Type::LIST || to == Type::MAP || to == Type::STRUCT) return child;
      const bool tries = expression.cast_mode == expr::CastMode::kTry;
      return fmt::format("{}({} AS {})", tries ? "TRY_CAST" : "CAST", child,
                         data::SqlTypeName(*expression.type));
    }
    case Kind::kExtract:
      return Extract(expression);
    case Kind::kSortOrder:
      return Text(expression.children[0]);
    case Kind::kLambda:
      return fmt::format("lambdafunction({})",
                         fmt::join(Texts(expression.children), ", "));
    case Kind::kLambdaVariable: {
      std::string text = "namedlambdavariable()";
      for (size_t i = 1; i < expression.name_parts.size(); ++i) {
        text += "." + expression.name_parts[i];
      }
      return text;
    }
    case Kind::kWindow:
      return Window(expression);
  }
  return "";
}

std::string NameOf(const UnresolvedExpr& expression, Printer* printer) {
  switch (expression.kind) {
    case Kind::kAlias:
      return expression.name;
    case Kind::kAttribute:
      return expression.name_parts.back();
    case Kind::kSortOrder:
      return NameOf(expression.children[0], printer);
    case Kind::kCall:
      if (EqualsIgnoreCase(expression.name, "window")) return "window";
      if (EqualsIgnoreCase(expression.name, "session_window")) return "session_window";
      return printer->Text(expression);
    default:
      return printer->Text(expression);
  }
}

}  // namespace

std::string PrettySql(const UnresolvedExpr& expression) {
  return Printer(nullptr).Text(expression);
}

std::string PrettySql(const UnresolvedExpr& expression, const ExprResolver& resolver) {
  return Printer(&resolver).Text(expression);
}

std::string ColumnName(const UnresolvedExpr& expression) {
  Printer printer(nullptr);
  return NameOf(expression, &printer);
}

std::string ColumnName(const UnresolvedExpr& expression, const ExprResolver& resolver) {
  Printer printer(&resolver);
  return NameOf(expression, &printer);
}

}  // namespace millrace::plan
