// Covariances and the correlation of two columns, with the formulas in the order of
// Spark's Covariance and PearsonCorrelation, so that the last bits agree.
#include <cmath>

#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"

namespace millrace::expr {
namespace {

struct State {
  double n = 0;
  double mean_x = 0;
  double mean_y = 0;
  double ck = 0;
  double mk_x = 0;  // for the correlation only
  double mk_y = 0;
};

enum class Which { kCorrelation, kPopulation, kSample };

template <Which kWhich>
class Covariance final : public SlotAccumulators<State> {
 public:
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    MILLRACE_ASSIGN_OR_RETURN(const Validity validity,
                              IntersectValidity(args.first(2), rows));
    const Reader<double> xs(args[0]);
    const Reader<double> ys(args[1]);
    validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        Fold(xs[row], ys[row], &states_[slots[row]]);
      return true;
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<double>(data::DoubleType(), slots,
                                [&](uint32_t slot, double* out) {
                                  const State& s = states_[slot];
                                  switch (kWhich) {
                                    case Which::kPopulation:
                                      *out = s.ck / s.n;
                                      return s.n != 0;
                                    case Which::kSample:
                                      *out = s.ck / (s.n - 1);
                                      return s.n > 1;
                                    case Which::kCorrelation:
                                      *out = s.ck / std::sqrt(s.mk_x * s.mk_y);
                                      return s.n > 1;
                                  }
                                  return false;
                                });
  }

  // Spark: Covariance.mergeExpressions and PearsonCorrelation's.
  Status Merge(uint32_t from, uint32_t into) override {
    const State b = states_[from];
    if (b.n == 0) return Status::OK();
    State& a = states_[into];
    const double n = a.n + b.n;
    const double dx = b.mean_x - a.mean_x;
    const double dy = b.mean_y - a.mean_y;
    const double dx_n = dx / n;
    const double dy_n = dy / n;
    a.ck += b.ck + dx_n * dy * a.n * b.n;
    a.mk_x += b.mk_x + dx * dx_n * a.n * b.n;
    a.mk_y += b.mk_y + dy * dy_n * a.n * b.n;
    a.mean_x += dx_n * b.n;
    a.mean_y += dy_n * b.n;
    a.n = n;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    const State& s = states_[slot];
    for (const double value : {s.n, s.mean_x, s.mean_y, s.ck}) PutPlain(value, out);
    if (kWhich == Which::kCorrelation) {
      PutPlain(s.mk_x, out);
      PutPlain(s.mk_y, out);
    }
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    State& s = states_[slot];
    bool complete = true;
    for (double* value : {&s.n, &s.mean_x, &s.mean_y, &s.ck}) {
      complete = complete && GetPlain(in, value);
    }
    if (kWhich == Which::kCorrelation) {
      complete = complete && GetPlain(in, &s.mk_x) && GetPlain(in, &s.mk_y);
    }
    return StateRead(complete, "covariance");
  }

 private:
  static void Fold(double x, double y, State* s) {
    s->n += 1;
    const double dx = x - s->mean_x;
    const double dx_n = dx / s->n;
    const double dy = y - s->mean_y;
    const double dy_n = dy / s->n;
    s->mean_x += dx_n;
    s->mean_y += dy_n;
    s->ck += dx * (y - s->mean_y);
    if constexpr (kWhich == Which::kCorrelation) {
      s->mk_x += dx * (x - s->mean_x);
      s->mk_y += dy * (y - s->mean_y);
    }
  }
};

constexpr char kCorr[] = "corr";
constexpr char kCovarPop[] = "covar_pop";
constexpr char kCovarSamp[] = "covar_samp";

template <Which kWhich, const char* kName>
Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  const data::TypePtr d = data::DoubleType();
  BoundAggregate bound{.type = d};
  for (int i = 0; i < 2; ++i) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr arg, CastArgument(kName, args, i, d));
    bound.args.push_back(std::move(arg));
  }
  bound.state_type =
      kWhich == Which::kCorrelation
          ? StateOf(
                {{"n", d}, {"xAvg", d}, {"yAvg", d}, {"ck", d}, {"xMk", d}, {"yMk", d}})
          : StateOf({{"n", d}, {"xAvg", d}, {"yAvg", d}, {"ck", d}});
  bound.make = [] { return std::make_unique<Covariance<kWhich>>(); };
  return bound;
}

constexpr AggregateSpec kAggregates[] = {
    {.name = kCorr,
     .min_args = 2,
     .max_args = 2,
     .bind = Bind<Which::kCorrelation, kCorr>,
     .doc = "Pearson's coefficient of correlation of two columns.",
     .example = "corr((1, 2), (3, 5), (4, 4)) → 0.7857142857142857"},
    {.name = kCovarPop,
     .min_args = 2,
     .max_args = 2,
     .bind = Bind<Which::kPopulation, kCovarPop>,
     .doc = "The covariance of a population.",
     .example = "covar_pop((1, 2), (3, 5), (4, 4)) → 1.2222222222222223"},
    {.name = kCovarSamp,
     .min_args = 2,
     .max_args = 2,
     .bind = Bind<Which::kSample, kCovarSamp>,
     .doc = "The covariance of a sample.",
     .example = "covar_samp((1, 2), (3, 5), (4, 4)) → 1.8333333333333335"},
};

}  // namespace

std::span<const AggregateSpec> CovarianceAggregates() { return kAggregates; }

}  // namespace millrace::expr
