// Higher-order functions of maps. A lambda is called once for the entries of all rows.
#include <absl/container/flat_hash_map.h>

#include <arrow/record_batch.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/functions/lambda_call.h"
#include "expr/functions/lists.h"
#include "expr/functions/map_builder.h"
#include "expr/functions/tables.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;

const arrow::MapType& MapOf(const ExprPtr& arg) {
  return static_cast<const arrow::MapType&>(*arg->type());
}

// The entries of all rows, one after the other, and what the lambda gives for each.
struct EntryResults {
  Value input;
  bool constant = false;
  int64_t rows = 0;
  data::ArrayPtr keys;
  data::ArrayPtr values;
  data::ArrayPtr results;
};

Result<EntryResults> CallForEntries(const LazyInput& in) {
  EntryResults entries;
  MILLRACE_ASSIGN_OR_RETURN(entries.input, in.args[0]->Evaluate(in.batch, in.context));
  const ListRows maps(entries.input);
  entries.constant = entries.input.constant && LambdasAreClosed(in.args);
  entries.rows = entries.constant ? 1 : in.batch->num_rows();
  std::vector<int32_t> of;
  std::vector<int32_t> indices;
  for (int64_t row = 0; row < entries.rows; ++row) {
    if (maps.IsNull(row)) continue;
    for (int32_t i = maps.begin(row); i < maps.end(row); ++i) {
      of.push_back(static_cast<int32_t>(row));
      indices.push_back(i);
    }
  }
  const auto& map = static_cast<const arrow::MapArray&>(*entries.input.array);
  MILLRACE_ASSIGN_OR_RETURN(entries.keys, data::Take(*map.keys(), indices));
  MILLRACE_ASSIGN_OR_RETURN(entries.values, data::Take(*map.items(), indices));
  const data::ArrayPtr arguments[] = {entries.keys, entries.values};
  MILLRACE_ASSIGN_OR_RETURN(entries.results,
                            CallLambda(*AsLambda(in.args[1]), in, of, arguments));
  return entries;
}

// Maps of `keys` and `values`, both by entry; those for which keep(entry) is false are
// left out.
template <typename F>
Result<Value> MakeMaps(const LazyInput& in, const EntryResults& entries,
                       const data::ArrayPtr& keys, const data::ArrayPtr& values, F keep) {
  const ListRows maps(entries.input);
  MapBuilder out(keys, values);
  int32_t entry = 0;
  for (int64_t row = 0; row < entries.rows; ++row) {
    if (maps.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    for (int32_t i = 0; i < maps.size(row); ++i, ++entry) {
      if (keep(entry)) MILLRACE_RETURN_IF_ERROR(out.Append(entry, entry));
    }
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), entries.constant};
}

constexpr auto kAll = [](int32_t) { return true; };

Bound BindTransformKeys(Args args, const BindContext&) {
  const arrow::MapType& map = MapOf(args[0]);
  BoundFunction bound = LambdaCall(
      args, data::MapOf(args[1]->type(), map.item_type(), map.item_field()->nullable()),
      args[0]->nullable(), [](const LazyInput& in) -> Result<Value> {
        MILLRACE_ASSIGN_OR_RETURN(const EntryResults entries, CallForEntries(in));
        return MakeMaps(in, entries, entries.results, entries.values, kAll);
      });
  bound.can_fail = true;
  return bound;
}

Bound BindTransformValues(Args args, const BindContext&) {
  return LambdaCall(
      args, data::MapOf(MapOf(args[0]).key_type(), args[1]->type(), args[1]->nullable()),
      args[0]->nullable(), [](const LazyInput& in) -> Result<Value> {
        MILLRACE_ASSIGN_OR_RETURN(const EntryResults entries, CallForEntries(in));
        return MakeMaps(in, entries, entries.keys, entries.results, kAll);
      });
}

Bound BindMapFilter(Args args, const BindContext&) {
  if (args[1]->type()->id() != arrow::Type::BOOL) {
    return UnexpectedInputType("map_filter", args, 1, "\"BOOLEAN\"");
  }
  return LambdaCall(
      args, args[0]->type(), args[0]->nullable(),
      [](const LazyInput& in) -> Result<Value> {
        MILLRACE_ASSIGN_OR_RETURN(const EntryResults entries, CallForEntries(in));
        const Reader<bool> keep(*entries.results);
        return MakeMaps(in, entries, entries.keys, entries.values,
                        [&](int32_t i) { return !keep.IsNull(i) && keep[i]; });
      });
}

// The keys of two maps: of each its index in both columns of entries, -1 where it is not.
struct KeyPairs {
  std::vector<int32_t> left;
  std::vector<int32_t> right;
};

Result<Value> EvaluateZip(const LazyInput& in) {
  MILLRACE_ASSIGN_OR_RETURN(const Value left, in.args[0]->Evaluate(in.batch, in.context));
  MILLRACE_ASSIGN_OR_RETURN(const Value right,
                            in.args[1]->Evaluate(in.batch, in.context));
  const ListRows lefts(left);
  const ListRows rights(right);
  const auto& left_map = static_cast<const arrow::MapArray&>(*left.array);
  const auto& right_map = static_cast<const arrow::MapArray&>(*right.array);
  const bool constant = left.constant && right.constant && LambdasAreClosed(in.args);
  const int64_t rows = constant ? 1 : in.batch->num_rows();
  const ValueCodec codec(left_map.keys()->type(), /*normalize_floats=*/true);

  std::vector<int32_t> of;
  std::vector<int32_t> ends;  // of each row's pairs
  KeyPairs pairs;
  absl::flat_hash_map<std::string, size_t> places;
  std::string key;
  for (int64_t row = 0; row < rows; ++row) {
    if (!lefts.IsNull(row) && !rights.IsNull(row)) {
      places.clear();
      for (int32_t i = lefts.begin(row); i < lefts.end(row); ++i) {
        key.clear();
        codec.Append(*left_map.keys(), i, &key);
        places.emplace(key, pairs.left.size());
        pairs.left.push_back(i);
        pairs.right.push_back(-1);
      }
      for (int32_t i = rights.begin(row); i < rights.end(row); ++i) {
        key.clear();
        codec.Append(*right_map.keys(), i, &key);
        const auto found = places.find(key);
        if (found != places.end()) {
          pairs.right[found->second] = i;
        } else {
          pairs.left.push_back(-1);
          pairs.right.push_back(i);
        }
      }
      of.resize(pairs.left.size(), static_cast<int32_t>(row));
    }
    ends.push_back(static_cast<int32_t>(of.size()));
  }

  // Keys out of whichever map has them.
  std::vector<int32_t> key_indices;
  const auto shift = static_cast<int32_t>(left_map.keys()->length());
  for (size_t i = 0; i < of.size(); ++i) {
    key_indices.push_back(pairs.left[i] >= 0 ? pairs.left[i] : pairs.right[i] + shift);
  }
  const data::ArrayPtr both[] = {left_map.keys(), right_map.keys()};
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr all_keys, data::Concat(both));
  data::ArrayPtr arguments[3];
  MILLRACE_ASSIGN_OR_RETURN(arguments[0], data::Take(*all_keys, key_indices));
  MILLRACE_ASSIGN_OR_RETURN(arguments[1], data::Take(*left_map.items(), pairs.left));
  MILLRACE_ASSIGN_OR_RETURN(arguments[2], data::Take(*right_map.items(), pairs.right));
  MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr results,
                            CallLambda(*AsLambda(in.args[2]), in, of, arguments));
  MapBuilder out(arguments[0], results);
  int32_t entry = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (lefts.IsNull(row) || rights.IsNull(row)) {
      out.AppendNull();
      continue;
    }
    for (; entry < ends[static_cast<size_t>(row)]; ++entry) {
      MILLRACE_RETURN_IF_ERROR(out.Append(entry, entry));
    }
    out.Commit();
  }
  MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr array, out.Finish(in.type));
  return Value{std::move(array), constant};
}

Bound BindMapZipWith(Args args, const BindContext&) {
  const auto key = CommonKeyType(MapOf(args[0]), MapOf(args[1]));
  std::vector<ExprPtr> cast(args.begin(), args.end());
  for (ExprPtr& arg : std::span(cast).first(2)) {
    const arrow::MapType& map = MapOf(arg);
    MILLRACE_ASSIGN_OR_RETURN(
        arg,
        MakeCast(arg, data::MapOf(*key, map.item_type(), map.item_field()->nullable())));
  }
  const bool nullable = args[0]->nullable() || args[1]->nullable();
  return LambdaCall(cast, data::MapOf(*key, args[2]->type(), args[2]->nullable()),
                    nullable, EvaluateZip);
}

const FunctionSpec kFunctions[] = {
    {"map_filter", 2, 2, BindMapFilter, "The entries for which a condition holds.",
     "map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v) → {1 -> 0, 3 -> -1}"},
    {"map_zip_with", 3, 3, BindMapZipWith,
     "A map with the keys of both maps, whose values a lambda makes of both values.",
     "map_zip_with(map(1, 'a'), map(1, 'x'), (k, a, b) -> concat(a, b)) → {1 -> ax}"},
    {"transform_keys", 2, 2, BindTransformKeys, "The map with other keys.",
     "transform_keys(map(1, 1, 2, 2), (k, v) -> k + 1) → {2 -> 1, 3 -> 2}"},
    {"transform_values", 2, 2, BindTransformValues, "The map with other values.",
     "transform_values(map(1, 1, 2, 2), (k, v) -> k + v) → {1 -> 2, 2 -> 4}"},
};

}  // namespace

std::span<const FunctionSpec> MapLambdaFunctions() { return kFunctions; }

}  // namespace millrace::expr
