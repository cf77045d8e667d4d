// What most accumulators are made of: one small struct per slot, a loop that folds a
// column into those structs, and the bytes of plain values in a serialized state.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <arrow/util/bit_run_reader.h>

#include "expr/aggregate.h"
#include "expr/kernel.h"

namespace millrace::expr {

/// Accumulators whose slots are values of `State`; State() is the empty one.
template <typename State>
class SlotAccumulators : public Accumulators {
 public:
  void Resize(uint32_t count) final {
    if (count > states_.size()) states_.resize(count);
  }
  void Reset(std::span<const uint32_t> slots) final {
    for (const uint32_t slot : slots) states_[slot] = State();
  }

 protected:
  std::vector<State> states_;
};

/// Whether all rows go to one slot: then a fold may keep that slot's state in registers.
inline bool SameSlot(std::span<const uint32_t> slots, int64_t rows) {
  if (rows == 0) return false;
  const uint32_t first = slots[0];
  for (int64_t row = 1; row < rows; ++row) {
    if (slots[row] != first) return false;
  }
  return true;
}

/// Calls visit(begin, end) for each run of rows in which `column` is not null.
template <typename F>
void VisitValidRuns(const Value& column, int64_t rows, F&& visit) {
  const NullReader nulls(column);
  if (column.constant) {
    if (rows > 0 && !nulls.IsNull(0)) visit(int64_t{0}, rows);
    return;
  }
  const arrow::Array& array = *column.array;
  if (array.type_id() == arrow::Type::NA) return;
  if (array.null_count() == 0) {
    visit(int64_t{0}, rows);
    return;
  }
  arrow::internal::SetBitRunReader runs(array.null_bitmap_data(), array.offset(), rows);
  for (auto run = runs.NextRun(); run.length > 0; run = runs.NextRun()) {
    visit(run.position, run.position + run.length);
  }
}

/// fold(State&, T) for each row whose value is not null, in the order of rows.
template <typename T, typename State, typename F>
void FoldColumn(const Value& column, std::span<const uint32_t> slots, int64_t rows,
                State* states, F&& fold) {
  const auto fold_all = [&](const auto& value_at) {
    if constexpr (std::is_trivially_copyable_v<State>) {
      if (SameSlot(slots, rows)) {
        State state = states[slots[0]];
        VisitValidRuns(column, rows, [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; ++row) fold(state, value_at(row));
        });
        states[slots[0]] = state;
        return;
      }
    }
    VisitValidRuns(column, rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        fold(states[slots[row]], value_at(row));
      }
    });
  };

  if (column.array->type_id() == arrow::Type::NA) return;
  const Reader<T> reader(column);
  if (column.constant) {
    if (rows == 0 || reader.IsNull(0)) return;
    const T value = reader[0];
    fold_all([value](int64_t) { return value; });
    return;
  }
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
    const T* const values = reader.values();
    fold_all([values](int64_t row) { return values[row]; });
  } else {
    fold_all([&reader](int64_t row) { return reader[row]; });
  }
}

/// A column with one value per slot: get(slot, T*) says whether it is not null.
template <typename T, typename F>
Result<data::ArrayPtr> FinishColumn(const data::TypePtr& type,
                                    std::span<const uint32_t> slots, F&& get) {
  const int64_t rows = static_cast<int64_t>(slots.size());
  FixedOutput<T> out;
  MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
  const Validity no_nulls;
  NullOutput nulls(no_nulls, rows);
  for (int64_t row = 0; row < rows; ++row) {
    T value{};
    if (!get(slots[row], &value)) {
      value = T{};
      MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
    }
    out.Set(row, value);
  }
  return MakeValue(type, rows, /*constant=*/false, nulls.Finish(), out.Finish()).array;
}

/// Appends a plain value, little-endian.
template <typename T>
void PutPlain(T value, std::string* out) {
  static_assert(std::is_trivially_copyable_v<T> &&
                std::endian::native == std::endian::little);
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// Reads what PutPlain wrote and advances `*in`; false where the bytes are too few.
template <typename T>
bool GetPlain(std::string_view* in, T* value) {
  if (in->size() < sizeof(T)) return false;
  std::memcpy(value, in->data(), sizeof(T));
  in->remove_prefix(sizeof(T));
  return true;
}
inline bool GetPlain(std::string_view* in, bool* value) {
  if (in->empty() || (in->front() != 0 && in->front() != 1)) return false;
  *value = in->front() == 1;
  in->remove_prefix(1);
  return true;
}

/// A u32 length and the bytes.
void PutBytes(std::string_view bytes, std::string* out);
bool GetBytes(std::string_view* in, std::string_view* bytes);

/// The Status of Deserialize: OK if `complete`.
Status StateRead(bool complete, std::string_view aggregate);

}  // namespace millrace::expr
