// Functions that put arrays together element by element: array_insert, arrays_zip.
#include <algorithm>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/lists.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Bound = Result<BoundFunction>;
using arrow::Type;

const arrow::ListType* ListOf(const ExprPtr& arg) {
  if (arg->type()->id() != Type::LIST) return nullptr;
  return static_cast<const arrow::ListType*>(arg->type().get());
}

Status IndexIsZero() {
  return Error(Fault::kData,
               "The index 0 is invalid. An index shall be either < 0 or > 0 (the first "
               "element has index 1).")
      .Class("INVALID_INDEX_OF_ZERO", "22003")
      .Java(kSparkRuntimeException);
}

// The elements of a list and, at a place from 1 or from the end with -1, one more. Nulls
// fill the way to a place beyond either end.
void Insert(int32_t begin, int32_t size, int32_t place, int32_t element,
            ListBuilder* out) {
  const auto append = [&](int32_t from, int32_t to) {
    for (int32_t i = from; i < to; ++i) out->Append(begin + i);
  };
  const auto fill = [&](int32_t count) {
    for (int32_t i = 0; i < count; ++i) out->Append(-1);
  };
  if (place < 0 && -place > size + 1) {
    out->Append(element);
    fill(-place - size - 1);
    append(0, size);
    return;
  }
  const int32_t at = place > 0 ? place - 1 : size + place + 1;
  append(0, std::min(at, size));
  fill(at - size);
  out->Append(element);
  append(std::min(at, size), size);
}

Result<Value> InsertElements(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const ListRows lists(in.args[0]);
  const Reader<int32_t> places(in.args[1]);
  const data::ArrayPtr both[] = {lists.shared_elements(), in.args[2].array};
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr elements, data::Concat(both));
  const auto shift = static_cast<int32_t>(both[0]->length());
  ListBuilder out;
  for (int64_t row = 0; row < rows; ++row) {
    if (lists.IsNull(row) || places.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    if (places[row] == 0) return IndexIsZero();
    Insert(lists.begin(row), lists.size(row), places[row],
           static_cast<int32_t>(shift + in.args[2].index(row)), &out);
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, *elements));
  return Value{std::move(array), constant};
}

Bound BindArrayInsert(Args args, const BindContext&) {
  const arrow::ListType* const list = ListOf(args[0]);
  if (list == nullptr) {
    return UnexpectedInputType("array_insert", args, 0, "\"ARRAY\"");
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr place,
                            CastTo("array_insert", args, 1, data::IntType()));
  const auto element = WidestType(list->value_type(), args[2]->type());
  if (!element) {
    return UnexpectedInputType(
        "array_insert", args, 2,
        fmt::format("\"{}\"", data::SqlTypeName(*list->value_type())));
  }
  const data::TypePtr type = data::ArrayOf(*element);
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr array, MakeCast(args[0], type));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr value, MakeCast(args[2], *element));
  const bool nullable = array->nullable() || place->nullable();
  BoundFunction bound = MakeBound({std::move(array), std::move(place), std::move(value)},
                                  type, InsertElements, {.can_fail = true});
  bound.nullable = nullable;
  return bound;
}

// A list of structs of the elements at the same place; null where a list has ended.
Result<Value> ZipLists(const KernelInput& in) {
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const std::vector<ListRows> lists(in.args.begin(), in.args.end());
  std::vector<std::vector<int32_t>> picked(lists.size());
  ListBuilder out;
  int32_t count = 0;
  for (int64_t row = 0; row < rows; ++row) {
    int32_t longest = 0;
    bool null = false;
    for (const ListRows& list : lists) {
      null = null || list.IsNull(row);
      if (!null) longest = std::max(longest, list.size(row));
    }
    if (null) {
      out.AppendNull();
      continue;
    }
    for (size_t part = 0; part < lists.size(); ++part) {
      for (int32_t i = 0; i < longest; ++i) {
        const bool ended = i >= lists[part].size(row);
        picked[part].push_back(ended ? -1 : lists[part].begin(row) + i);
      }
    }
    for (int32_t i = 0; i < longest; ++i) out.Append(count++);
    out.Commit();
  }
  std::vector<data::ArrayPtr> columns;
  for (size_t part = 0; part < lists.size(); ++part) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr column,
                              data::Take(*lists[part].shared_elements(), picked[part]));
    columns.push_back(std::move(column));
  }
  const arrow::StructArray structs(
      static_cast<const arrow::ListType&>(*in.type).value_type(), count,
      std::move(columns));
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type, structs));
  return Value{std::move(array), constant};
}

// The name of a column or of a field of one; other arguments are numbered.
std::string FieldName(const Expr& arg, size_t index) {
  if (const auto* column = dynamic_cast<const Column*>(&arg)) return column->name();
  const std::string_view call = CallName(arg);
  if (call.starts_with('.')) return std::string(call.substr(1));
  return fmt::to_string(index);
}

Bound BindArraysZip(Args args, const BindContext&) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < args.size(); ++i) {
    const arrow::ListType* const list = ListOf(args[i]);
    if (list == nullptr) {
      return UnexpectedInputType("arrays_zip", args, static_cast<int>(i), "\"ARRAY\"");
    }
    fields.push_back(arrow::field(FieldName(*args[i], i), list->value_type()));
  }
  const data::TypePtr type = data::ArrayOf(arrow::struct_(std::move(fields)), false);
  return MakeBound({args.begin(), args.end()}, type, ZipLists);
}

constexpr FunctionSpec kFunctions[] = {
    {"array_insert", 3, 3, BindArrayInsert,
     "The array and one more element at a place, counted from 1, or from the end with "
     "-1.",
     "array_insert(array(1, 2, 3, 4), 5, 5) → [1, 2, 3, 4, 5]"},
    {"arrays_zip", 0, -1, BindArraysZip,
     "An array of structs of the elements at the same place.",
     "arrays_zip(array(1, 2, 3), array(2, 3)) → [{1, 2}, {2, 3}, {3, null}]"},
};

}  // namespace

std::span<const FunctionSpec> ArrayEditFunctions() { return kFunctions; }

}  // namespace millrace::expr
