// approx_count_distinct. Spark: HyperLogLogPlusPlus.
#include <algorithm>

#include <arrow/util/decimal.h>

#include "base/error.h"
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/hyper_log_log.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/functions/value_hash.h"

namespace millrace::expr {
namespace {

constexpr double kDefaultDeviation = 0.05;

class DistinctCount final : public Accumulators {
 public:
  explicit DistinctCount(const HyperLogLog& sketch) : sketch_(sketch) {}

  void Resize(uint32_t count) override {
    const size_t words = count * sketch_.num_words();
    if (words > words_.size()) words_.resize(words);
  }
  void Reset(std::span<const uint32_t> slots) override {
    for (const uint32_t slot : slots) std::ranges::fill(Words(slot), 0);
  }

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    hashes_.assign(static_cast<size_t>(rows), kHashSeed);
    HashColumn(HashKind::kXxHash64, args[0], hashes_);
    VisitValidRuns(args[0], rows, [&](int64_t begin, int64_t end) {
      for (auto row = static_cast<size_t>(begin); row < static_cast<size_t>(end); ++row) {
        sketch_.Add(static_cast<uint64_t>(hashes_[row]), Words(slots[row]));
      }
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    return FinishColumn<int64_t>(
        data::LongType(), slots, [&](uint32_t slot, int64_t* out) {
          const size_t words = sketch_.num_words();
          *out = sketch_.Estimate(std::span(words_).subspan(slot * words, words));
          return true;
        });
  }

  Status Merge(uint32_t from, uint32_t into) override {
    sketch_.Merge(Words(from), Words(into));
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    const size_t words = sketch_.num_words();
    for (const uint64_t word : std::span(words_).subspan(slot * words, words)) {
      PutPlain(word, out);
    }
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    bool complete = true;
    for (uint64_t& word : Words(slot)) complete = complete && GetPlain(in, &word);
    return StateRead(complete, "approx_count_distinct");
  }

 private:
  std::span<uint64_t> Words(uint32_t slot) {
    return std::span(words_).subspan(slot * sketch_.num_words(), sketch_.num_words());
  }

  const HyperLogLog sketch_;
  std::vector<uint64_t> words_;  // of all slots, one sketch after the other
  std::vector<int64_t> hashes_;  // of the rows of one batch
};

// The value of a double or decimal literal.
std::optional<double> NumberLiteral(const ExprPtr& expr) {
  const auto* literal = dynamic_cast<const Literal*>(expr.get());
  if (literal == nullptr || literal->is_null()) return std::nullopt;
  const arrow::DataType& type = *literal->type();
  if (type.id() == arrow::Type::DOUBLE) return Reader<double>(*literal->value())[0];
  if (type.id() == arrow::Type::DECIMAL128) {
    return Reader<arrow::Decimal128>(*literal->value())[0].ToDouble(
        static_cast<const arrow::Decimal128Type&>(type).scale());
  }
  return std::nullopt;
}

Result<BoundAggregate> Bind(std::span<const ExprPtr> args, const BindContext&) {
  double deviation = kDefaultDeviation;
  if (args.size() > 1) {
    const std::optional<double> literal = NumberLiteral(args[1]);
    if (!literal.has_value()) {
      return AnalysisError("_LEGACY_ERROR_TEMP_1104", "",
                           "The second argument should be a double literal.");
    }
    deviation = *literal;
  }
  const std::optional<HyperLogLog> sketch = HyperLogLog::Make(deviation);
  if (!sketch.has_value()) {
    return AnalysisError(
               "FAILED_FUNCTION_CALL", "38000",
               "Failed preparing of the function `approx_count_distinct` for call. "
               "Please, double check function's arguments.")
        .Param("funcName", "`approx_count_distinct`");
  }
  return BoundAggregate{
      .args = {args.begin(), args.end()},  // the deviation tells calls apart
      .type = data::LongType(),
      .nullable = false,
      .state_type =
          StateOf({{"MS", data::ArrayOf(data::LongType(), /*contains_null=*/false)}}),
      .make = [sketch] { return std::make_unique<DistinctCount>(*sketch); }};
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "approx_count_distinct",
     .min_args = 1,
     .max_args = 2,
     .bind = Bind,
     .doc =
         "About how many distinct values there are; the second argument is the greatest "
         "relative standard deviation allowed, 0.05 by default.",
     .example = "approx_count_distinct(1, 1, 2, 2, 3) → 3"},
};

}  // namespace

std::span<const AggregateSpec> DistinctCountAggregates() { return kAggregates; }

}  // namespace millrace::expr
