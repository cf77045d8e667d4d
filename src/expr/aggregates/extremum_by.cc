// max_by and min_by: the value that goes with the greatest or least ordering. Of equal
// orderings the last one wins, as in Spark's MaxBy and MinBy.
#include <cmath>
#include <optional>

#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/aggregates/value_codec.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

enum class Which { kMin, kMax };

struct State {
  std::string ordering;  // empty: no row with an ordering so far
  std::string value;
};

template <Which kWhich>
class ExtremumBy final : public SlotAccumulators<State> {
 public:
  ExtremumBy(data::TypePtr value, data::TypePtr ordering)
      : value_(std::move(value)), ordering_(std::move(ordering)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    VisitValidRuns(args[1], rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        scratch_.clear();
        ordering_.Append(*args[1].array, args[1].index(row), &scratch_);
        State& state = states_[slots[row]];
        if (!state.ordering.empty()) {
          const int order = ordering_.Compare(scratch_, state.ordering);
          if (kWhich == Which::kMax ? order < 0 : order > 0) continue;
        }
        state.ordering.assign(scratch_);
        state.value.clear();
        value_.Append(*args[0].array, args[0].index(row), &state.value);
      }
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    std::vector<std::string_view> values;
    values.reserve(slots.size());
    for (const uint32_t slot : slots) values.push_back(states_[slot].value);
    return value_.Decode(values);
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const State& other = states_[from];
    State& state = states_[into];
    if (other.ordering.empty()) return Status::OK();
    if (!state.ordering.empty()) {
      const int order = ordering_.Compare(other.ordering, state.ordering);
      if (kWhich == Which::kMax ? order < 0 : order > 0) return Status::OK();
    }
    state = other;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(!states_[slot].ordering.empty(), out);
    out->append(states_[slot].ordering);
    out->append(states_[slot].value);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    bool seen = false;
    bool complete = GetPlain(in, &seen);
    State& state = states_[slot];
    state = State();
    if (complete && seen) {
      complete = Read(ordering_, in, &state.ordering) && Read(value_, in, &state.value);
    }
    return StateRead(complete, "max_by or min_by");
  }

 private:
  static bool Read(const ValueCodec& codec, std::string_view* in, std::string* out) {
    const std::string_view before = *in;
    const bool complete = codec.Skip(in);
    out->assign(before.substr(0, before.size() - in->size()));
    return complete;
  }

  const ValueCodec value_;
  const ValueCodec ordering_;
  std::string scratch_;
};

template <Which kWhich>
Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  constexpr std::string_view kName = kWhich == Which::kMax ? "max_by" : "min_by";
  const data::TypePtr& value = args[0]->type();
  const data::TypePtr& ordering = args[1]->type();
  if (!IsOrderable(*ordering)) return NotOrderable(kName, args, *ordering);
  return BoundAggregate{.args = {args[0], args[1]},
                        .type = value,
                        .state_type = StateOf({{"valueWithExtremumOrdering", value},
                                               {"extremumOrdering", ordering}}),
                        .make = [value, ordering] {
                          return std::make_unique<ExtremumBy<kWhich>>(value, ordering);
                        }};
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "max_by",
     .min_args = 2,
     .max_args = 2,
     .bind = Bind<Which::kMax>,
     .doc = "The value of the row whose second argument is the greatest.",
     .example = "max_by((10, 1), (50, 3), (20, 2)) → 50"},
    {.name = "min_by",
     .min_args = 2,
     .max_args = 2,
     .bind = Bind<Which::kMin>,
     .doc = "The value of the row whose second argument is the least.",
     .example = "min_by((10, 1), (50, 3), (20, 2)) → 10"},
};

}  // namespace

std::span<const AggregateSpec> ExtremumByAggregates() { return kAggregates; }

}  // namespace millrace::expr
