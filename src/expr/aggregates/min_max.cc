// min and max over every type that Spark can order; max of doubles prefers NaN, equal
// values keep the first. Spark: Min, Max (Least, Greatest).
#include <cmath>

#include <arrow/util/decimal.h>

#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/aggregates/value_codec.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

enum class Which { kMin, kMax };

template <Which kWhich, typename T>
bool Replaces(const T& value, const T& current) {
  if constexpr (std::is_floating_point_v<T>) {
    if constexpr (kWhich == Which::kMax) {
      return value > current || (std::isnan(value) && !std::isnan(current));
    } else {
      return value < current || (std::isnan(current) && !std::isnan(value));
    }
  } else if constexpr (kWhich == Which::kMax) {
    return current < value;
  } else {
    return value < current;
  }
}

template <typename T>
struct FixedState {
  T value{};
  bool seen = false;
};

template <Which kWhich, typename T>
class FixedExtremum final : public SlotAccumulators<FixedState<T>> {
  using State = FixedState<T>;
  using SlotAccumulators<State>::states_;

 public:
  explicit FixedExtremum(data::TypePtr type) : type_(std::move(type)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<T>(args[0], slots, rows, states_.data(), [](State& state, const T& value) {
      if (!state.seen || Replaces<kWhich>(value, state.value)) state = {value, true};
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<T>(type_, slots, [&](uint32_t slot, T* out) {
      *out = states_[slot].value;
      return states_[slot].seen;
    });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const State& other = states_[from];
    State& state = states_[into];
    if (other.seen && (!state.seen || Replaces<kWhich>(other.value, state.value)))
      state = other;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].seen, out);
    PutPlain(states_[slot].value, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(
        GetPlain(in, &states_[slot].seen) && GetPlain(in, &states_[slot].value),
        "min or max");
  }

 private:
  const data::TypePtr type_;
};

struct TextState {
  std::string value;
  bool seen = false;
};

// Strings and binaries; a slot's string keeps its space from one value to the next.
template <Which kWhich>
class TextExtremum final : public SlotAccumulators<TextState> {
 public:
  explicit TextExtremum(data::TypePtr type) : type_(std::move(type)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<std::string_view>(
        args[0], slots, rows, states_.data(),
        [](TextState& state, std::string_view value) {
          if (state.seen && !Replaces<kWhich>(value, std::string_view(state.value)))
            return;
          state.value.assign(value);
          state.seen = true;
        });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    ViewBuilder out(static_cast<int64_t>(slots.size()));
    MILLRACE_RETURN_IF_ERROR(out.Allocate());
    for (const uint32_t slot : slots) {
      if (states_[slot].seen) {
        out.Append(states_[slot].value);
      } else {
        MILLRACE_RETURN_IF_ERROR(out.AppendNull());
      }
    }
    return out.Finish(type_);
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const TextState& other = states_[from];
    TextState& state = states_[into];
    if (other.seen && (!state.seen || Replaces<kWhich>(std::string_view(other.value),
                                                       std::string_view(state.value)))) {
      state = other;
    }
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].seen, out);
    PutBytes(states_[slot].value, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    std::string_view bytes;
    const bool complete = GetPlain(in, &states_[slot].seen) && GetBytes(in, &bytes);
    states_[slot].value.assign(bytes);
    return StateRead(complete, "min or max");
  }

 private:
  const data::TypePtr type_;
};

// Structs and arrays; an empty string is an empty slot.
template <Which kWhich>
class CodedExtremum final : public SlotAccumulators<std::string> {
 public:
  explicit CodedExtremum(data::TypePtr type) : codec_(std::move(type)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    VisitValidRuns(args[0], rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        scratch_.clear();
        codec_.Append(*args[0].array, args[0].index(row), &scratch_);
        std::string& current = states_[slots[row]];
        if (!current.empty()) {
          const int order = codec_.Compare(scratch_, current);
          if (kWhich == Which::kMax ? order <= 0 : order >= 0) continue;
        }
        current.assign(scratch_);
      }
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    std::vector<std::string_view> values;
    values.reserve(slots.size());
    for (const uint32_t slot : slots) values.push_back(states_[slot]);
    return codec_.Decode(values);
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const std::string& other = states_[from];
    std::string& state = states_[into];
    if (other.empty()) return Status::OK();
    const int order = state.empty() ? 0 : codec_.Compare(other, state);
    if (state.empty() || (kWhich == Which::kMax ? order > 0 : order < 0)) state = other;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(!states_[slot].empty(), out);
    out->append(states_[slot]);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    bool seen = false;
    bool complete = GetPlain(in, &seen);
    const std::string_view before = *in;
    if (complete && seen) complete = codec_.Skip(in);
    states_[slot].assign(before.substr(0, before.size() - in->size()));
    return StateRead(complete, "min or max");
  }

 private:
  const ValueCodec codec_;
  std::string scratch_;
};

template <Which kWhich>
std::unique_ptr<Accumulators> MakeExtremum(const data::TypePtr& type) {
  std::unique_ptr<Accumulators> made;
  const bool number = VisitNumber(*type, [&]<typename T>(std::type_identity<T>) {
    made = std::make_unique<FixedExtremum<kWhich, T>>(type);
  });
  if (number) return made;
  switch (type->id()) {
    case arrow::Type::BOOL:
      return std::make_unique<FixedExtremum<kWhich, bool>>(type);
    case arrow::Type::DECIMAL128:
      return std::make_unique<FixedExtremum<kWhich, arrow::Decimal128>>(type);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return std::make_unique<TextExtremum<kWhich>>(type);
    default:
      return std::make_unique<CodedExtremum<kWhich>>(type);
  }
}

template <Which kWhich>
Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  constexpr std::string_view kName = kWhich == Which::kMax ? "max" : "min";
  const data::TypePtr& type = args[0]->type();
  if (!IsOrderable(*type)) return NotOrderable(kName, args, *type);
  return BoundAggregate{.args = {args[0]},
                        .type = type,
                        .state_type = StateOf({{kName, type}}),
                        .make = [type] { return MakeExtremum<kWhich>(type); }};
}

// bool_and is min, bool_or is max, of booleans.
template <Which kWhich>
Result<BoundAggregate> BindBoolean(std::string_view name, std::span<const ExprPtr> args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg,
                            CastArgument(name, args, 0, data::BooleanType()));
  return BoundAggregate{
      .args = {std::move(arg)},
      .type = data::BooleanType(),
      .state_type =
          StateOf({{kWhich == Which::kMax ? "max" : "min", data::BooleanType()}}),
      .make = [] {
        return std::make_unique<FixedExtremum<kWhich, bool>>(data::BooleanType());
      }};
}

Result<BoundAggregate> BindBoolAnd(std::span<const ExprPtr> args, const BindContext&) {
  return BindBoolean<Which::kMin>("bool_and", args);
}
Result<BoundAggregate> BindEvery(std::span<const ExprPtr> args, const BindContext&) {
  return BindBoolean<Which::kMin>("every", args);
}
Result<BoundAggregate> BindBoolOr(std::span<const ExprPtr> args, const BindContext&) {
  return BindBoolean<Which::kMax>("bool_or", args);
}
Result<BoundAggregate> BindAny(std::span<const ExprPtr> args, const BindContext&) {
  return BindBoolean<Which::kMax>("any", args);
}
Result<BoundAggregate> BindSome(std::span<const ExprPtr> args, const BindContext&) {
  return BindBoolean<Which::kMax>("some", args);
}

constexpr AggregateSpec kExtremes[] = {
    {.name = "max",
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kMax>,
     .doc = "The greatest value; NaN is greater than any other number.",
     .example = "max(10, 50, NULL) → 50"},
    {.name = "min",
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kMin>,
     .doc = "The least value.",
     .example = "min(10, 50, NULL) → 10"},
};

constexpr AggregateSpec kBooleans[] = {
    {.name = "any",
     .min_args = 1,
     .max_args = 1,
     .bind = BindAny,
     .doc = "Whether at least one value is true.",
     .example = "any(false, true, NULL) → true"},
    {.name = "bool_and",
     .min_args = 1,
     .max_args = 1,
     .bind = BindBoolAnd,
     .doc = "Whether all values are true.",
     .example = "bool_and(false, true, NULL) → false"},
    {.name = "bool_or",
     .min_args = 1,
     .max_args = 1,
     .bind = BindBoolOr,
     .doc = "Whether at least one value is true.",
     .example = "bool_or(false, true, NULL) → true"},
    {.name = "every",
     .min_args = 1,
     .max_args = 1,
     .bind = BindEvery,
     .doc = "Whether all values are true.",
     .example = "every(true, NULL) → true"},
    {.name = "some",
     .min_args = 1,
     .max_args = 1,
     .bind = BindSome,
     .doc = "Whether at least one value is true.",
     .example = "some(false, NULL) → false"},
};

}  // namespace

std::span<const AggregateSpec> MinMaxAggregates() { return kExtremes; }
std::span<const AggregateSpec> BooleanAggregates() { return kBooleans; }

}  // namespace millrace::expr
