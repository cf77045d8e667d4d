// Variances, deviations, skewness and kurtosis by Welford's running moments, with the
// formulas in the order of Spark's CentralMomentAgg, so that the last bits agree.
#include <cmath>

#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"

namespace millrace::expr {
namespace {

struct Moments {
  double n = 0;
  double mean = 0;
  double m2 = 0;
  double m3 = 0;
  double m4 = 0;
};

enum class Which {
  kVariancePopulation,
  kVarianceSample,
  kDeviationPopulation,
  kDeviationSample,
  kSkewness,
  kKurtosis,
};

constexpr int Order(Which which) {
  return which == Which::kKurtosis ? 4 : (which == Which::kSkewness ? 3 : 2);
}

template <int kOrder>
void Fold(Moments& s, double x) {
  s.n += 1;
  const double delta = x - s.mean;
  const double delta_n = delta / s.n;
  s.mean += delta_n;
  s.m2 += delta * (delta - delta_n);
  if constexpr (kOrder >= 3) {
    const double delta2 = delta * delta;
    const double delta_n2 = delta_n * delta_n;
    s.m3 = s.m3 - 3.0 * delta_n * s.m2 + delta * (delta2 - delta_n2);
    if constexpr (kOrder >= 4) {
      s.m4 = s.m4 - 4.0 * delta_n * s.m3 - 6.0 * delta_n2 * s.m2 +
             delta * (delta * delta2 - delta_n * delta_n2);
    }
  }
}

template <Which kWhich>
bool Evaluate(const Moments& s, double* out) {
  if (s.n == 0) return false;
  switch (kWhich) {
    case Which::kVariancePopulation:
      *out = s.m2 / s.n;
      return true;
    case Which::kDeviationPopulation:
      *out = std::sqrt(s.m2 / s.n);
      return true;
    case Which::kVarianceSample:
      *out = s.m2 / (s.n - 1);
      return s.n != 1;
    case Which::kDeviationSample:
      *out = std::sqrt(s.m2 / (s.n - 1));
      return s.n != 1;
    case Which::kSkewness:
      *out = std::sqrt(s.n) * s.m3 / std::sqrt(s.m2 * s.m2 * s.m2);
      return s.m2 != 0;
    case Which::kKurtosis:
      *out = s.n * s.m4 / (s.m2 * s.m2) - 3.0;
      return s.m2 != 0;
  }
  return false;
}

template <Which kWhich>
class MomentAccumulators final : public SlotAccumulators<Moments> {
 public:
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    FoldColumn<double>(args[0], slots, rows, states_.data(), Fold<Order(kWhich)>);
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<double>(
        data::DoubleType(), slots,
        [&](uint32_t slot, double* out) { return Evaluate<kWhich>(states_[slot], out); });
  }

  // Spark: CentralMomentAgg.mergeExpressions.
  Status Merge(uint32_t from, uint32_t into) override {
    const Moments b = states_[from];
    if (b.n == 0) return Status::OK();
    Moments& a = states_[into];
    const double n = a.n + b.n;
    const double delta = b.mean - a.mean;
    const double delta_n = delta / n;
    const double product = a.n * b.n;
    const Moments before = a;
    a.n = n;
    a.mean += delta_n * b.n;
    a.m2 += b.m2 + delta * delta_n * product;
    a.m3 += b.m3 + delta_n * delta_n * delta * product * (before.n - b.n) +
            3.0 * delta_n * (before.n * b.m2 - b.n * before.m2);
    a.m4 +=
        b.m4 +
        delta_n * delta_n * delta_n * delta * product *
            (before.n * before.n - product + b.n * b.n) +
        6.0 * delta_n * delta_n * (before.n * before.n * b.m2 + b.n * b.n * before.m2) +
        4.0 * delta_n * (before.n * b.m3 - b.n * before.m3);
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    const Moments& s = states_[slot];
    PutPlain(s.n, out);
    PutPlain(s.mean, out);
    PutPlain(s.m2, out);
    if (Order(kWhich) >= 3) PutPlain(s.m3, out);
    if (Order(kWhich) >= 4) PutPlain(s.m4, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    Moments& s = states_[slot];
    bool complete = GetPlain(in, &s.n) && GetPlain(in, &s.mean) && GetPlain(in, &s.m2);
    if (Order(kWhich) >= 3) complete = complete && GetPlain(in, &s.m3);
    if (Order(kWhich) >= 4) complete = complete && GetPlain(in, &s.m4);
    return StateRead(complete, "variance");
  }
};

template <Which kWhich>
Result<BoundAggregate> Make(std::string_view name, std::span<const ExprPtr> args) {
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, CastArgument(name, args, 0, data::DoubleType()));
  const data::TypePtr d = data::DoubleType();
  BoundAggregate bound{.args = {std::move(arg)}, .type = d};
  switch (Order(kWhich)) {
    case 2:
      bound.state_type = StateOf({{"n", d}, {"avg", d}, {"m2", d}});
      break;
    case 3:
      bound.state_type = StateOf({{"n", d}, {"avg", d}, {"m2", d}, {"m3", d}});
      break;
    default:
      bound.state_type = StateOf({{"n", d}, {"avg", d}, {"m2", d}, {"m3", d}, {"m4", d}});
  }
  bound.make = [] { return std::make_unique<MomentAccumulators<kWhich>>(); };
  return bound;
}

constexpr char kStd[] = "std";
constexpr char kStddev[] = "stddev";
constexpr char kStddevSamp[] = "stddev_samp";
constexpr char kStddevPop[] = "stddev_pop";
constexpr char kVariance[] = "variance";
constexpr char kVarSamp[] = "var_samp";
constexpr char kVarPop[] = "var_pop";
constexpr char kSkewness[] = "skewness";
constexpr char kKurtosis[] = "kurtosis";

template <Which kWhich, const char* kName>
Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  return Make<kWhich>(kName, args);
}

constexpr AggregateSpec kAggregates[] = {
    {.name = kKurtosis,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kKurtosis, kKurtosis>,
     .doc = "The excess kurtosis of the values.",
     .example = "kurtosis(1, 2, 5) → -1.5000000000000013"},
    {.name = kSkewness,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kSkewness, kSkewness>,
     .doc = "The skewness of the values.",
     .example = "skewness(-10, -20, 100, 1000) → 1.1135657469022011"},
    {.name = kStd,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kDeviationSample, kStd>,
     .doc = "The same as stddev.",
     .example = "std(1, 2, 3) → 1.0"},
    {.name = kStddev,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kDeviationSample, kStddev>,
     .doc = "The standard deviation of a sample; null for a single value.",
     .example = "stddev(1, 2, 3) → 1.0"},
    {.name = kStddevPop,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kDeviationPopulation, kStddevPop>,
     .doc = "The standard deviation of a population.",
     .example = "stddev_pop(1, 2, 3) → 0.816496580927726"},
    {.name = kStddevSamp,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kDeviationSample, kStddevSamp>,
     .doc = "The same as stddev.",
     .example = "stddev_samp(1, 2, 3) → 1.0"},
    {.name = kVarPop,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kVariancePopulation, kVarPop>,
     .doc = "The variance of a population.",
     .example = "var_pop(1, 2, 3) → 0.6666666666666666"},
    {.name = kVarSamp,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kVarianceSample, kVarSamp>,
     .doc = "The same as variance.",
     .example = "var_samp(1, 2, 3) → 1.0"},
    {.name = kVariance,
     .min_args = 1,
     .max_args = 1,
     .bind = Bind<Which::kVarianceSample, kVariance>,
     .doc = "The variance of a sample; null for a single value.",
     .example = "variance(1, 2, 3) → 1.0"},
};

}  // namespace

std::span<const AggregateSpec> MomentAggregates() { return kAggregates; }

}  // namespace millrace::expr
