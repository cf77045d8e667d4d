// sum and try_sum. Spark: Sum, and CheckOverflowInSum for decimals.
#include <arrow/util/decimal.h>

#include "base/error.h"
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/decimals.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"

namespace millrace::expr {
namespace {

template <typename Total>
struct SumState {
  Total total{};
  bool seen = false;        // a value that is not null
  bool overflowed = false;  // only try_sum goes on after that
};

enum class OnOverflow { kFail, kNull };

Status SumOverflow() {
  return Error(Fault::kData,
               "overflow. Use 'try_add' to tolerate overflow and return NULL instead. If "
               "necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this "
               "error.")
      .Class("ARITHMETIC_OVERFLOW", "22003")
      .Java(kArithmeticException)
      .Param("message", "overflow")
      .Param("alternative",
             " Use 'try_add' to tolerate overflow and return NULL instead.")
      .Param("config", "\"spark.sql.ansi.enabled\"");
}

Status IntervalOverflow() {
  return Error(
             Fault::kData,
             "Integer overflow while operating with intervals. Use `try_add` to tolerate "
             "overflow and return NULL instead.")
      .Class("INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION", "22015")
      .Java(kArithmeticException)
      .Param("functionName", "`try_add`");
}

// Sums values of type In in a Total: double, int64_t, or int32_t for months.
template <typename In, typename Total>
class Sum final : public SlotAccumulators<SumState<Total>> {
  using State = SumState<Total>;
  using SlotAccumulators<State>::states_;

 public:
  Sum(data::TypePtr type, OnOverflow on_overflow)
      : type_(std::move(type)), on_overflow_(on_overflow) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    bool overflowed = false;
    FoldColumn<In>(args[0], slots, rows, states_.data(), [&](State& state, In value) {
      state.seen = true;
      if constexpr (std::is_floating_point_v<Total>) {
        state.total += value;
      } else {
        state.overflowed |=
            __builtin_add_overflow(state.total, static_cast<Total>(value), &state.total);
        overflowed |= state.overflowed;
      }
    });
    return overflowed && on_overflow_ == OnOverflow::kFail ? Overflow() : Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<Total>(type_, slots, [&](uint32_t slot, Total* out) {
      *out = states_[slot].total;
      return states_[slot].seen && !states_[slot].overflowed;
    });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const State& other = states_[from];
    State& state = states_[into];
    state.seen |= other.seen;
    state.overflowed |= other.overflowed;
    if constexpr (std::is_floating_point_v<Total>) {
      state.total += other.total;
    } else {
      state.overflowed |= __builtin_add_overflow(state.total, other.total, &state.total);
    }
    return state.overflowed && on_overflow_ == OnOverflow::kFail ? Overflow()
                                                                 : Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    const State& state = states_[slot];
    PutPlain(state.total, out);
    PutPlain(state.seen, out);
    PutPlain(state.overflowed, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    State& state = states_[slot];
    return StateRead(GetPlain(in, &state.total) && GetPlain(in, &state.seen) &&
                         GetPlain(in, &state.overflowed),
                     "sum");
  }

 private:
  Status Overflow() const {
    return type_->id() == arrow::Type::INT64 ? SumOverflow() : IntervalOverflow();
  }

  const data::TypePtr type_;
  const OnOverflow on_overflow_;
};

class DecimalSum final : public SlotAccumulators<DecimalTotal> {
 public:
  DecimalSum(data::TypePtr type, OnOverflow on_overflow)
      : type_(std::move(type)), on_overflow_(on_overflow) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    const int precision = static_cast<const arrow::Decimal128Type&>(*type_).precision();
    const bool fits = AddDecimals(args[0], slots, rows, precision, states_.data());
    if (!fits && on_overflow_ == OnOverflow::kFail) return DecimalSumOverflow("try_sum");
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<arrow::Decimal128>(
        type_, slots, [&](uint32_t slot, arrow::Decimal128* out) {
          *out = ToDecimal128(states_[slot].total);
          return states_[slot].count > 0 && !states_[slot].overflowed;
        });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const int precision = static_cast<const arrow::Decimal128Type&>(*type_).precision();
    const bool fits = MergeDecimals(states_[from], precision, &states_[into]);
    if (!fits && on_overflow_ == OnOverflow::kFail) return DecimalSumOverflow("try_sum");
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutDecimalTotal(states_[slot], out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(GetDecimalTotal(in, &states_[slot]), "sum");
  }

 private:
  const data::TypePtr type_;
  const OnOverflow on_overflow_;
};

template <typename In, typename Total>
void MakeSum(const data::TypePtr& type, OnOverflow on_overflow, BoundAggregate* bound) {
  bound->type = type;
  bound->make = [type, on_overflow] {
    return std::make_unique<Sum<In, Total>>(type, on_overflow);
  };
}

Result<BoundAggregate> Bind(std::string_view name, std::span<const ExprPtr> args,
                            OnOverflow on_overflow) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, NumericArgument(name, args));
  BoundAggregate bound{.args = {arg}};
  const data::TypePtr& type = arg->type();
  if (type->id() == arrow::Type::DECIMAL128) {
    const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
    const data::TypePtr sum =
        data::DecimalOf(std::min(38, decimal.precision() + 10), decimal.scale());
    bound.type = sum;
    bound.make = [sum, on_overflow] {
      return std::make_unique<DecimalSum>(sum, on_overflow);
    };
    bound.state_type = StateOf({{"sum", sum}, {"isEmpty", data::BooleanType()}});
    return bound;
  }
  VisitNumber(*type, [&]<typename In>(std::type_identity<In>) {
    if constexpr (std::is_floating_point_v<In>) {
      MakeSum<In, double>(data::DoubleType(), on_overflow, &bound);
    } else if (data::IsInteger(*type)) {
      MakeSum<In, int64_t>(data::LongType(), on_overflow, &bound);
    } else if constexpr (sizeof(In) >= sizeof(int32_t)) {
      MakeSum<In, In>(type, on_overflow, &bound);
    }
  });
  bound.state_type = StateOf({{"sum", bound.type}});
  return bound;
}

Result<BoundAggregate> BindSum(std::span<const ExprPtr> args, const BindContext&) {
  return Bind("sum", args, OnOverflow::kFail);
}

Result<BoundAggregate> BindTrySum(std::span<const ExprPtr> args, const BindContext&) {
  return Bind("try_sum", args, OnOverflow::kNull);
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "sum",
     .min_args = 1,
     .max_args = 1,
     .bind = BindSum,
     .doc = "The sum; integers give bigint, decimal(p,s) gives decimal(p+10,s).",
     .example = "sum(1, 2, NULL) → 3"},
    {.name = "try_sum",
     .min_args = 1,
     .max_args = 1,
     .bind = BindTrySum,
     .doc = "As sum, but null where the sum overflows.",
     .example = "try_sum(5, 10, NULL) → 15"},
};

}  // namespace

std::span<const AggregateSpec> SumAggregates() { return kAggregates; }

}  // namespace millrace::expr
