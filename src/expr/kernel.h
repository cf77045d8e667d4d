// Makes kernels out of lambdas over single values. The loops, nulls, constants and
// buffers live here; a lambda sees plain values, and nothing per row is virtual or
// allocates. A null in any argument gives null, and the lambda is not called for that
// row.
//
//   Kernel k = BinaryKernel<int64_t, int64_t, int64_t>([](int64_t a, int64_t b) {...});
//
// Values are physical: bool, int8_t … int64_t (dates are int32_t, timestamps int64_t),
// float, double, arrow::Decimal128, std::string_view (strings and binaries). A lambda may
// return
//   Out                   a value
//   std::optional<Out>    nothing gives null
//   Result<Out>, Result<std::optional<Out>>   an error ends the evaluation
// Kernels that write text use TextKernel, those that cut it SliceKernel, and those which
// check for overflow in a tight loop CheckedKernel.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/binary_view_util.h>
#include <arrow/util/bit_run_reader.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_generate.h>
#include <arrow/util/decimal.h>

#include "expr/function.h"
#include "millrace/status.h"

namespace millrace::expr {

/// A zeroed (`zero`) or uninitialised buffer.
Result<std::shared_ptr<arrow::Buffer>> AllocateBytes(int64_t bytes, bool zero = false);

/// Which rows of a result are not null, as far as the arguments decide.
struct Validity {
  std::shared_ptr<arrow::Buffer> bits;  // without offset; none: no nulls
  bool all_null = false;                // an argument is a null constant

  /// Calls f(begin, end) for each run of valid rows until it gives false.
  template <typename F>
  void VisitRuns(int64_t rows, F&& f) const {
    if (all_null) return;
    if (bits == nullptr) {
      f(int64_t{0}, rows);
      return;
    }
    arrow::internal::SetBitRunReader runs(bits->data(), 0, rows);
    for (auto run = runs.NextRun(); run.length > 0; run = runs.NextRun()) {
      if (!f(run.position, run.position + run.length)) return;
    }
  }
};

/// Rows that are valid in all of `args`.
Result<Validity> IntersectValidity(std::span<const Value> args, int64_t rows);

/// Whether all arguments are constants; then the result is one as well.
bool AllConstant(std::span<const Value> args);

/// Reads whether a row of a Value is null.
class NullReader {
 public:
  explicit NullReader(const Value& value) : NullReader(*value.array, value.constant) {}
  explicit NullReader(const arrow::Array& array, bool constant = false)
      : bits_(array.null_bitmap_data()),
        offset_(array.offset()),
        step_(constant ? 0 : 1),
        all_null_(array.type_id() == arrow::Type::NA) {}

  bool IsNull(int64_t row) const {
    return all_null_ ||
           (bits_ != nullptr && !arrow::bit_util::GetBit(bits_, offset_ + row * step_));
  }
  bool has_nulls() const { return all_null_ || bits_ != nullptr; }
  bool constant() const { return step_ == 0; }

 protected:
  const uint8_t* bits_;
  int64_t offset_;
  int64_t step_;
  bool all_null_;
};

/// Reads the values of a Value by row. What a null row holds is not defined.
template <typename T>
class Reader : public NullReader {
  static_assert(std::is_arithmetic_v<T>);

 public:
  explicit Reader(const Value& value) : Reader(*value.array, value.constant) {}
  explicit Reader(const arrow::Array& array, bool constant = false)
      : NullReader(array, constant), values_(array.data()->GetValues<T>(1)) {}
  T operator[](int64_t row) const { return values_[row * step_]; }
  const T* values() const { return values_; }

 private:
  const T* values_;
};

template <>
class Reader<bool> : public NullReader {
 public:
  explicit Reader(const Value& value) : Reader(*value.array, value.constant) {}
  explicit Reader(const arrow::Array& array, bool constant = false)
      : NullReader(array, constant), values_(array.data()->GetValues<uint8_t>(1, 0)) {}
  bool operator[](int64_t row) const {
    return arrow::bit_util::GetBit(values_, offset_ + row * step_);
  }

 private:
  const uint8_t* values_;
};

template <>
class Reader<arrow::Decimal128> : public NullReader {
 public:
  explicit Reader(const Value& value) : Reader(*value.array, value.constant) {}
  explicit Reader(const arrow::Array& array, bool constant = false)
      : NullReader(array, constant), values_(array.data()->GetValues<uint8_t>(1, 0)) {}
  arrow::Decimal128 operator[](int64_t row) const {
    return arrow::Decimal128(values_ + 16 * (offset_ + row * step_));
  }

 private:
  const uint8_t* values_;
};

template <>
class Reader<std::string_view> : public NullReader {
 public:
  using View = arrow::BinaryViewType::c_type;

  explicit Reader(const Value& value) : Reader(*value.array, value.constant) {}
  explicit Reader(const arrow::Array& array, bool constant = false)
      : NullReader(array, constant),
        views_(array.data()->GetValues<View>(1)),
        buffers_(array.data()->buffers.data() + 2) {}
  std::string_view operator[](int64_t row) const {
    return arrow::util::FromBinaryView(views_[row * step_], buffers_);
  }
  const View& view(int64_t row) const { return views_[row * step_]; }

 private:
  const View* views_;
  const std::shared_ptr<arrow::Buffer>* buffers_;
};

/// The values of a fixed-width result; each row is set at most once.
template <typename T>
class FixedOutput {
 public:
  Status Allocate(int64_t rows) {
    MILLRACE_ASSIGN_OR_RETURN(buffer_, AllocateBytes(rows * int64_t{sizeof(T)}));
    values_ = reinterpret_cast<T*>(buffer_->mutable_data());
    return Status::OK();
  }
  void Set(int64_t row, T value) { values_[row] = value; }
  /// Sets rows 0 to `rows`, all of them.
  template <typename G>
  void Generate(int64_t rows, G&& g) {
    for (int64_t row = 0; row < rows; ++row) values_[row] = g(row);
  }
  T* values() { return values_; }
  std::shared_ptr<arrow::Buffer> Finish() { return std::move(buffer_); }

 private:
  std::shared_ptr<arrow::Buffer> buffer_;
  T* values_ = nullptr;
};

template <>
class FixedOutput<bool> {
 public:
  Status Allocate(int64_t rows) {
    MILLRACE_ASSIGN_OR_RETURN(
        buffer_, AllocateBytes(arrow::bit_util::BytesForBits(rows), /*zero=*/true));
    bits_ = buffer_->mutable_data();
    return Status::OK();
  }
  void Set(int64_t row, bool value) {
    bits_[row >> 3] |= static_cast<uint8_t>(value ? 1U << (row & 7) : 0U);
  }
  template <typename G>
  void Generate(int64_t rows, G&& g) {
    int64_t row = 0;
    arrow::internal::GenerateBitsUnrolled(bits_, 0, rows, [&] { return bool{g(row++)}; });
  }
  std::shared_ptr<arrow::Buffer> Finish() { return std::move(buffer_); }

 private:
  std::shared_ptr<arrow::Buffer> buffer_;
  uint8_t* bits_ = nullptr;
};

template <>
class FixedOutput<arrow::Decimal128> {
 public:
  Status Allocate(int64_t rows) {
    MILLRACE_ASSIGN_OR_RETURN(buffer_, AllocateBytes(rows * 16));
    values_ = buffer_->mutable_data();
    return Status::OK();
  }
  void Set(int64_t row, const arrow::Decimal128& value) {
    value.ToBytes(values_ + 16 * row);
  }
  template <typename G>
  void Generate(int64_t rows, G&& g) {
    for (int64_t row = 0; row < rows; ++row) Set(row, g(row));
  }
  std::shared_ptr<arrow::Buffer> Finish() { return std::move(buffer_); }

 private:
  std::shared_ptr<arrow::Buffer> buffer_;
  uint8_t* values_ = nullptr;
};

/// Null bits a kernel adds to those of its arguments; allocates at the first null.
class NullOutput {
 public:
  NullOutput(const Validity& validity, int64_t rows) : validity_(validity), rows_(rows) {}
  Status Clear(int64_t row) {
    if (bits_ == nullptr) MILLRACE_RETURN_IF_ERROR(Own());
    arrow::bit_util::ClearBit(bits_->mutable_data(), row);
    return Status::OK();
  }
  std::shared_ptr<arrow::Buffer> Finish() {
    return bits_ != nullptr ? std::move(bits_) : validity_.bits;
  }

 private:
  Status Own();

  const Validity& validity_;
  const int64_t rows_;
  std::shared_ptr<arrow::Buffer> bits_;
};

/// Collects strings or binaries whose bytes it writes into one buffer: append to
/// `bytes()`, then call Commit; or AppendNull. A value of up to 12 bytes costs no space
/// in the buffer.
class ViewBuilder {
 public:
  /// The exact number of rows that will be appended.
  explicit ViewBuilder(int64_t rows) : rows_(rows) {}
  Status Allocate();

  /// What has been appended since the last Commit is the value. Do not shrink below that.
  std::string* bytes() { return &bytes_; }
  void Commit();
  /// Throws away what was appended since the last Commit.
  Status AppendNull();
  void Append(std::string_view value) {
    bytes_.append(value);
    Commit();
  }
  /// `type` is string or binary.
  Result<data::ArrayPtr> Finish(const data::TypePtr& type);

 private:
  const int64_t rows_;
  int64_t row_ = 0;
  size_t begin_ = 0;  // of the value being written
  std::string bytes_;
  std::vector<std::shared_ptr<arrow::Buffer>> full_;  // buffers before bytes_
  std::shared_ptr<arrow::Buffer> views_;
  std::shared_ptr<arrow::Buffer> bits_;  // none: no nulls so far
  int64_t nulls_ = 0;
};

/// The column `array` makes as a result: one value if `constant`.
Value MakeValue(const data::TypePtr& type, int64_t rows, bool constant,
                std::shared_ptr<arrow::Buffer> validity,
                std::shared_ptr<arrow::Buffer> values);
/// A constant null.
Result<Value> NullConstant(const data::TypePtr& type);

namespace internal {

template <typename T>
struct ResultTraits {  // of what a lambda returns
  static constexpr bool kFails = false;
  static constexpr bool kNulls = false;
};
template <typename T>
struct ResultTraits<std::optional<T>> {
  static constexpr bool kFails = false;
  static constexpr bool kNulls = true;
};
template <typename T>
struct ResultTraits<Result<T>> {
  static constexpr bool kFails = true;
  static constexpr bool kNulls = ResultTraits<T>::kNulls;
};

template <typename... Args>
auto MakeReaders(std::span<const Value> args) {
  return [&]<size_t... I>(std::index_sequence<I...>) {
    return std::tuple<Reader<Args>...>(Reader<Args>(args[I])...);
  }
  (std::index_sequence_for<Args...>{});
}

template <typename T>
struct ConstantReader {
  T value;
  T operator[](int64_t) const { return value; }
};
template <typename T>
struct ColumnReader {
  const T* values;
  T operator[](int64_t row) const { return values[row]; }
};

template <typename T>
inline constexpr bool kTight = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// Calls body(at) where at(f, row) is f(args[row]…), by the tightest means there are.
template <typename... Args, typename Body>
auto WithReaders(std::span<const Value> args, Body&& body) {
  const auto readers = MakeReaders<Args...>(args);
  if constexpr (sizeof...(Args) == 1 && (kTight<Args> && ...)) {
    using A = std::tuple_element_t<0, std::tuple<Args...>>;
    const ColumnReader<A> a{std::get<0>(readers).values()};
    return body([a](auto& f, int64_t row) { return f(a[row]); });
  } else if constexpr (sizeof...(Args) == 2 && (kTight<Args> && ...)) {
    using A = std::tuple_element_t<0, std::tuple<Args...>>;
    using B = std::tuple_element_t<1, std::tuple<Args...>>;
    const auto& left = std::get<0>(readers);
    const auto& right = std::get<1>(readers);
    const ColumnReader<A> a{left.values()};
    const ColumnReader<B> b{right.values()};
    if (right.constant() && !left.constant()) {
      const ConstantReader<B> c{right[0]};
      return body([a, c](auto& f, int64_t row) { return f(a[row], c[row]); });
    }
    if (left.constant() && !right.constant()) {
      const ConstantReader<A> c{left[0]};
      return body([c, b](auto& f, int64_t row) { return f(c[row], b[row]); });
    }
    return body([a, b](auto& f, int64_t row) { return f(a[row], b[row]); });
  } else {
    return body([&readers](auto& f, int64_t row) {
      return std::apply([&](const auto&... reader) { return f(reader[row]...); },
                        readers);
    });
  }
}

}  // namespace internal

/// Runs `f` over the rows of `in`, whose first arguments are of types Args; see the top.
template <typename Out, typename... Args, typename F>
Result<Value> MapRows(const KernelInput& in, F&& f) {
  using Returned = std::decay_t<std::invoke_result_t<F&, Args...>>;
  using Traits = internal::ResultTraits<Returned>;
  const auto args = in.args.first(sizeof...(Args));
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(args, rows));
  if (validity.all_null) return NullConstant(in.type);

  FixedOutput<Out> out;
  MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
  NullOutput nulls(validity, rows);
  Status error;
  internal::WithReaders<Args...>(args, [&](const auto& at) {
    if constexpr (!Traits::kFails && !Traits::kNulls) {
      if (validity.bits == nullptr) {
        out.Generate(rows, [&](int64_t row) { return at(f, row); });
        return;
      }
    }
    validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        auto result = at(f, row);
        if constexpr (Traits::kFails) {
          if (!result.ok()) {
            error = result.status();
            return false;
          }
          if constexpr (Traits::kNulls) {
            if (result->has_value()) {
              out.Set(row, **result);
            } else if (error = nulls.Clear(row); !error.ok()) {
              return false;
            }
          } else {
            out.Set(row, *result);
          }
        } else if constexpr (Traits::kNulls) {
          if (result.has_value()) {
            out.Set(row, *result);
          } else if (error = nulls.Clear(row); !error.ok()) {
            return false;
          }
        } else {
          out.Set(row, result);
        }
      }
      return true;
    });
  });
  MILLRACE_RETURN_IF_ERROR(error);
  return MakeValue(in.type, rows, constant, nulls.Finish(), out.Finish());
}

/// As MapRows, for `f(args…, Out*) -> bool` that says whether the value is right. Where
/// it is not, `fail(args…)` gives the Status. The loop has no branch: for arithmetic.
template <typename Out, typename... Args, typename F, typename E>
Result<Value> MapChecked(const KernelInput& in, F&& f, E&& fail) {
  const auto args = in.args.first(sizeof...(Args));
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(args, rows));
  if (validity.all_null) return NullConstant(in.type);

  FixedOutput<Out> out;
  MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
  Status error;
  internal::WithReaders<Args...>(args, [&](const auto& at) {
    validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
      bool good = true;
      for (int64_t row = begin; row < end; ++row) {
        auto step = [&](Args... values) {
          Out value{};
          good &= f(values..., &value);
          out.Set(row, value);
        };
        at(step, row);
      }
      if (good) return true;
      for (int64_t row = begin; row < end && error.ok(); ++row) {
        auto step = [&](Args... values) {
          Out value{};
          if (!f(values..., &value)) error = fail(values...);
        };
        at(step, row);
      }
      return error.ok();
    });
  });
  MILLRACE_RETURN_IF_ERROR(error);
  return MakeValue(in.type, rows, constant, validity.bits, out.Finish());
}

/// As MapRows, for `f(args…, std::string* out)` that appends a string's or binary's
/// bytes. It returns void, or bool (false gives null), Status or Result<bool>.
template <typename... Args, typename F>
Result<Value> MapText(const KernelInput& in, F&& f) {
  using Returned = std::decay_t<std::invoke_result_t<F&, Args..., std::string*>>;
  const auto args = in.args.first(sizeof...(Args));
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(args, rows));
  if (validity.all_null) return NullConstant(in.type);

  ViewBuilder out(rows);
  MILLRACE_RETURN_IF_ERROR(out.Allocate());
  Status error;
  internal::WithReaders<Args...>(args, [&](const auto& at) {
    auto call = [&](const Args&... values) { return f(values..., out.bytes()); };
    for (int64_t row = 0; row < rows; ++row) {
      bool valid =
          validity.bits == nullptr || arrow::bit_util::GetBit(validity.bits->data(), row);
      if (valid) {
        if constexpr (std::is_void_v<Returned>) {
          at(call, row);
        } else if constexpr (std::is_same_v<Returned, bool>) {
          valid = at(call, row);
        } else if constexpr (std::is_same_v<Returned, Status>) {
          error = at(call, row);
        } else {
          Result<bool> result = at(call, row);
          error = result.status();
          valid = result.ok() && *result;
        }
      }
      if (!error.ok()) return;
      if (valid) {
        out.Commit();
      } else if (error = out.AppendNull(); !error.ok()) {
        return;
      }
    }
  });
  MILLRACE_RETURN_IF_ERROR(error);
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), constant};
}

/// As MapRows, for `f(std::string_view first, rest…)` that gives a part of `first`, as
/// std::string_view or std::optional of it. Copies no bytes: the result shares the
/// buffers of the first argument.
template <typename... Rest, typename F>
Result<Value> MapSlices(const KernelInput& in, F&& f) {
  using View = arrow::BinaryViewType::c_type;
  using Returned = std::decay_t<std::invoke_result_t<F&, std::string_view, Rest...>>;
  const auto args = in.args.first(1 + sizeof...(Rest));
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(args, rows));
  if (validity.all_null) return NullConstant(in.type);

  MILLRACE_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                            AllocateBytes(rows * int64_t{sizeof(View)}, /*zero=*/true));
  View* const views = reinterpret_cast<View*>(buffer->mutable_data());
  NullOutput nulls(validity, rows);
  const Reader<std::string_view> first(in.args[0]);
  const auto rest = internal::MakeReaders<Rest...>(in.args.subspan(1));
  Status error;
  validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const std::string_view text = first[row];
      Returned result = std::apply(
          [&](const auto&... reader) { return f(text, reader[row]...); }, rest);
      std::string_view part;
      if constexpr (internal::ResultTraits<Returned>::kNulls) {
        if (!result.has_value()) {
          if (error = nulls.Clear(row); !error.ok()) return false;
          continue;
        }
        part = *result;
      } else {
        part = result;
      }
      if (part.empty()) {
        views[row] = View{};  // `part` may point nowhere
      } else if (part.size() <= arrow::BinaryViewType::kInlineSize) {
        views[row] = arrow::util::ToInlineBinaryView(part);
      } else {
        const View& source = first.view(row);
        views[row] = arrow::util::ToNonInlineBinaryView(
            part.data(), static_cast<int32_t>(part.size()), source.ref.buffer_index,
            source.ref.offset + static_cast<int32_t>(part.data() - text.data()));
      }
    }
    return true;
  });
  MILLRACE_RETURN_IF_ERROR(error);
  std::vector<std::shared_ptr<arrow::Buffer>> buffers = in.args[0].array->data()->buffers;
  buffers[0] = nulls.Finish();
  buffers[1] = std::move(buffer);
  return Value{
      arrow::MakeArray(arrow::ArrayData::Make(in.type, rows, std::move(buffers))),
      constant};
}

template <typename In, typename Out, typename F>
Kernel UnaryKernel(F f) {
  return [f = std::move(f)](const KernelInput& in) { return MapRows<Out, In>(in, f); };
}

template <typename A, typename B, typename Out, typename F>
Kernel BinaryKernel(F f) {
  return [f = std::move(f)](const KernelInput& in) { return MapRows<Out, A, B>(in, f); };
}

template <typename A, typename B, typename C, typename Out, typename F>
Kernel TernaryKernel(F f) {
  return
      [f = std::move(f)](const KernelInput& in) { return MapRows<Out, A, B, C>(in, f); };
}

/// CheckedKernel<Out, Args…>(f, fail): see MapChecked.
template <typename Out, typename... Args, typename F, typename E>
Kernel CheckedKernel(F f, E fail) {
  return [f = std::move(f), fail = std::move(fail)](const KernelInput& in) {
    return MapChecked<Out, Args...>(in, f, fail);
  };
}

/// TextKernel<Args…>(f): see MapText.
template <typename... Args, typename F>
Kernel TextKernel(F f) {
  return [f = std::move(f)](const KernelInput& in) { return MapText<Args...>(in, f); };
}

/// SliceKernel<Rest…>(f): see MapSlices.
template <typename... Rest, typename F>
Kernel SliceKernel(F f) {
  return [f = std::move(f)](const KernelInput& in) { return MapSlices<Rest...>(in, f); };
}

/// Calls f(std::type_identity<T>) with the physical type of a fixed-width engine type
/// that is a number in C++: integers, float, double, date, timestamps, intervals. False
/// for others.
template <typename F>
bool VisitNumber(const arrow::DataType& type, F&& f) {
  switch (type.id()) {
    case arrow::Type::INT8:
      f(std::type_identity<int8_t>());
      return true;
    case arrow::Type::INT16:
      f(std::type_identity<int16_t>());
      return true;
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::INTERVAL_MONTHS:
      f(std::type_identity<int32_t>());
      return true;
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      f(std::type_identity<int64_t>());
      return true;
    case arrow::Type::FLOAT:
      f(std::type_identity<float>());
      return true;
    case arrow::Type::DOUBLE:
      f(std::type_identity<double>());
      return true;
    default:
      return false;
  }
}

}  // namespace millrace::expr
