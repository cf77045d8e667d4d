// Functions about the query rather than its values.
#include <atomic>

#include "base/uuid.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/kernel.h"

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

const FunctionSpec kFunctions[] = {
    {"input_file_name", 0, 0, [](Args, const BindContext&) { return ConstantText(""); },
     "Always empty: rows do not remember their file.", "input_file_name() → "},
    {"monotonically_increasing_id", 0, 0, BindMonotonicId,
     "A number that grows from row to row, as far as one run of the query goes.",
     "monotonically_increasing_id() → 0"},
    {"spark_partition_id", 0, 0, BindPartitionId, "Always 0.",
     "spark_partition_id() → 0"},
    {"typeof", 1, 1, BindTypeof, "The type of the value, in DDL.",
     "typeof(array(1)) → array<int>"},
    {"uuid", 0, 0, BindUuid, "A random UUID for each row.", ""},
};

}  // namespace

std::span<const FunctionSpec> MiscFunctions() { return kFunctions; }

}  // namespace millrace::expr
