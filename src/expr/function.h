// Scalar functions as data: one row and one kernel each. The tables are in
// functions/*.cc; docs/how-to/add-a-function.md shows how to add one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/expr.h"

namespace millrace::expr {

/// What a kernel gets: its arguments for `rows` rows.
struct KernelInput {
  std::span<const Value> args;
  int64_t rows = 0;
  const EvalContext& context;
  const data::TypePtr& type;  // of the result
};

/// Gives an array of `rows` values, or of one value if it says so.
/// Errors are ANSI errors of the rows given: all of them are wanted.
using Kernel = std::function<Result<Value>(const KernelInput&)>;

/// What a lazy kernel gets: its arguments, not evaluated yet.
struct LazyInput {
  std::span<const ExprPtr> args;
  const data::Batch& batch;  // at least one row
  const EvalContext& context;
  const data::TypePtr& type;  // of the result
};

/// As Kernel, for functions that evaluate some arguments only for some rows; see
/// conditional.h.
using LazyKernel = std::function<Result<Value>(const LazyInput&)>;

/// A function applied to typed arguments.
struct BoundFunction {
  std::vector<ExprPtr> args;  // as given, with the casts the function wants
  data::TypePtr type;
  bool nullable = true;
  bool can_fail = false;  // by itself; its arguments' failures are known to them
  bool deterministic = true;
  /// False for functions whose result depends on EvalContext or on the call (now, rand):
  /// others over constants are folded.
  bool foldable = true;
  Kernel kernel;
  LazyKernel lazy_kernel;  // instead of `kernel`
  /// What the call stands for, where that is another expression (Spark's
  /// RuntimeReplaceable); then nothing else here matters.
  ExprPtr replacement;
};

/// What binding may look at besides the arguments.
struct BindContext {
  std::string session_time_zone = "UTC";
  const data::TimeZone* zone = data::TimeZone::Utc();
};

/// One function, by Spark's name.
struct FunctionSpec {
  std::string_view name;  // lower case
  int min_args = 0;
  int max_args = 0;  // -1: any number
  /// Checks the argument types, inserts casts, picks the kernel. Errors:
  /// DATATYPE_MISMATCH.*.
  Result<BoundFunction> (*bind)(std::span<const ExprPtr> args,
                                const BindContext& context);
  std::string_view doc;      // one line
  std::string_view example;  // "upper('ab') → AB": run as a test; see test/expressions
};

/// Nothing where there is no such function; names compare without case.
const FunctionSpec* FindFunction(std::string_view name);
/// All, sorted by name.
std::vector<const FunctionSpec*> AllFunctions();

/// Checks the number of arguments, binds, and makes the call. Folds constants. Errors:
/// WRONG_NUM_ARGS.WITHOUT_SUGGESTION / 42605, UNRESOLVED_ROUTINE / 42883 and those of
/// bind.
Result<ExprPtr> MakeCall(std::string_view name, std::vector<ExprPtr> args,
                         const BindContext& context);
/// A call of a function that has no name in Spark.
ExprPtr MakeCall(std::string name, BoundFunction function);

/// The function of a call, by the name it was made with; empty if `expr` is no call.
std::string_view CallName(const Expr& expr);

/// struct.field, array[i], map[key]: Spark's ExtractValue. `path` is a literal: a string
/// names a field (without case), or is a key; an integer is an index. Errors:
/// FIELD_NOT_FOUND / 42704, INVALID_EXTRACT_BASE_FIELD_TYPE / 42000,
/// AMBIGUOUS_REFERENCE_TO_FIELDS / 42000.
Result<ExprPtr> MakeExtract(const ExprPtr& base, const ExprPtr& path);
/// Field number `index` of a struct.
ExprPtr MakeField(const ExprPtr& base, int index);

/// The expressions that evaluate some arguments only for some rows: and, or, if, when
/// (CASE), coalesce. Bound like functions: FindFunction knows them too.

}  // namespace millrace::expr
