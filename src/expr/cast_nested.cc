// Casts between arrays, maps and structs: the kernels of what they hold, run on their
// children.
#include <arrow/array/array_nested.h>
#include <arrow/type.h>

#include <numeric>

#include "data/arrow_status.h"
#include "expr/cast_kernels.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using arrow::Type;

// A cast of one child, and the type it gives.
struct Part {
  Kernel kernel;
  data::TypePtr type;

  Result<data::ArrayPtr> Run(const data::ArrayPtr& array,
                             const EvalContext& context) const {
    if (array->length() == 0) return data::Nulls(type, 0);
    const Value arg{array};
    MILLRACE_ASSIGN_OR_RETURN(
        const Value value,
        kernel(KernelInput{std::span(&arg, 1), array->length(), context, type}));
    return Materialize(value, array->length());
  }
};

// Whether a null list holds elements: they do not exist for a query, and must not fail
// it.
bool NullsHoldElements(const arrow::ListArray& list) {
  if (list.null_count() == 0) return false;
  for (int64_t row = 0; row < list.length(); ++row) {
    if (list.IsNull(row) && list.value_length(row) > 0) return true;
  }
  return false;
}

// `array` without offsets and without what nulls hold.
Result<data::ArrayPtr> Rewritten(const arrow::Array& array) {
  std::vector<int32_t> rows(static_cast<size_t>(array.length()));
  std::iota(rows.begin(), rows.end(), 0);
  return data::Take(array, rows);
}

// Offsets that begin with zero.
Result<std::shared_ptr<arrow::Buffer>> ShiftedOffsets(const arrow::ListArray& list) {
  const int64_t count = list.length() + 1;
  const int32_t* const offsets = list.raw_value_offsets();
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                            AllocateBytes(count * int64_t{sizeof(int32_t)}));
  auto* const shifted = reinterpret_cast<int32_t*>(buffer->mutable_data());
  for (int64_t i = 0; i < count; ++i) shifted[i] = offsets[i] - offsets[0];
  return buffer;
}

Result<std::shared_ptr<arrow::Buffer>> ValidBits(const arrow::Array& array) {
  const Value value{.array = arrow::MakeArray(array.data()), .constant = false};
  MILLRACE_ASSIGN_OR_RETURN(Validity validity,
                            IntersectValidity(std::span(&value, 1), array.length()));
  return validity.bits;
}

// Arrays, and maps, which are lists of entries.
Result<data::ArrayPtr> CastList(data::ArrayPtr array, const std::vector<Part>& parts,
                                const data::TypePtr& to, const EvalContext& context) {
  if (NullsHoldElements(static_cast<const arrow::ListArray&>(*array))) {
    MILLRACE_ASSIGN_OR_RETURN(array, Rewritten(*array));
  }
  const auto& list = static_cast<const arrow::ListArray&>(*array);
  const int64_t begin = list.value_offset(0);
  const int64_t end = list.value_offset(list.length());
  std::shared_ptr<arrow::ArrayData> child;
  if (to->id() == Type::MAP) {
    const auto& map = static_cast<const arrow::MapArray&>(*array);
    std::vector<std::shared_ptr<arrow::ArrayData>> columns;
    for (const auto& [part, column] :
         {std::pair(&parts[0], map.keys()), std::pair(&parts[1], map.items())}) {
      MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr cast,
                                part->Run(column->Slice(begin, end - begin), context));
      columns.push_back(cast->data());
    }
    child = arrow::ArrayData::Make(to->field(0)->type(), end - begin, {nullptr},
                                   std::move(columns), 0);
  } else {
    MILLRACE_ASSIGN_OR_RETURN(
        data::ArrayPtr cast,
        parts[0].Run(list.values()->Slice(begin, end - begin), context));
    child = cast->data();
  }
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets, ShiftedOffsets(list));
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bits, ValidBits(list));
  return arrow::MakeArray(arrow::ArrayData::Make(
      to, list.length(), {std::move(bits), std::move(offsets)}, {std::move(child)}));
}

Result<data::ArrayPtr> CastStruct(const data::ArrayPtr& array,
                                  const std::vector<Part>& parts, const data::TypePtr& to,
                                  const EvalContext& context) {
  const auto& record = static_cast<const arrow::StructArray&>(*array);
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (size_t i = 0; i < parts.size(); ++i) {
    // Flattened: what stands below a null struct is null, and cannot fail.
    MILLRACE_ASSIGN_OR_RETURN_ARROW(
        data::ArrayPtr column,
        record.GetFlattenedField(static_cast<int>(i), arrow::default_memory_pool()));
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr cast, parts[i].Run(column, context));
    columns.push_back(cast->data());
  }
  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bits, ValidBits(record));
  return arrow::MakeArray(
      arrow::ArrayData::Make(to, array->length(), {std::move(bits)}, std::move(columns)));
}

}  // namespace

Kernel NestedCast(const data::TypePtr& from, const data::TypePtr& to, CastMode mode) {
  std::vector<Part> parts;
  const auto add = [&](const data::TypePtr& source, const data::TypePtr& target) {
    parts.push_back({CastKernel(source, target, mode), target});
  };
  if (from->id() == Type::MAP) {
    const auto& source = static_cast<const arrow::MapType&>(*from);
    const auto& target = static_cast<const arrow::MapType&>(*to);
    add(source.key_type(), target.key_type());
    add(source.item_type(), target.item_type());
  } else {
    for (int i = 0; i < from->num_fields(); ++i) {
      add(from->field(i)->type(), to->field(i)->type());
    }
  }
  return [parts = std::move(parts)](const KernelInput& in) -> Result<Value> {
    const Value& arg = in.args[0];
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array,
                              in.type->id() == Type::STRUCT
                                  ? CastStruct(arg.array, parts, in.type, in.context)
                                  : CastList(arg.array, parts, in.type, in.context));
    return Value{std::move(array), arg.constant};
  };
}

}  // namespace millrace::expr
