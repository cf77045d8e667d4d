#include "expr/compare.h"

#include <cmath>

#include <arrow/array/array_nested.h>

namespace millrace::expr {
namespace {

using arrow::Type;

template <typename T>
bool Equal(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a == b || (std::isnan(a) && std::isnan(b));
  } else {
    return a == b;
  }
}

template <typename T>
bool Less(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a < b || (std::isnan(b) && !std::isnan(a));
  } else {
    return a < b;
  }
}

template <typename T>
int Order(const T& a, const T& b) {
  return Less(a, b) ? -1 : Equal(a, b) ? 0 : 1;
}

template <typename T>
int OrderAt(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  return Order<T>(Reader<T>(a)[i], Reader<T>(b)[j]);
}

// Null equals null and is below all values.
int OrderNullable(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  const bool left = NullReader(a).IsNull(i);
  const bool right = NullReader(b).IsNull(j);
  if (left || right) return static_cast<int>(right) - static_cast<int>(left);
  return CompareValues(a, i, b, j);
}

// By type: bool, numbers, decimal, text; false for nested types.
template <typename F>
bool VisitComparable(const arrow::DataType& type, F&& f) {
  switch (type.id()) {
    case Type::BOOL:
      f(std::type_identity<bool>());
      return true;
    case Type::DECIMAL128:
      f(std::type_identity<arrow::Decimal128>());
      return true;
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW:
      f(std::type_identity<std::string_view>());
      return true;
    default:
      return VisitNumber(type, f);
  }
}

template <typename T>
Kernel TypedKernel(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual:
      return BinaryKernel<T, T, bool>([](const T& a, const T& b) { return Equal(a, b); });
    case Comparison::kNotEqual:
      return BinaryKernel<T, T, bool>(
          [](const T& a, const T& b) { return !Equal(a, b); });
    case Comparison::kLess:
      return BinaryKernel<T, T, bool>([](const T& a, const T& b) { return Less(a, b); });
    default:  // in a total order
      return BinaryKernel<T, T, bool>([](const T& a, const T& b) { return !Less(b, a); });
  }
}

bool Holds(Comparison comparison, int order) {
  switch (comparison) {
    case Comparison::kEqual:
      return order == 0;
    case Comparison::kNotEqual:
      return order != 0;
    case Comparison::kLess:
      return order < 0;
    default:
      return order <= 0;
  }
}

Kernel NestedKernel(Comparison comparison) {
  return [comparison](const KernelInput& in) -> Result<Value> {
    const Value& a = in.args[0];
    const Value& b = in.args[1];
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(in.args, rows));
    if (validity.all_null) return NullConstant(in.type);
    FixedOutput<bool> out;
    MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
    validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        out.Set(row, Holds(comparison, CompareValues(*a.array, a.index(row), *b.array,
                                                     b.index(row))));
      }
      return true;
    });
    return MakeValue(in.type, rows, constant, validity.bits, out.Finish());
  };
}

}  // namespace

int CompareValues(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j) {
  switch (a.type_id()) {
    case Type::LIST: {
      const auto& left = static_cast<const arrow::ListArray&>(a);
      const auto& right = static_cast<const arrow::ListArray&>(b);
      const int64_t shorter = std::min(left.value_length(i), right.value_length(j));
      for (int64_t k = 0; k < shorter; ++k) {
        const int order = OrderNullable(*left.values(), left.value_offset(i) + k,
                                        *right.values(), right.value_offset(j) + k);
        if (order != 0) return order;
      }
      return Order(left.value_length(i), right.value_length(j));
    }
    case Type::STRUCT: {
      const auto& left = static_cast<const arrow::StructArray&>(a);
      const auto& right = static_cast<const arrow::StructArray&>(b);
      for (int k = 0; k < left.num_fields(); ++k) {
        const int order = OrderNullable(*left.field(k), i, *right.field(k), j);
        if (order != 0) return order;
      }
      return 0;
    }
    default: {
      int order = 0;  // of two values of type void
      VisitComparable(*a.type(), [&]<typename T>(std::type_identity<T>) {
        order = OrderAt<T>(a, i, b, j);
      });
      return order;
    }
  }
}

Kernel ComparisonKernel(Comparison comparison, const arrow::DataType& type) {
  if (comparison == Comparison::kGreater || comparison == Comparison::kGreaterEqual) {
    const Comparison mirrored =
        comparison == Comparison::kGreater ? Comparison::kLess : Comparison::kLessEqual;
    return [kernel = ComparisonKernel(mirrored, type)](const KernelInput& in) {
      const Value swapped[] = {in.args[1], in.args[0]};
      return kernel(KernelInput{swapped, in.rows, in.context, in.type});
    };
  }
  Kernel kernel;
  const bool simple = VisitComparable(type, [&]<typename T>(std::type_identity<T>) {
    kernel = TypedKernel<T>(comparison);
  });
  return simple ? kernel : NestedKernel(comparison);
}

Kernel NullSafeEqualKernel(const arrow::DataType& type) {
  return [equal = ComparisonKernel(Comparison::kEqual, type)](
             const KernelInput& in) -> Result<Value> {
    MILLRACE_ASSIGN_OR_RETURN(const Value value, equal(in));
    const NullReader left(in.args[0]);
    const NullReader right(in.args[1]);
    if (!left.has_nulls() && !right.has_nulls()) return value;
    const bool constant = AllConstant(in.args);
    const int64_t rows = constant ? 1 : in.rows;
    const Reader<bool> equals(value);
    FixedOutput<bool> out;
    MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
    out.Generate(rows, [&](int64_t row) {
      const bool a = left.IsNull(row);
      const bool b = right.IsNull(row);
      return a || b ? a && b : equals[row];
    });
    return MakeValue(in.type, rows, constant, nullptr, out.Finish());
  };
}

}  // namespace millrace::expr
