// Functions about the query rather than its values.
#include <atomic>

#include <arrow/type.h>

#include "base/error.h"
#include "base/uuid.h"
#include "expr/cast.h"
#include "expr/functions/bind.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Bound = Result<BoundFunction>;

Bound ConstantText(std::string text) {
  return MakeBound(
      {}, data::StringType(),
      TextKernel<>([text = std::move(text)](std::string* out) { *out += text; }));
}

Bound BindTypeof(Args args, const BindContext&) {
  return ConstantText(data::SimpleTypeName(*args[0]->type()));
}

Bound BindUuid(Args, const BindContext&) {
  return MakeBound({}, data::StringType(),
                   [](const KernelInput& in) -> Result<Value> {
                     ViewBuilder out(in.rows);
                     MILLRACE_RETURN_IF_ERROR(out.Allocate());
                     for (int64_t row = 0; row < in.rows; ++row) out.Append(MakeUuid());
                     MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
                     return Value{std::move(array)};
                   },
                   {.deterministic = false, .foldable = false});
}

Bound BindMonotonicId(Args, const BindContext&) {
  // Counts on over all batches that this call evaluates.
  auto next = std::make_shared<std::atomic<int64_t>>(0);
  return MakeBound({}, data::LongType(),
                   [next](const KernelInput& in) -> Result<Value> {
                     const int64_t first = next->fetch_add(in.rows);
                     FixedOutput<int64_t> out;
                     MILLRACE_RETURN_IF_ERROR(out.Allocate(in.rows));
                     out.Generate(in.rows, [first](int64_t row) { return first + row; });
                     return MakeValue(in.type, in.rows, /*constant=*/false, nullptr,
                                      out.Finish());
                   },
                   {.deterministic = false, .foldable = false});
}

Bound BindPartitionId(Args, const BindContext&) {
  return MakeBound({}, data::IntType(),
                   [](const KernelInput& in) -> Result<Value> {
                     FixedOutput<int32_t> out;
                     MILLRACE_RETURN_IF_ERROR(out.Allocate(1));
                     out.Set(0, 0);
                     return MakeValue(in.type, 1, /*constant=*/true, nullptr,
                                      out.Finish());
                   },
                   {.deterministic = false, .foldable = false});
}

// With the first row's message. Spark: RaiseError.
Result<Value> Raise(const KernelInput& in) {
  const Reader<std::string_view> messages(in.args[0]);
  const std::string message(messages.IsNull(0) ? std::string_view("null") : messages[0]);
  return Error(Fault::kUser, "{}", message)
      .Class("USER_RAISED_EXCEPTION", "P0001")
      .Java(kSparkRuntimeException)
      .Param("errorMessage", message);
}

Bound BindRaiseError(Args args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr message, MakeCast(args[0], data::StringType()));
  BoundFunction function;
  function.args = {std::move(message)};
  function.type = arrow::null();
  function.can_fail = true;
  function.foldable = false;
  function.kernel = Raise;
  return function;
}

Bound BindAssertTrue(Args args, const BindContext& context) {
  const ExprPtr message =
      args.size() == 2 ? args[1]
                       : MakeString(fmt::format("'{}' is not true!", SqlText(*args[0])));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr raise, MakeCall("raise_error", {message}, context));
  return Replace(
      MakeCall("if", {args[0], MakeNull(arrow::null()), std::move(raise)}, context));
}

const FunctionSpec kFunctions[] = {
    {"assert_true", 1, 2, BindAssertTrue,
     "Null where the condition is true; else an error that ends the query.",
     "assert_true(1 < 2) → NULL"},
    {"distributed_sequence_id", 0, 0, BindMonotonicId, "The number of the row, from 0.",
     "distributed_sequence_id() → 0"},
    {"input_file_name", 0, 0, [](Args, const BindContext&) { return ConstantText(""); },
     "Always empty: rows do not remember their file.", "input_file_name() → "},
    {"monotonically_increasing_id", 0, 0, BindMonotonicId,
     "A number that grows from row to row, as far as one run of the query goes.",
     "monotonically_increasing_id() → 0"},
    {"raise_error", 1, 1, BindRaiseError, "Ends the query with this message.",
     "if(true, 'fine', raise_error('never')) → fine"},
    {"spark_partition_id", 0, 0, BindPartitionId, "Always 0.",
     "spark_partition_id() → 0"},
    {"typeof", 1, 1, BindTypeof, "The type of the value, in DDL.",
     "typeof(array(1)) → array<int>"},
    {"uuid", 0, 0, BindUuid, "A random UUID for each row.", ""},
};

}  // namespace

std::span<const FunctionSpec> MiscFunctions() { return kFunctions; }

}  // namespace millrace::expr
