// first, last and any_value. Spark: First, Last.
#include "base/error.h"
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/aggregates/value_codec.h"

namespace millrace::expr {
namespace {

enum class Which { kFirst, kLast };

template <typename T>
struct FixedState {
  T value{};
  bool seen = false;  // a row that counts
  bool null = false;  // … and it was null
};

template <Which kWhich, typename T>
class FixedPick final : public SlotAccumulators<FixedState<T>> {
  using State = FixedState<T>;
  using SlotAccumulators<State>::states_;

 public:
  FixedPick(data::TypePtr type, bool ignore_nulls)
      : type_(std::move(type)), ignore_nulls_(ignore_nulls) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    const Reader<T> reader(args[0]);
    for (int64_t row = 0; row < rows; ++row) {
      State& state = states_[slots[row]];
      if (kWhich == Which::kFirst && state.seen) continue;
      const bool null = reader.IsNull(row);
      if (null && ignore_nulls_) continue;
      state = {null ? T{} : reader[row], true, null};
    }
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<T>(type_, slots, [&](uint32_t slot, T* out) {
      *out = states_[slot].value;
      return states_[slot].seen && !states_[slot].null;
    });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    if (!states_[from].seen || (kWhich == Which::kFirst && states_[into].seen)) {
      return Status::OK();
    }
    states_[into] = states_[from];
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].seen, out);
    PutPlain(states_[slot].null, out);
    PutPlain(states_[slot].value, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    State& state = states_[slot];
    return StateRead(GetPlain(in, &state.seen) && GetPlain(in, &state.null) &&
                         GetPlain(in, &state.value),
                     "first or last");
  }

 private:
  const data::TypePtr type_;
  const bool ignore_nulls_;
};

// Any other type; an empty string is a slot without a row.
template <Which kWhich>
class CodedPick final : public SlotAccumulators<std::string> {
 public:
  CodedPick(data::TypePtr type, bool ignore_nulls)
      : codec_(std::move(type)), ignore_nulls_(ignore_nulls) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    const NullReader nulls(args[0]);
    for (int64_t row = 0; row < rows; ++row) {
      std::string& state = states_[slots[row]];
      if (kWhich == Which::kFirst && !state.empty()) continue;
      if (ignore_nulls_ && nulls.IsNull(row)) continue;
      state.clear();
      codec_.Append(*args[0].array, args[0].index(row), &state);
    }
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    std::vector<std::string_view> values;
    values.reserve(slots.size());
    for (const uint32_t slot : slots) values.push_back(states_[slot]);
    return codec_.Decode(values);
  }

  Status Merge(uint32_t from, uint32_t into) override {
    if (states_[from].empty() || (kWhich == Which::kFirst && !states_[into].empty())) {
      return Status::OK();
    }
    states_[into] = states_[from];
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
    return StateRead(complete, "first or last");
  }

 private:
  const ValueCodec codec_;
  const bool ignore_nulls_;
};

template <Which kWhich>
std::unique_ptr<Accumulators> MakePick(const data::TypePtr& type, bool ignore_nulls) {
  std::unique_ptr<Accumulators> made;
  VisitNumber(*type, [&]<typename T>(std::type_identity<T>) {
    made = std::make_unique<FixedPick<kWhich, T>>(type, ignore_nulls);
  });
  if (made != nullptr) return made;
  return std::make_unique<CodedPick<kWhich>>(type, ignore_nulls);
}

template <Which kWhich>
Result<BoundAggregate> Bind(std::string_view name, std::span<const ExprPtr> args) {
  bool ignore_nulls = false;
  if (args.size() > 1) {
    const auto literal = BooleanLiteral(args[1]);
    if (!literal.has_value()) {
      return AnalysisError("_LEGACY_ERROR_TEMP_1103", "",
                           "The second argument in {} should be a boolean literal.",
                           name);
    }
    ignore_nulls = *literal;
  }
  const data::TypePtr& type = args[0]->type();
  return BoundAggregate{
      .args = {args[0]},
      .type = type,
      .state_type = StateOf({{kWhich == Which::kFirst ? "first" : "last", type},
                             {"valueSet", data::BooleanType()}}),
      .make = [type, ignore_nulls] { return MakePick<kWhich>(type, ignore_nulls); }};
}

Result<BoundAggregate> BindFirst(std::span<const ExprPtr> args, const BindContext&) {
  return Bind<Which::kFirst>("first", args);
}
Result<BoundAggregate> BindFirstValue(std::span<const ExprPtr> args, const BindContext&) {
  return Bind<Which::kFirst>("first_value", args);
}
Result<BoundAggregate> BindAnyValue(std::span<const ExprPtr> args, const BindContext&) {
  return Bind<Which::kFirst>("any_value", args);
}
Result<BoundAggregate> BindLast(std::span<const ExprPtr> args, const BindContext&) {
  return Bind<Which::kLast>("last", args);
}
Result<BoundAggregate> BindLastValue(std::span<const ExprPtr> args, const BindContext&) {
  return Bind<Which::kLast>("last_value", args);
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "any_value",
     .min_args = 1,
     .max_args = 2,
     .bind = BindAnyValue,
     .doc = "The first value; with true as second argument, the first that is not null.",
     .example = "any_value(10, 5, 20) → 10"},
    {.name = "first",
     .min_args = 1,
     .max_args = 2,
     .bind = BindFirst,
     .doc = "The first value; with true as second argument, the first that is not null.",
     .example = "first(10, 5, 20) → 10"},
    {.name = "first_value",
     .min_args = 1,
     .max_args = 2,
     .bind = BindFirstValue,
     .doc = "The same as first.",
     .example = "first_value(NULL, 5, 20) → NULL"},
    {.name = "last",
     .min_args = 1,
     .max_args = 2,
     .bind = BindLast,
     .doc = "The last value; with true as second argument, the last that is not null.",
     .example = "last(10, 5, 20) → 20"},
    {.name = "last_value",
     .min_args = 1,
     .max_args = 2,
     .bind = BindLastValue,
     .doc = "The same as last.",
     .example = "last_value(10, 5, NULL) → NULL"},
};

}  // namespace

std::span<const AggregateSpec> FirstLastAggregates() { return kAggregates; }

}  // namespace millrace::expr
