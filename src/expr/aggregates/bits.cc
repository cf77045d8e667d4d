// bit_and, bit_or and bit_xor.
#include <functional>

#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"

namespace millrace::expr {
namespace {

template <typename T>
struct State {
  T bits{};
  bool seen = false;
};

template <typename T, typename Operation>
class Bits final : public SlotAccumulators<State<T>> {
  using SlotAccumulators<State<T>>::states_;

 public:
  explicit Bits(data::TypePtr type) : type_(std::move(type)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<T>(args[0], slots, rows, states_.data(), [](State<T>& state, T value) {
      state.bits = state.seen ? static_cast<T>(Operation()(state.bits, value)) : value;
      state.seen = true;
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<T>(type_, slots, [&](uint32_t slot, T* out) {
      *out = states_[slot].bits;
      return states_[slot].seen;
    });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const State<T>& other = states_[from];
    if (!other.seen) return Status::OK();
    State<T>& state = states_[into];
    state.bits =
        state.seen ? static_cast<T>(Operation()(state.bits, other.bits)) : other.bits;
    state.seen = true;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].seen, out);
    PutPlain(states_[slot].bits, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(
        GetPlain(in, &states_[slot].seen) && GetPlain(in, &states_[slot].bits),
        "bit_and, bit_or or bit_xor");
  }

 private:
  const data::TypePtr type_;
};

constexpr char kAnd[] = "bit_and";
constexpr char kOr[] = "bit_or";
constexpr char kXor[] = "bit_xor";

template <const char* kName, typename Operation>
Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  const data::TypePtr& type = args[0]->type();
  if (!data::IsInteger(*type)) {
    return UnexpectedInputType(kName, args, 0, "\"INTEGRAL\"");
  }
  BoundAggregate bound{
      .args = {args[0]}, .type = type, .state_type = StateOf({{kName, type}})};
  VisitNumber(*type, [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) {
      bound.make = [type] { return std::make_unique<Bits<T, Operation>>(type); };
    }
  });
  return bound;
}

constexpr AggregateSpec kAggregates[] = {
    {.name = kAnd,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<kAnd, std::bit_and<>>,
     .doc = "The bitwise and of the values.",
     .example = "bit_and(3, 5, NULL) → 1"},
    {.name = kOr,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<kOr, std::bit_or<>>,
     .doc = "The bitwise or of the values.",
     .example = "bit_or(3, 5, NULL) → 7"},
    {.name = kXor,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<kXor, std::bit_xor<>>,
     .doc = "The bitwise exclusive or of the values.",
     .example = "bit_xor(3, 5, NULL) → 6"},
};

}  // namespace

std::span<const AggregateSpec> BitAggregates() { return kAggregates; }

}  // namespace millrace::expr
