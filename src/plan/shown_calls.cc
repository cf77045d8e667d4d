#include "plan/shown_calls.h"

#include <algorithm>
#include <ranges>

#include <arrow/array.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ascii.h"
#include "expr/expr.h"

namespace millrace::plan {
namespace {

constexpr size_t kAll = static_cast<size_t>(-1);
constexpr std::string_view kTimePattern = "yyyy-MM-dd HH:mm:ss";

// One function that Spark does not show as it was written.
struct ShownCall {
  std::string_view function;
  std::string_view name = {};      // how it is shown, where that differs
  size_t args = kAll;              // the others are no children of Spark's expression
  size_t complete = 0;             // arguments of a call with all defaults
  std::string_view defaults = {};  // of its last arguments, with | between them
};

// Sorted by name. Upper-case names are those of Spark's UnaryMathExpression and their
// kin.
constexpr ShownCall kShownCalls[] = {
    {.function = "acos", .name = "ACOS"},
    {.function = "acosh", .name = "ACOSH"},
    {.function = "aes_decrypt", .complete = 5, .defaults = "GCM|DEFAULT|"},
    {.function = "aes_encrypt", .complete = 6, .defaults = "GCM|DEFAULT||"},
    {.function = "any_value", .args = 1},
    {.function = "approx_count_distinct", .args = 1},
    {.function = "approx_percentile", .complete = 3, .defaults = "10000"},
    {.function = "array_agg", .name = "collect_list"},
    {.function = "asin", .name = "ASIN"},
    {.function = "asinh", .name = "ASINH"},
    {.function = "atan", .name = "ATAN"},
    {.function = "atan2", .name = "ATAN2"},
    {.function = "atanh", .name = "ATANH"},
    {.function = "bround", .complete = 2, .defaults = "0"},
    {.function = "cbrt", .name = "CBRT"},
    {.function = "convert_timezone"},
    {.function = "cos", .name = "COS"},
    {.function = "cosh", .name = "COSH"},
    {.function = "cot", .name = "COT"},
    {.function = "csc", .name = "CSC"},
    {.function = "curdate", .name = "current_date"},
    {.function = "dateadd", .name = "date_add"},
    {.function = "degrees", .name = "DEGREES"},
    {.function = "dense_rank", .name = "DENSE_RANK"},
    {.function = "e", .name = "E"},
    {.function = "exp", .name = "EXP"},
    {.function = "expm1", .name = "EXPM1"},
    {.function = "first", .args = 1},
    {.function = "first_value", .args = 1},
    {.function = "from_csv", .args = 1},
    {.function = "from_json", .args = 1},
    {.function = "from_unixtime", .complete = 2, .defaults = kTimePattern},
    {.function = "hypot", .name = "HYPOT"},
    {.function = "ilike", .args = 2},
    {.function = "lag", .complete = 3, .defaults = "1|NULL"},
    {.function = "last", .args = 1},
    {.function = "last_value", .args = 1},
    {.function = "lead", .complete = 3, .defaults = "1|NULL"},
    {.function = "listagg", .complete = 2, .defaults = "NULL"},
    {.function = "locate", .complete = 3, .defaults = "1"},
    {.function = "log10", .name = "LOG10"},
    {.function = "log1p", .name = "LOG1P"},
    {.function = "log2", .name = "LOG2"},
    {.function = "make_interval", .complete = 7, .defaults = "0|0|0|0|0|0|0"},
    {.function = "mask", .complete = 5, .defaults = "X|x|n|NULL"},
    {.function = "mode", .args = 1},
    {.function = "months_between", .complete = 3, .defaults = "true"},
    {.function = "nth_value", .args = 2},
    {.function = "ntile", .complete = 1, .defaults = "1"},
    {.function = "percent_rank", .name = "PERCENT_RANK"},
    {.function = "percentile", .complete = 3, .defaults = "1"},
    {.function = "percentile_approx", .complete = 3, .defaults = "10000"},
    {.function = "pi", .name = "PI"},
    {.function = "position", .complete = 3, .defaults = "1"},
    {.function = "pow", .name = "POWER"},
    {.function = "power", .name = "POWER"},
    {.function = "radians", .name = "RADIANS"},
    {.function = "rank", .name = "RANK"},
    {.function = "regexp_extract", .complete = 3, .defaults = "1"},
    {.function = "regexp_extract_all", .complete = 3, .defaults = "1"},
    {.function = "regexp_instr", .complete = 3, .defaults = "0"},
    {.function = "regexp_replace", .complete = 4, .defaults = "1"},
    {.function = "replace", .complete = 3, .defaults = ""},
    {.function = "round", .complete = 2, .defaults = "0"},
    {.function = "schema_of_csv", .args = 1},
    {.function = "schema_of_json", .args = 1},
    {.function = "sec", .name = "SEC"},
    {.function = "sentences", .complete = 3, .defaults = "|"},
    {.function = "signum", .name = "SIGNUM"},
    {.function = "sin", .name = "SIN"},
    {.function = "sinh", .name = "SINH"},
    {.function = "sort_array", .complete = 2, .defaults = "true"},
    {.function = "spark_partition_id", .name = "SPARK_PARTITION_ID"},
    {.function = "split", .complete = 3, .defaults = "-1"},
    {.function = "sqrt", .name = "SQRT"},
    {.function = "str_to_map", .complete = 3, .defaults = ",|:"},
    {.function = "string_agg", .complete = 2, .defaults = "NULL"},
    {.function = "substr", .complete = 3, .defaults = "2147483647"},
    {.function = "substring", .complete = 3, .defaults = "2147483647"},
    {.function = "tan", .name = "TAN"},
    {.function = "tanh", .name = "TANH"},
    {.function = "to_csv", .args = 1},
    {.function = "to_json", .args = 1},
    {.function = "to_unix_timestamp", .complete = 2, .defaults = kTimePattern},
    {.function = "try_aes_decrypt", .complete = 5, .defaults = "GCM|DEFAULT|"},
    {.function = "try_make_interval", .complete = 7, .defaults = "0|0|0|0|0|0|0"},
    {.function = "unix_timestamp",
     .complete = 2,
     .defaults = "current_timestamp()|yyyy-MM-dd HH:mm:ss"},
};
static_assert(std::ranges::is_sorted(kShownCalls, {}, &ShownCall::function));

// Adds the defaults of the arguments that are not there.
void Complete(const ShownCall& shown, std::vector<std::string>* args) {
  if (shown.function == "convert_timezone" && args->size() == 2) {
    args->insert(args->begin(), "current_timezone()");
  }
  if (args->size() >= shown.complete) return;
  std::vector<std::string> defaults;
  for (const auto part : std::views::split(shown.defaults, '|')) {
    defaults.emplace_back(part.begin(), part.end());
  }
  if (shown.defaults.empty()) defaults = {""};
  const size_t missing = std::min(shown.complete - args->size(), defaults.size());
  args->insert(args->end(), defaults.end() - static_cast<std::ptrdiff_t>(missing),
               defaults.end());
}

// Names that depend on how many arguments there are.
std::string_view NameFor(std::string_view function, size_t args) {
  if (function == "log") return args == 1 ? "ln" : "LOG";
  if (args == 1 && function == "ceil") return "CEIL";
  if (args == 1 && function == "floor") return "FLOOR";
  if (args == 3 && function == "dateadd") return "timestampadd";
  if (args == 3 && (function == "datediff" || function == "date_diff")) {
    return "timestampdiff";
  }
  return function;
}

bool IsTrue(const std::string& argument) { return argument == "true"; }

}  // namespace

std::string ShownCallText(std::string_view function, bool distinct,
                          std::vector<std::string> args) {
  if (function == "mode" && args.size() == 2 && IsTrue(args[1])) {
    return fmt::format("mode() WITHIN GROUP (ORDER BY {} DESC)", args[0]);
  }
  std::string_view name = NameFor(function, args.size());
  std::string_view suffix;
  const auto found =
      std::ranges::lower_bound(kShownCalls, name, {}, &ShownCall::function);
  if (found != std::end(kShownCalls) && found->function == name) {
    if (name == "nth_value" && args.size() == 3 && IsTrue(args[2])) {
      suffix = " ignore nulls";
    }
    if (args.size() > found->args) args.resize(found->args);
    Complete(*found, &args);
    if (!found->name.empty()) name = found->name;
  }
  return fmt::format("{}({}{}){}", name, distinct ? "DISTINCT " : "",
                     fmt::join(args, ", "), suffix);
}

bool IsCastFunction(std::string_view function) {
  constexpr std::string_view kTypes[] = {"boolean", "tinyint",   "smallint", "int",
                                         "bigint",  "float",     "double",   "decimal",
                                         "date",    "timestamp", "binary",   "string"};
  return std::ranges::find(kTypes, function) != std::end(kTypes);
}

std::string OwnFrameText(const UnresolvedExpr& function, bool ordered) {
  const std::string name = LowerCase(function.name);
  if (name == "lag" || name == "lead") {
    int64_t offset = 1;
    if (function.children.size() > 1 &&
        function.children[1].kind == UnresolvedExpr::Kind::kLiteral) {
      const expr::ExprPtr literal =
          std::make_shared<expr::Literal>(function.children[1].literal);
      offset = expr::IntegerLiteral(literal).value_or(1);
    }
    if (name == "lag") offset = -offset;
    return fmt::format("ROWS BETWEEN {0} FOLLOWING AND {0} FOLLOWING", offset);
  }
  constexpr std::string_view kRanks[] = {"row_number", "rank", "dense_rank",
                                         "percent_rank", "ntile"};
  const bool rows = std::ranges::find(kRanks, name) != std::end(kRanks);
  if (!rows && !ordered)
    return "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING";
  return fmt::format("{} BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                     rows ? "ROWS" : "RANGE");
}

}  // namespace millrace::plan
