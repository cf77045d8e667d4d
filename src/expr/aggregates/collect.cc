// collect_list and collect_set: the values of a group as an array; nulls are left out.
#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>

#include <absl/container/flat_hash_map.h>

#include "base/error.h"
#include "expr/aggregates/arguments.h"
#include "expr/aggregates/slots.h"
#include "expr/aggregates/tables.h"
#include "expr/aggregates/value_codec.h"

namespace millrace::expr {
namespace {

// A list column of `counts[i]` elements in row i, out of all elements.
Result<data::ArrayPtr> MakeLists(const data::TypePtr& type,
                                 std::span<const int64_t> counts,
                                 const data::ArrayPtr& elements) {
  const int64_t rows = static_cast<int64_t>(counts.size());
  MILLRACE_ASSIGN_OR_RETURN(auto offsets,
                            AllocateBytes((rows + 1) * int64_t{sizeof(int32_t)}));
  auto* const out = reinterpret_cast<int32_t*>(offsets->mutable_data());
  out[0] = 0;
  for (int64_t row = 0; row < rows; ++row) {
    out[row + 1] = out[row] + static_cast<int32_t>(counts[row]);
  }
  return data::ArrayPtr(
      std::make_shared<arrow::ListArray>(type, rows, std::move(offsets), elements));
}

struct List {
  int64_t count = 0;
  std::string values;  // back to back
};

class CollectList final : public SlotAccumulators<List> {
 public:
  explicit CollectList(const data::TypePtr& element)
      : codec_(element), type_(data::ArrayOf(element, /*contains_null=*/false)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    VisitValidRuns(args[0], rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        List& list = states_[slots[row]];
        ++list.count;
        codec_.Append(*args[0].array, args[0].index(row), &list.values);
      }
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    std::vector<int64_t> counts;
    std::vector<std::string_view> values;
    for (const uint32_t slot : slots) {
      counts.push_back(states_[slot].count);
      if (states_[slot].count > 0) values.push_back(states_[slot].values);
    }
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr elements, codec_.Decode(values));
    return MakeLists(type_, counts, elements);
  }

  Status Merge(uint32_t from, uint32_t into) override {
    states_[into].count += states_[from].count;
    states_[into].values += states_[from].values;
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    PutPlain(static_cast<uint32_t>(states_[slot].count), out);
    out->append(states_[slot].values);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    List& list = states_[slot];
    uint32_t count = 0;
    bool complete = GetPlain(in, &count);
    const std::string_view before = *in;
    for (uint32_t i = 0; complete && i < count; ++i) complete = codec_.Skip(in);
    list.count = count;
    list.values.assign(before.substr(0, before.size() - in->size()));
    return StateRead(complete, "collect_list");
  }

 private:
  const ValueCodec codec_;
  const data::TypePtr type_;
};

struct Set {
  absl::flat_hash_map<std::string, uint32_t> values;  // with the order they came in
};

// Spark gives the elements in no order that could be relied upon; here they keep theirs.
class CollectSet final : public SlotAccumulators<Set> {
 public:
  explicit CollectSet(const data::TypePtr& element)
      : codec_(element, /*normalize_floats=*/true),
        type_(data::ArrayOf(element, /*contains_null=*/false)) {}

  Status Update(std::span<const Value> args, std::span<const uint32_t> slots,
                int64_t rows) override {
    VisitValidRuns(args[0], rows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        scratch_.clear();
        codec_.Append(*args[0].array, args[0].index(row), &scratch_);
        auto& values = states_[slots[row]].values;
        values.try_emplace(scratch_, static_cast<uint32_t>(values.size()));
      }
    });
    return Status::OK();
  }

  Result<data::ArrayPtr> Finish(std::span<const uint32_t> slots) const override {
    std::vector<int64_t> counts;
    std::vector<std::string_view> values;
    for (const uint32_t slot : slots) {
      const std::vector<std::string_view> ordered = InOrder(slot);
      counts.push_back(static_cast<int64_t>(ordered.size()));
      values.insert(values.end(), ordered.begin(), ordered.end());
    }
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr elements, codec_.Decode(values));
    return MakeLists(type_, counts, elements);
  }

  Status Merge(uint32_t from, uint32_t into) override {
    auto& values = states_[into].values;
    for (const std::string_view value : InOrder(from)) {
      values.try_emplace(std::string(value), static_cast<uint32_t>(values.size()));
    }
    return Status::OK();
  }

  void Serialize(uint32_t slot, std::string* out) const override {
    const std::vector<std::string_view> ordered = InOrder(slot);
    PutPlain(static_cast<uint32_t>(ordered.size()), out);
    for (const std::string_view value : ordered) out->append(value);
  }
  Status Deserialize(uint32_t slot, std::string_view* in) override {
    auto& values = states_[slot].values;
    values.clear();
    uint32_t count = 0;
    bool complete = GetPlain(in, &count);
    for (uint32_t i = 0; complete && i < count; ++i) {
      const std::string_view before = *in;
      complete = codec_.Skip(in);
      values.try_emplace(std::string(before.substr(0, before.size() - in->size())), i);
    }
    return StateRead(complete, "collect_set");
  }

 private:
  std::vector<std::string_view> InOrder(uint32_t slot) const {
    const auto& values = states_[slot].values;
    std::vector<std::string_view> ordered(values.size());
    for (const auto& [value, position] : values) ordered[position] = value;
    return ordered;
  }

  const ValueCodec codec_;
  const data::TypePtr type_;
  std::string scratch_;
};

bool ContainsMap(const arrow::DataType& type) {
  if (type.id() == arrow::Type::MAP) return true;
  for (const auto& field : type.fields()) {
    if (ContainsMap(*field->type())) return true;
  }
  return false;
}

template <typename Collection>
BoundAggregate Make(const ExprPtr& arg) {
  const data::TypePtr element = arg->type();
  const data::TypePtr type = data::ArrayOf(element, /*contains_null=*/false);
  return BoundAggregate{
      .args = {arg},
      .type = type,
      .nullable = false,
      .state_type = StateOf({{"buf", type}}),
      .make = [element] { return std::make_unique<Collection>(element); }};
}

Result<BoundAggregate> BindList(std::span<const ExprPtr> args, const BindContext&) {
  return Make<CollectList>(args[0]);
}

Result<BoundAggregate> BindSet(std::span<const ExprPtr> args, const BindContext&) {
  if (ContainsMap(*args[0]->type())) return NoMapsIn("collect_set", args);
  return Make<CollectSet>(args[0]);
}

constexpr AggregateSpec kAggregates[] = {
    {.name = "array_agg",
     .min_args = 1,
     .max_args = 1,
     .bind = BindList,
     .doc = "The same as collect_list.",
     .example = "array_agg(1, 2, NULL, 1) → [1, 2, 1]"},
    {.name = "collect_list",
     .min_args = 1,
     .max_args = 1,
     .bind = BindList,
     .doc = "All values but nulls, in the order in which they came.",
     .example = "collect_list(1, 2, NULL, 1) → [1, 2, 1]"},
    {.name = "collect_set",
     .min_args = 1,
     .max_args = 1,
     .bind = BindSet,
     .doc = "The distinct values but null; in what order is not promised.",
     .example = "collect_set(1, 1, NULL) → [1]"},
};

}  // namespace

std::span<const AggregateSpec> CollectAggregates() { return kAggregates; }

}  // namespace millrace::expr
