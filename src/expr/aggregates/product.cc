// product: of doubles, row by row.
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"

namespace millrace::expr {
namespace {

struct State {
  double product = 1;
  bool seen = false;
};

class Product final : public SlotAccumulators<State> {
 public:
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<double>(args[0], slots, rows, states_.data(),
                       [](State& state, double value) {
                         state.product *= value;
                         state.seen = true;
                       });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<double>(data::DoubleType(), slots,
                                [&](uint32_t slot, double* out) {
                                  *out = states_[slot].product;
                                  return states_[slot].seen;
                                });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    states_[into].product *= states_[from].product;
    states_[into].seen = states_[into].seen || states_[from].seen;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].product, out);
    PutPlain(states_[slot].seen, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    State& state = states_[slot];
    return StateRead(GetPlain(in, &state.product) && GetPlain(in, &state.seen),
                     "product");
  }
};

Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr number,
                            CastArgument("product", args, 0, data::DoubleType()));
  return BoundAggregate{.args = {std::move(number)},
                        .type = data::DoubleType(),
                        .state_type = StateOf({{"product", data::DoubleType()}}),
                        .make = [] { return std::make_unique<Product>(); }};
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "product",
     .min_args = 1,
     .max_args = 1,
     .bind = Bind,
     .doc = "All numbers multiplied, as double.",
     .example = "product(2, 3, NULL) → 6.0"},
};

}  // namespace

std::span<const AggregateSpec> ProductAggregates() { return kAggregates; }

}  // namespace millrace::expr
