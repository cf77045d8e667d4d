// Aggregates that need all values of a group: median, percentile, percentile_approx,
// mode, listagg. They keep what collect_list keeps, and make their result of the list.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>

#include "base/error.h"
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/cast.h"
#include "expr/compare.h"
#include "expr/functions/lists.h"
#include "expr/sql_text.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;

// The results of `rows` lists of values, none of which is null.
using OfLists =
    std::function<Result<data::ArrayPtr>(const ListRows& lists, int64_t rows)>;

class AllValues final : public Accumulators {
 public:
  AllValues(std::unique_ptr<Accumulators> lists, OfLists finish)
      : lists_(std::move(lists)), finish_(std::move(finish)) {}

  void Resize(uint32_t count) override { lists_->Resize(count); }
  void Reset(std::span<const uint32_t> slots) override { lists_->Reset(slots); }
  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    return lists_->Update(args.first(1), slots, rows);
  }
  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr lists, lists_->Finish(slots));
    const Value value{std::move(lists)};
    return finish_(ListRows(value), static_cast<int64_t>(slots.size()));
  }
  Status Merge(uint32_t from, uint32_t into) override {
    return lists_->Merge(from, into);
  }
  void Serialize(uint32_t slot, std::string* out) const override {
    lists_->Serialize(slot, out);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    return lists_->Deserialize(slot, in);
  }

 private:
  const std::unique_ptr<Accumulators> lists_;
  const OfLists finish_;
};

// `args` are the column, and the constants that tell two calls apart.
Result<BoundAggregate> Bind(std::vector<ExprPtr> args, data::TypePtr type, OfLists finish,
                            const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(BoundAggregate lists,
                            BindAggregate("collect_list", {args[0]}, context));
  return BoundAggregate{.args = std::move(args),
                        .type = std::move(type),
                        .state_type = lists.state_type,
                        .make = [make = lists.make, finish = std::move(finish)] {
                          return std::make_unique<AllValues>(make(), finish);
                        }};
}

// The positions of a list's elements in ascending order, NaN last.
std::vector<int32_t> Sorted(const ListRows& lists, int64_t row) {
  std::vector<int32_t> order(static_cast<size_t>(lists.size(row)));
  std::iota(order.begin(), order.end(), lists.begin(row));
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return CompareValues(lists.elements(), a, lists.elements(), b) < 0;
  });
  return order;
}

// --- percentiles

// What is asked for: one share of the values, or several.
struct Shares {
  std::vector<double> values;
  bool is_list = false;
};

Result<Shares> SharesOf(Text function, Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(function, args));
  Shares shares;
  shares.is_list = args[1]->type()->id() == arrow::Type::LIST;
  const data::TypePtr type =
      shares.is_list ? data::ArrayOf(data::DoubleType()) : data::DoubleType();
  MILLRACE_ASSIGN_OR_RETURN(const ExprPtr cast, CastArgument(function, args, 1, type));
  const auto* literal = dynamic_cast<const Literal*>(cast.get());
  if (literal == nullptr || literal->is_null()) {
    return AnalysisError("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", "42K09",
                         "Cannot resolve {} due to data type mismatch: the input "
                         "`percentage` should be a foldable \"DOUBLE\" expression; "
                         "however, got \"{}\".",
                         sql, SqlText(*args[1]))
        .Param("sqlExpr", sql);
  }
  const Value value{literal->value(), true};
  if (shares.is_list) {
    const ListRows list(value);
    const Reader<double> elements(list.elements());
    for (int32_t i = list.begin(0); i < list.end(0); ++i) {
      shares.values.push_back(elements.IsNull(i) ? -1 : elements[i]);
    }
  } else {
    shares.values.push_back(Reader<double>(value)[0]);
  }
  for (const double share : shares.values) {
    if (share >= 0 && share <= 1) continue;
    return AnalysisError("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
                         "Cannot resolve {} due to data type mismatch: The `percentage` "
                         "must be between [0.0, 1.0] (current value = {}D).",
                         sql, share)
        .Param("sqlExpr", sql)
        .Param("exprName", "`percentage`")
        .Param("valueRange", "[0.0, 1.0]")
        .Param("currentValue", fmt::format("{}D", share));
  }
  return shares;
}

// A whole number above 0 that is the same for all rows.
Result<int64_t> PositiveConstant(Text function, Text what, Args args, size_t index,
                                 int64_t missing) {
  if (index >= args.size()) return missing;
  const std::optional<int64_t> number = IntegerLiteral(args[index]);
  if (number && *number > 0) return *number;
  return UnsupportedError(
      "The {} of {} must be a constant whole number above 0, found {}.", what, function,
      SqlText(*args[index]));
}

// Lists of `per_row` results each, or the results themselves.
Result<data::ArrayPtr> Gather(const data::TypePtr& type, const Shares& shares,
                              const arrow::Array& elements,
                              const std::vector<std::vector<int32_t>>& picked) {
  if (!shares.is_list) {
    std::vector<int32_t> flat;
    for (const auto& row : picked) flat.push_back(row.empty() ? -1 : row[0]);
    return data::Take(elements, flat);
  }
  ListBuilder out;
  for (const auto& row : picked) {
    for (const int32_t element : row) out.Append(element);
    if (row.empty()) {
      out.AppendNull();
    } else {
      out.Commit();
    }
  }
  return out.Finish(type, elements);
}

// Spark: PercentileBase.getPercentile, over values that each occur `frequency` times.
double Interpolated(const std::vector<double>& sorted, double share, int64_t frequency) {
  const auto last = static_cast<int64_t>(sorted.size()) * frequency - 1;
  const double position = static_cast<double>(last) * share;
  const double lower = std::floor(position);
  const double higher = std::ceil(position);
  const double low = sorted[static_cast<size_t>(static_cast<int64_t>(lower) / frequency)];
  const double high =
      sorted[static_cast<size_t>(static_cast<int64_t>(higher) / frequency)];
  if (lower == higher || low == high) return low;
  return (higher - position) * low + (position - lower) * high;
}

Result<BoundAggregate> BindExact(Text function, Args args, Shares shares,
                                 int64_t frequency, const BindContext& context) {
  std::vector<ExprPtr> bound(args.begin(), args.end());
  MILLRACE_ASSIGN_OR_RETURN(bound[0], CastArgument(function, args, 0, data::DoubleType(),
                                                   "(\"NUMERIC\" or \"ANSI INTERVAL\")"));
  const data::TypePtr type =
      shares.is_list ? data::ArrayOf(data::DoubleType(), false) : data::DoubleType();
  return Bind(
      std::move(bound), type,
      [type, shares, frequency](const ListRows& lists,
                                int64_t rows) -> Result<data::ArrayPtr> {
        const Reader<double> elements(lists.elements());
        std::vector<double> results;
        std::vector<std::vector<int32_t>> picked(static_cast<size_t>(rows));
        for (int64_t row = 0; row < rows; ++row) {
          if (lists.size(row) == 0) continue;
          std::vector<double> sorted;
          for (const int32_t i : Sorted(lists, row)) sorted.push_back(elements[i]);
          for (const double share : shares.values) {
            picked[static_cast<size_t>(row)].push_back(
                static_cast<int32_t>(results.size()));
            results.push_back(Interpolated(sorted, share, frequency));
          }
        }
        const auto count = static_cast<int64_t>(results.size());
        const arrow::DoubleArray array(count,
                                       arrow::Buffer::FromVector(std::move(results)));
        return Gather(type, shares, array, picked);
      },
      context);
}

Result<BoundAggregate> BindPercentile(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(Shares shares, SharesOf("percentile", args));
  MILLRACE_ASSIGN_OR_RETURN(const int64_t frequency,
                            PositiveConstant("percentile", "frequency", args, 2, 1));
  return BindExact("percentile", args, std::move(shares), frequency, context);
}

Result<BoundAggregate> BindMedian(Args args, const BindContext& context) {
  return BindExact("median", args, Shares{{0.5}, false}, 1, context);
}

// The exact value at the rank that Spark's summary comes close to.
template <const char* kName>
Result<BoundAggregate> BindApproximate(Args args, const BindContext& context) {
  MILLRACE_ASSIGN_OR_RETURN(Shares shares, SharesOf(kName, args));
  MILLRACE_RETURN_IF_ERROR(PositiveConstant(kName, "accuracy", args, 2, 10000).status());
  std::vector<ExprPtr> bound(args.begin(), args.end());
  if (!data::IsNumeric(*args[0]->type()) && !IsOrderable(*args[0]->type())) {
    return UnexpectedInputType(kName, args, 0, "\"NUMERIC\"");
  }
  if (data::IsString(*args[0]->type())) {
    MILLRACE_ASSIGN_OR_RETURN(bound[0], MakeCast(args[0], data::DoubleType()));
  }
  const data::TypePtr type =
      shares.is_list ? data::ArrayOf(bound[0]->type(), false) : bound[0]->type();
  return Bind(
      std::move(bound), type,
      [type, shares](const ListRows& lists, int64_t rows) -> Result<data::ArrayPtr> {
        std::vector<std::vector<int32_t>> picked(static_cast<size_t>(rows));
        for (int64_t row = 0; row < rows; ++row) {
          if (lists.size(row) == 0) continue;
          const std::vector<int32_t> sorted = Sorted(lists, row);
          for (const double share : shares.values) {
            const auto rank = static_cast<size_t>(
                std::ceil(share * static_cast<double>(sorted.size())));
            picked[static_cast<size_t>(row)].push_back(sorted[rank == 0 ? 0 : rank - 1]);
          }
        }
        return Gather(type, shares, lists.elements(), picked);
      },
      context);
}

// --- mode

// The value that occurs most. Of several Spark takes any; told to be deterministic, the
// least.
Result<BoundAggregate> BindMode(Args args, const BindContext& context) {
  bool least = false;
  if (args.size() > 1) {
    const std::optional<bool> given = BooleanLiteral(args[1]);
    if (!given) return UnexpectedInputType("mode", args, 1, "\"BOOLEAN\"");
    least = *given;
  }
  if (!IsOrderable(*args[0]->type())) {
    return NotOrderable("mode", args, *args[0]->type());
  }
  return Bind(
      {args.begin(), args.end()}, args[0]->type(),
      [least](const ListRows& lists, int64_t rows) -> Result<data::ArrayPtr> {
        std::vector<int32_t> picked;
        for (int64_t row = 0; row < rows; ++row) {
          const std::vector<int32_t> sorted = Sorted(lists, row);
          int32_t best = -1;
          size_t most = 0;
          for (size_t begin = 0; begin < sorted.size();) {
            size_t end = begin + 1;
            while (end < sorted.size() &&
                   CompareValues(lists.elements(), sorted[begin], lists.elements(),
                                 sorted[end]) == 0) {
              ++end;
            }
            if (end - begin > most || (end - begin == most && !least)) {
              most = end - begin;
              best = sorted[begin];
            }
            begin = end;
          }
          picked.push_back(best);
        }
        return data::Take(lists.elements(), picked);
      },
      context);
}

// --- listagg

template <const char* kName>
Result<BoundAggregate> BindListagg(Args args, const BindContext& context) {
  std::vector<ExprPtr> bound(args.begin(), args.end());
  const bool binary = args[0]->type()->id() == arrow::Type::BINARY_VIEW;
  const data::TypePtr type = binary ? data::BinaryType() : data::StringType();
  MILLRACE_ASSIGN_OR_RETURN(bound[0], CastArgument(kName, args, 0, type));
  std::string separator;
  if (args.size() > 1) {
    MILLRACE_ASSIGN_OR_RETURN(bound[1], CastArgument(kName, args, 1, type));
    const auto* literal = dynamic_cast<const Literal*>(bound[1].get());
    if (literal == nullptr) {
      return AnalysisError("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", "42K09",
                           "Cannot resolve \"{}\" due to data type mismatch: the input "
                           "`delimiter` should be a foldable \"STRING\" expression; "
                           "however, got \"{}\".",
                           SqlCallText(kName, args), SqlText(*args[1]));
    }
    if (!literal->is_null()) {
      separator = Reader<Text>(Value{literal->value(), true})[0];
    }
  }
  return Bind(
      std::move(bound), type,
      [type, separator](const ListRows& lists, int64_t rows) -> Result<data::ArrayPtr> {
        const Reader<Text> texts(lists.elements());
        ViewBuilder out(rows);
        MILLRACE_RETURN_IF_ERROR(out.Allocate());
        for (int64_t row = 0; row < rows; ++row) {
          if (lists.size(row) == 0) {
            MILLRACE_RETURN_IF_ERROR(out.AppendNull());
            continue;
          }
          for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
            if (i > lists.begin(row)) *out.bytes() += separator;
            *out.bytes() += texts[i];
          }
          out.Commit();
        }
        return out.Finish(type);
      },
      context);
}

constexpr char kApproxPercentile[] = "approx_percentile";
constexpr char kPercentileApprox[] = "percentile_approx";
constexpr char kListagg[] = "listagg";
constexpr char kStringAgg[] = "string_agg";

constexpr AggregateSpec kAggregates[] = {
    {.name = "approx_percentile",
     .min_args = 2,
     .max_args = 3,
     .bind = BindApproximate<kApproxPercentile>,
     .doc = "The same as percentile_approx.",
     .example = "approx_percentile(a, 0.5) FROM (0), (1), (2), (10) → 1"},
    {.name = "listagg",
     .min_args = 1,
     .max_args = 2,
     .bind = BindListagg<kListagg>,
     .doc = "The texts one after the other, with a separator.",
     .example = "listagg(a, ', ') FROM ('x'), (NULL), ('y') → x, y"},
    {.name = "median",
     .min_args = 1,
     .max_args = 1,
     .bind = BindMedian,
     .doc = "The value in the middle, or the mean of the two there.",
     .example = "median(0, 10) → 5.0"},
    {.name = "mode",
     .min_args = 1,
     .max_args = 2,
     .bind = BindMode,
     .doc = "The value that occurs most; of several the least if the second argument is "
            "true.",
     .example = "mode(0, 10, 10) → 10"},
    {.name = "percentile",
     .min_args = 2,
     .max_args = 3,
     .bind = BindPercentile,
     .doc = "The exact value below which that share of the values lies, between two by "
            "their distance; the third argument is how often each value counts.",
     .example = "percentile(a, 0.3) FROM (0), (10) → 3.0"},
    {.name = "percentile_approx",
     .min_args = 2,
     .max_args = 3,
     .bind = BindApproximate<kPercentileApprox>,
     .doc = "The least value that is not below that share of the values; exact here.",
     .example = "percentile_approx(a, 0.5) FROM (0), (1), (2), (10) → 1"},
    {.name = "string_agg",
     .min_args = 1,
     .max_args = 2,
     .bind = BindListagg<kStringAgg>,
     .doc = "The same as listagg.",
     .example = "string_agg(a, '-') FROM ('x'), ('y') → x-y"},
};

}  // namespace

std::span<const AggregateSpec> AllValuesAggregates() { return kAggregates; }

}  // namespace millrace::expr
