// avg, mean and try_avg. Spark: Average; decimals as DecimalDivideWithOverflowCheck.
#include <arrow/util/decimal.h>

#include "base/error.h"
#include "data/interval_type.h"
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/decimals.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/decimal.h"

namespace millrace::expr {
namespace {

enum class OnOverflow { kFail, kNull };

struct DoubleState {
  double total = 0;
  int64_t count = 0;
};

// Averages of numbers; Spark adds them up as doubles, bigint too.
template <typename In>
class DoubleAverage final : public SlotAccumulators<DoubleState> {
 public:
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<In>(args[0], slots, rows, states_.data(),
                   [](DoubleState& state, In value) {
                     state.total += static_cast<double>(value);
                     ++state.count;
                   });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<double>(data::DoubleType(), slots,
                                [&](uint32_t slot, double* out) {
                                  const DoubleState& state = states_[slot];
                                  *out = state.total / static_cast<double>(state.count);
                                  return state.count > 0;
                                });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    states_[into].total += states_[from].total;
    states_[into].count += states_[from].count;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].total, out);
    PutPlain(states_[slot].count, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(
        GetPlain(in, &states_[slot].total) && GetPlain(in, &states_[slot].count), "avg");
  }
};

class DecimalAverage final : public SlotAccumulators<DecimalTotal> {
 public:
  DecimalAverage(int sum_precision, int scale, data::TypePtr type, OnOverflow on_overflow)
      : sum_precision_(sum_precision),
        scale_(scale),
        type_(std::move(type)),
        on_overflow_(on_overflow) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    const bool fits = AddDecimals(args[0], slots, rows, sum_precision_, states_.data());
    if (!fits && on_overflow_ == OnOverflow::kFail) return DecimalSumOverflow("try_avg");
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    const auto& type = static_cast<const arrow::Decimal128Type&>(*type_);
    Status error;
    auto column = FinishColumn<arrow::Decimal128>(
        type_, slots, [&](uint32_t slot, arrow::Decimal128* out) {
          const DecimalTotal& state = states_[slot];
          if (state.count == 0) return false;
          if (state.overflowed) return false;
          const auto quotient =
              DivideTotal(state.total, state.count, type.scale() - scale_);
          if (!quotient.has_value()) {
            error = QuotientOutOfRange(state);
            return false;
          }
          *out = ToDecimal128(*quotient);
          return true;
        });
    if (!error.ok() && on_overflow_ == OnOverflow::kFail) return error;
    return column;
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const bool fits = MergeDecimals(states_[from], sum_precision_, &states_[into]);
    if (!fits && on_overflow_ == OnOverflow::kFail) return DecimalSumOverflow("try_avg");
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutDecimalTotal(states_[slot], out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return StateRead(GetDecimalTotal(in, &states_[slot]), "avg");
  }

 private:
  Status QuotientOutOfRange(const DecimalTotal& state) const {
    return DecimalOverflow(QuotientText(state.total, scale_, state.count),
                           DecimalShape::Of(*type_));
  }

  const int sum_precision_;
  const int scale_;  // of the values
  const data::TypePtr type_;
  const OnOverflow on_overflow_;
};

template <typename T>
struct IntervalState {
  T total = 0;
  int64_t count = 0;
  bool overflowed = false;
};

// Averages of durations (int64_t) and months (int32_t), rounded half away from zero.
template <typename T>
class IntervalAverage final : public SlotAccumulators<IntervalState<T>> {
  using State = IntervalState<T>;
  using SlotAccumulators<State>::states_;

 public:
  IntervalAverage(data::TypePtr type, OnOverflow on_overflow)
      : type_(std::move(type)), on_overflow_(on_overflow) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    bool overflowed = false;
    FoldColumn<T>(args[0], slots, rows, states_.data(), [&](State& state, T value) {
      ++state.count;
      state.overflowed |= __builtin_add_overflow(state.total, value, &state.total);
      overflowed |= state.overflowed;
    });
    return overflowed && on_overflow_ == OnOverflow::kFail ? Overflow() : Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<T>(type_, slots, [&](uint32_t slot, T* out) {
      const State& state = states_[slot];
      if (state.count == 0 || state.overflowed) return false;
      const int64_t quotient = state.total / state.count;
      const auto rest = static_cast<__int128>(state.total % state.count);
      const int64_t away = (rest < 0 ? -rest : rest) * 2 >= state.count ? 1 : 0;
      *out = static_cast<T>(quotient + (state.total < 0 ? -away : away));
      return true;
    });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    const State& other = states_[from];
    State& state = states_[into];
    state.count += other.count;
    state.overflowed |= other.overflowed ||
                        __builtin_add_overflow(state.total, other.total, &state.total);
    return state.overflowed && on_overflow_ == OnOverflow::kFail ? Overflow()
                                                                 : Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(states_[slot].total, out);
    PutPlain(states_[slot].count, out);
    PutPlain(states_[slot].overflowed, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    State& state = states_[slot];
    return StateRead(GetPlain(in, &state.total) && GetPlain(in, &state.count) &&
                         GetPlain(in, &state.overflowed),
                     "avg");
  }

 private:
  static Status Overflow() {
    return Error(Fault::kData,
                 "Integer overflow while operating with intervals. Use `try_add` to "
                 "tolerate "
                 "overflow and return NULL instead.")
        .Class("INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION", "22015")
        .Java(kArithmeticException)
        .Param("functionName", "`try_add`");
  }

  const data::TypePtr type_;
  const OnOverflow on_overflow_;
};

Result<BoundAggregate> Bind(std::string_view name, std::span<const ExprPtr> args,
                            OnOverflow on_overflow) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, NumericArgument(name, args));
  BoundAggregate bound{.args = {arg}};
  const data::TypePtr& type = arg->type();
  data::TypePtr sum_type = data::DoubleType();
  if (type->id() == arrow::Type::DECIMAL128) {
    const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
    const int scale = decimal.scale();
    const int sum_precision = std::min(38, decimal.precision() + 10);
    const data::TypePtr average =
        data::DecimalOf(std::min(38, decimal.precision() + 4), std::min(38, scale + 4));
    sum_type = data::DecimalOf(sum_precision, scale);
    bound.type = average;
    bound.make = [=] {
      return std::make_unique<DecimalAverage>(sum_precision, scale, average, on_overflow);
    };
  } else if (data::IsNumeric(*type)) {
    bound.type = data::DoubleType();
    VisitNumber(*type, [&]<typename In>(std::type_identity<In>) {
      bound.make = [] { return std::make_unique<DoubleAverage<In>>(); };
    });
  } else {
    bound.type = type->id() == arrow::Type::DURATION
                     ? data::DayTimeInterval(data::kDayToSecond)
                     : data::YearMonthInterval(data::kYearToMonth);
    sum_type = type;
    VisitNumber(*type, [&]<typename In>(std::type_identity<In>) {
      if constexpr (std::is_same_v<In, int32_t> || std::is_same_v<In, int64_t>) {
        bound.make = [average = bound.type, on_overflow] {
          return std::make_unique<IntervalAverage<In>>(average, on_overflow);
        };
      }
    });
  }
  bound.state_type = StateOf({{"sum", sum_type}, {"count", data::LongType()}});
  return bound;
}

Result<BoundAggregate> BindAvg(std::span<const ExprPtr> args, const BindContext&) {
  return Bind("avg", args, OnOverflow::kFail);
}

Result<BoundAggregate> BindMean(std::span<const ExprPtr> args, const BindContext&) {
  return Bind("mean", args, OnOverflow::kFail);
}

Result<BoundAggregate> BindTryAvg(std::span<const ExprPtr> args, const BindContext&) {
  return Bind("try_avg", args, OnOverflow::kNull);
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "avg",
     .min_args = 1,
     .max_args = 1,
     .bind = BindAvg,
     .doc = "The mean; decimal(p,s) gives decimal(p+4,s+4), other numbers double.",
     .example = "avg(1, 2, NULL) → 1.5"},
    {.name = "mean",
     .min_args = 1,
     .max_args = 1,
     .bind = BindMean,
     .doc = "The same as avg.",
     .example = "mean(1, 2, 3) → 2.0"},
    {.name = "try_avg",
     .min_args = 1,
     .max_args = 1,
     .bind = BindTryAvg,
     .doc = "As avg, but null where the sum overflows.",
     .example = "try_avg(1, 2, 3) → 2.0"},
};

}  // namespace

std::span<const AggregateSpec> AverageAggregates() { return kAggregates; }

}  // namespace millrace::expr
