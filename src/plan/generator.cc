#include "plan/generator.h"

#include <arrow/type.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ascii.h"
#include "expr/argument_errors.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

struct GeneratorFunction {
  std::string_view name;
  bool with_position = false;
  bool fields = false;
  bool outer = false;
};

constexpr std::array kGenerators = {
    GeneratorFunction{.name = "explode"},
    GeneratorFunction{.name = "explode_outer", .outer = true},
    GeneratorFunction{.name = "posexplode", .with_position = true},
    GeneratorFunction{.name = "posexplode_outer", .with_position = true, .outer = true},
    GeneratorFunction{.name = "inline", .fields = true},
    GeneratorFunction{.name = "inline_outer", .fields = true, .outer = true},
};

// Nothing for other expressions.
const GeneratorFunction* FunctionOf(const UnresolvedExpr& expression) {
  if (expression.kind != Kind::kCall) return nullptr;
  for (const GeneratorFunction& function : kGenerators) {
    if (EqualsIgnoreCase(expression.name, function.name)) return &function;
  }
  return nullptr;
}

bool HasGenerator(const UnresolvedExpr& expression) {
  if (FunctionOf(expression) != nullptr) return true;
  for (const UnresolvedExpr& child : expression.children) {
    if (HasGenerator(child)) return true;
  }
  return false;
}

UnresolvedExpr Text(const std::string& text) {
  return UnresolvedExpr::Literal(
      std::static_pointer_cast<const expr::Literal>(expr::MakeString(text))->value());
}

UnresolvedExpr Null() {
  return UnresolvedExpr::Literal(
      std::static_pointer_cast<const expr::Literal>(expr::MakeNull(data::NullType()))
          ->value());
}

UnresolvedExpr InlineOf(std::vector<UnresolvedExpr> rows) {
  return UnresolvedExpr::Call("inline", {UnresolvedExpr::Call("array", std::move(rows))});
}

// stack(n, values…) and json_tuple(text, fields…) as inline(array(…)) of their rows;
// nothing for others.
Result<std::optional<UnresolvedExpr>> AsInline(const UnresolvedExpr& call) {
  const std::vector<UnresolvedExpr>& args = call.children;
  if (call.kind != Kind::kCall || args.empty()) return std::optional<UnresolvedExpr>();
  if (EqualsIgnoreCase(call.name, "json_tuple")) {
    std::vector<UnresolvedExpr> fields;
    for (size_t i = 1; i < args.size(); ++i) {
      fields.push_back(Text(fmt::format("c{}", i - 1)));
      fields.push_back(UnresolvedExpr::Call(
          "get_json_object",
          {args[0], UnresolvedExpr::Call("concat", {Text("$['"), args[i], Text("']")})}));
    }
    return std::optional(InlineOf({UnresolvedExpr::Call("named_struct", fields)}));
  }
  if (!EqualsIgnoreCase(call.name, "stack")) return std::optional<UnresolvedExpr>();
  std::optional<int64_t> rows;
  if (args[0].kind == Kind::kLiteral) {
    rows = expr::IntegerLiteral(std::make_shared<expr::Literal>(args[0].literal));
  }
  if (!rows || *rows < 1 || args.size() < 2) {
    return AnalysisError("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
                         "Cannot resolve \"{}\" due to data type mismatch: The `n` must "
                         "be between (0, 2147483647] (current value = {}).",
                         PrettySql(call), PrettySql(args[0]));
  }
  const size_t count = static_cast<size_t>(*rows);
  const size_t width = (args.size() - 1 + count - 1) / count;
  std::vector<UnresolvedExpr> made;
  for (size_t row = 0; row < count; ++row) {
    std::vector<UnresolvedExpr> fields;
    for (size_t column = 0; column < width; ++column) {
      const size_t index = 1 + row * width + column;
      fields.push_back(Text(fmt::format("col{}", column)));
      fields.push_back(index < args.size() ? args[index] : Null());
    }
    made.push_back(UnresolvedExpr::Call("named_struct", std::move(fields)));
  }
  return std::optional(InlineOf(std::move(made)));
}

// The columns it makes of `elements`, under the names they have without an alias.
Result<std::vector<Attribute>> ColumnsOf(const GeneratorFunction& function,
                                         const ExprPtr& elements) {
  const arrow::DataType& type = *elements->type();
  const std::array args = {elements};
  std::vector<Attribute> generated;
  if (function.with_position) {
    generated.push_back(NewAttribute("pos", data::IntType(), function.outer));
  }
  if (type.id() == arrow::Type::MAP && !function.fields) {
    const auto& map = static_cast<const arrow::MapType&>(type);
    generated.push_back(NewAttribute("key", map.key_type(), function.outer));
    generated.push_back(NewAttribute("value", map.item_type(),
                                     function.outer || map.item_field()->nullable()));
    return generated;
  }
  if (type.id() != arrow::Type::LIST) {
    return expr::UnexpectedInputType(
        function.name, args, 0,
        function.fields ? "\"ARRAY<STRUCT>\"" : "(\"ARRAY\" or \"MAP\")");
  }
  const auto& element = static_cast<const arrow::ListType&>(type).value_field();
  const bool nullable = function.outer || element->nullable();
  if (!function.fields) {
    generated.push_back(NewAttribute("col", element->type(), nullable));
    return generated;
  }
  if (element->type()->id() != arrow::Type::STRUCT) {
    return expr::UnexpectedInputType(function.name, args, 0, "\"ARRAY<STRUCT>\"");
  }
  for (const auto& field : element->type()->fields()) {
    generated.push_back(
        NewAttribute(field->name(), field->type(), nullable || field->nullable()));
  }
  return generated;
}

Error AliasesDiffer(size_t wanted, const std::vector<std::string>& found) {
  return AnalysisError("UDTF_ALIAS_NUMBER_MISMATCH", "42802",
                       "The number of aliases supplied in the AS clause does not match "
                       "the number of "
                       "columns output by the UDTF.\nExpected {} aliases, but got "
                       "{}.\nPlease ensure that "
                       "the number of aliases provided matches the number of columns "
                       "output by the UDTF.",
                       wanted, fmt::join(found, ","))
      .Param("aliasesSize", fmt::to_string(wanted))
      .Param("aliasesNames", fmt::format("{}", fmt::join(found, ",")));
}

// One generator over `input`; `call` may be under the alias `item`. Spark takes all that
// stack and json_tuple give for nullable: `all_nullable`.
Result<PlanPtr> Apply(PlanPtr input, const UnresolvedExpr& item,
                      const UnresolvedExpr& call, const GeneratorFunction& function,
                      bool all_nullable, const ExprResolver& resolver) {
  if (call.children.size() != 1) {
    return expr::WrongArgumentCount(function.name, "1",
                                    static_cast<int>(call.children.size()));
  }
  plan::Generate generate;
  MILLRACE_ASSIGN_OR_RETURN(generate.elements, resolver.Resolve(call.children[0]));
  MILLRACE_ASSIGN_OR_RETURN(generate.generated, ColumnsOf(function, generate.elements));
  for (Attribute& attribute : generate.generated) {
    attribute.nullable = attribute.nullable || all_nullable;
  }
  generate.with_position = function.with_position;
  generate.fields = function.fields;
  generate.outer = function.outer;
  if (item.kind == Kind::kAlias) {
    const std::vector<std::string> aliases =
        item.name_parts.empty() ? std::vector<std::string>{item.name} : item.name_parts;
    if (aliases.size() != generate.generated.size()) {
      return AliasesDiffer(generate.generated.size(), aliases);
    }
    for (size_t i = 0; i < aliases.size(); ++i) generate.generated[i].name = aliases[i];
  }
  std::vector<Attribute> output = input->output;
  output.insert(output.end(), generate.generated.begin(), generate.generated.end());
  return MakePlan(std::move(generate), {std::move(input)}, std::move(output));
}

}  // namespace

Result<Generated> ApplyGenerators(PlanPtr input, std::span<const UnresolvedExpr> items,
                                  const ExprResolver& resolver) {
  Generated generated{std::move(input),
                      std::vector<std::vector<Attribute>>(items.size())};
  for (size_t i = 0; i < items.size(); ++i) {
    const UnresolvedExpr& bare =
        items[i].kind == Kind::kAlias ? items[i].children[0] : items[i];
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<UnresolvedExpr> rewritten,
                              AsInline(bare));
    const UnresolvedExpr& call = rewritten ? *rewritten : bare;
    const GeneratorFunction* const function = FunctionOf(call);
    if (std::ranges::any_of(bare.children, HasGenerator)) {
      return AnalysisError(
                 "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", "42K0E",
                 "The generator is not supported: nested in expressions \"{}\".",
                 PrettySql(bare))
          .Param("expression", fmt::format("\"{}\"", PrettySql(bare)));
    }
    if (function == nullptr) continue;
    const size_t before = generated.plan->output.size();
    MILLRACE_ASSIGN_OR_RETURN(generated.plan,
                              Apply(generated.plan, items[i], call, *function,
                                    rewritten.has_value(), resolver));
    generated.columns[i].assign(
        generated.plan->output.begin() + static_cast<std::ptrdiff_t>(before),
        generated.plan->output.end());
  }
  return generated;
}

}  // namespace millrace::plan
