// count and count_if.
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"

namespace millrace::expr {
namespace {

// Counts the rows that are null in no argument.
class Count final : public SlotAccumulators<int64_t> {
 public:
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    MILLRACE_ASSIGN_OR_RETURN(const Validity validity, IntersectValidity(args, rows));
    if (rows > 0 && SameSlot(slots, rows)) {
      int64_t& count = states_[slots[0]];
      validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
        count += end - begin;
        return true;
      });
      return Status::OK();
    }
    validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) ++states_[slots[row]];
      return true;
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<int64_t>(data::LongType(), slots,
                                 [&](uint32_t slot, int64_t* out) {
                                   *out = states_[slot];
                                   return true;
                                 });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    states_[into] += states_[from];
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot], out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(GetPlain(in, &states_[slot]), "count");
  }
};

class CountIf final : public SlotAccumulators<int64_t> {
 public:
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<bool>(args[0], slots, rows, states_.data(),
                     [](int64_t& count, bool value) { count += value ? 1 : 0; });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<int64_t>(data::LongType(), slots,
                                 [&](uint32_t slot, int64_t* out) {
                                   *out = states_[slot];
                                   return true;
                                 });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    states_[into] += states_[from];
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot], out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(GetPlain(in, &states_[slot]), "count_if");
  }
};

BoundAggregate CountOf(std::vector<ExprPtr> args) {
  return {.args = std::move(args),
          .type = data::LongType(),
          .nullable = false,
          .state_type = StateOf({{"count", data::LongType()}})};
}

Result<BoundAggregate> BindCount(std::span<const ExprPtr> args, const BindContext&) {
  BoundAggregate bound = CountOf({args.begin(), args.end()});
  bound.make = [] { return std::make_unique<Count>(); };
  return bound;
}

Result<BoundAggregate> BindCountIf(std::span<const ExprPtr> args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr condition,
                            CastArgument("count_if", args, 0, data::BooleanType()));
  BoundAggregate bound = CountOf({std::move(condition)});
  bound.make = [] { return std::make_unique<CountIf>(); };
  return bound;
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "count",
     .min_args = 1,
     .max_args = -1,
     .bind = BindCount,
     .doc = "The number of rows in which no argument is null; count(*) counts all.",
     .example = "count(1, NULL, 3) → 2"},
    {.name = "count_if",
     .min_args = 1,
     .max_args = 1,
     .bind = BindCountIf,
     .doc = "The number of rows for which the condition is true.",
     .example = "count_if(true, false, NULL, true) → 2"},
};

}  // namespace

std::span<const AggregateSpec> CountAggregates() { return kAggregates; }

}  // namespace millrace::expr
