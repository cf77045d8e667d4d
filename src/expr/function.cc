#include "expr/function.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include <arrow/array/array_base.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "base/ascii.h"
#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/functions/tables.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

class Call final : public Expr {
 public:
  Call(std::string name, BoundFunction function, std::vector<ExprPtr> args)
      : Expr(function.type, function.nullable, std::move(args)),
        name_(std::move(name)),
        function_(std::move(function)) {}

  const std::string& name() const { return name_; }

  Result<Value> Evaluate(const data::Batch& input,
                         const EvalContext& context) const override {
    // A call over constants might fail for rows that do not exist.
    if (input->num_rows() == 0) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr none, data::Nulls(type(), 0));
      return Value{std::move(none)};
    }
    if (function_.lazy_kernel) {
      return function_.lazy_kernel(LazyInput{children(), input, context, type()});
    }
    std::vector<Value> args;
    args.reserve(children().size());
    for (const ExprPtr& child : children()) {
      MILLRACE_ASSIGN_OR_RETURN(Value arg, child->Evaluate(input, context));
      args.push_back(std::move(arg));
    }
    return function_.kernel(KernelInput{args, input->num_rows(), context, type()});
  }

  bool can_fail() const override { return function_.can_fail || Expr::can_fail(); }
  bool deterministic() const override {
    return function_.deterministic && Expr::deterministic();
  }

  ExprPtr WithChildren(std::vector<ExprPtr> children) const override {
    return std::make_shared<Call>(name_, function_, std::move(children));
  }

  std::string ToString() const override { return SqlText(*this, ColumnText::kWithId); }

 private:
  const std::string name_;
  const BoundFunction function_;  // without args: they are the children
};

bool IsLiteral(const ExprPtr& expr) {
  return dynamic_cast<const Literal*>(expr.get()) != nullptr;
}

// With a validity bitmap if the value could have been null, without one if not: that is
// how a literal knows.
data::ArrayPtr WithNullability(const data::ArrayPtr& value, bool nullable) {
  if (value->type_id() == arrow::Type::NA || value->IsNull(0)) return value;
  if (nullable == (value->null_bitmap() != nullptr)) return value;
  std::shared_ptr<arrow::ArrayData> data = value->data()->Copy();
  data->buffers[0] =
      nullable
          ? arrow::Buffer::FromVector(std::vector<uint8_t>(value->offset() / 8 + 1, 0xFF))
          : nullptr;
  data->null_count = 0;
  return arrow::MakeArray(std::move(data));
}

// The value of a call over literals; nothing where it fails: then it fails when rows
// come.
ExprPtr Fold(const Call& call) {
  const data::Batch row = arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector{}), 1,
                                                   std::vector<data::ArrayPtr>{});
  Result<Value> value = call.Evaluate(row, EvalContext());
  if (!value.ok()) return nullptr;
  return std::make_shared<Literal>(WithNullability(value->array, call.nullable()));
}

class Registry {
 public:
  Registry() {
    for (const auto table :
         {AesFunctions(),         ArithmeticFunctions(), ArrayEditFunctions(),
          ArrayLambdaFunctions(), BitwiseFunctions(),    CastFunctions(),
          CollectionFunctions(),  ComparisonFunctions(), ConditionalFunctions(),
          ConstructorFunctions(), DateFieldFunctions(),  DateTimeFunctions(),
          EncodingFunctions(),    FormatFunctions(),     HashFunctions(),
          JsonFunctions(),        MapFunctions(),        MapLambdaFunctions(),
          MathFunctions(),        MiscFunctions(),       NullFunctions(),
          PatternFunctions(),     PredicateFunctions(),  SequenceFunctions(),
          StringFunctions(),      TextShapeFunctions(),  TimeTextFunctions(),
          UrlFunctions(),         Utf8Functions()}) {
      for (const FunctionSpec& spec : table) {
        all_.push_back(&spec);
        by_name_.emplace(spec.name, &spec);
      }
    }
    std::sort(all_.begin(), all_.end(), [](const FunctionSpec* a, const FunctionSpec* b) {
      return a->name < b->name;
    });
  }

  const FunctionSpec* Find(std::string_view name) const {
    const auto found = by_name_.find(LowerCase(name));
    return found == by_name_.end() ? nullptr : found->second;
  }
  const std::vector<const FunctionSpec*>& all() const { return all_; }

 private:
  std::vector<const FunctionSpec*> all_;
  std::unordered_map<std::string, const FunctionSpec*> by_name_;
};

const Registry& TheRegistry() {
  static const Registry* const registry = new Registry();
  return *registry;
}

// "1", "> 0", "[2, 3]": how Spark says what a function takes.
std::string WantedArguments(const FunctionSpec& spec) {
  if (spec.max_args < 0) return fmt::format("> {}", spec.min_args - 1);
  if (spec.min_args == spec.max_args) return fmt::format("{}", spec.min_args);
  std::string wanted;
  for (int count = spec.min_args; count <= spec.max_args; ++count) {
    wanted += fmt::format("{}{}", wanted.empty() ? "" : ", ", count);
  }
  return "[" + wanted + "]";
}

}  // namespace

const FunctionSpec* FindFunction(std::string_view name) {
  return TheRegistry().Find(name);
}

std::vector<const FunctionSpec*> AllFunctions() { return TheRegistry().all(); }

Result<ExprPtr> MakeCall(std::string_view name, std::vector<ExprPtr> args,
                         const BindContext& context) {
  const FunctionSpec* const spec = FindFunction(name);
  if (spec == nullptr) return UnknownRoutine(name);
  const int count = static_cast<int>(args.size());
  if (count < spec->min_args || (spec->max_args >= 0 && count > spec->max_args)) {
    return WrongArgumentCount(spec->name, WantedArguments(*spec), count);
  }
  MILLRACE_ASSIGN_OR_RETURN(BoundFunction function, spec->bind(args, context));
  return MakeCall(std::string(spec->name), std::move(function));
}

ExprPtr MakeCall(std::string name, BoundFunction function) {
  if (function.replacement != nullptr) return std::move(function.replacement);
  std::vector<ExprPtr> args = std::move(function.args);
  function.args.clear();
  const bool constant = function.foldable && function.deterministic &&
                        std::all_of(args.begin(), args.end(), IsLiteral);
  auto call =
      std::make_shared<Call>(std::move(name), std::move(function), std::move(args));
  if (constant) {
    if (ExprPtr folded = Fold(*call); folded != nullptr) return folded;
  }
  return call;
}

std::string_view CallName(const Expr& expr) {
  const auto* call = dynamic_cast<const Call*>(&expr);
  return call == nullptr ? std::string_view() : std::string_view(call->name());
}

}  // namespace millrace::expr
