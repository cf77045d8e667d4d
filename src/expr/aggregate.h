// Aggregate functions as data: one row and one accumulator class each. Accumulators live
// in vectors addressed by slot, one slot per group, so that folding a row allocates
// nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/expr.h"
#include "expr/function.h"

namespace millrace::expr {

/// The accumulators of one aggregate call for all groups.
///
/// Threading: one thread.
/// Failure: an error (sum overflow) ends the query; there is no undo.
class Accumulators {
 public:
  virtual ~Accumulators() = default;

  /// Makes room for slots below `count`; new ones are empty.
  virtual void Resize(uint32_t count) = 0;
  /// Makes slots empty again.
  virtual void Reset(std::span<const uint32_t> slots) = 0;
  /// Folds `rows` rows, row i into slots[i].
  virtual Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                        int64_t rows) = 0;
  /// The results of some slots, in that order.
  virtual Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const = 0;

  /// Folds the state of slot `from` into slot `into`, as if its rows came after those of
  /// `into`.
  virtual Status Merge(uint32_t from, uint32_t into) = 0;

  /// Appends a slot's state; part of the checkpoint format (docs/formats/state.md).
  virtual void Serialize(uint32_t slot, std::string* out) const = 0;
  /// Reads a slot's state back from the front of `*in` and advances it. An error where
  /// the bytes are too few.
  virtual Status Deserialize(uint32_t slot, std::string_view* in) = 0;
};

/// An aggregate applied to typed arguments.
struct BoundAggregate {
  std::string name{};           // Spark's, for explain and the state schema
  std::vector<ExprPtr> args{};  // with casts
  data::TypePtr type{};
  bool nullable = true;
  data::TypePtr state_type{};  // what the checkpoint remembers as the state's schema
  std::function<std::unique_ptr<Accumulators>()> make{};
};

struct AggregateSpec {
  std::string_view name;
  int min_args = 0;
  int max_args = 0;  // -1: any number
  Result<BoundAggregate> (*bind)(std::span<const ExprPtr> args,
                                 const BindContext& context);
  std::string_view doc;
  std::string_view example;  // "sum(1, 2, NULL) → 3": one argument column, run as a test
};

const AggregateSpec* FindAggregate(std::string_view name);
std::vector<const AggregateSpec*> AllAggregates();

/// Errors as MakeCall's. count(*) is count(1).
Result<BoundAggregate> BindAggregate(std::string_view name, std::vector<ExprPtr> args,
                                     const BindContext& context);

}  // namespace millrace::expr
