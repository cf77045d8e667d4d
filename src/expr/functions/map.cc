// Functions of maps: what they hold, and making them.
#include <algorithm>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/cast.h"
#include "expr/compare.h"
#include "expr/functions/lists.h"
#include "expr/functions/map_builder.h"
#include "expr/functions/tables.h"
#include "expr/functions/typed_call.h"
#include "expr/sql_text.h"
#include "expr/type_rules.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;
using arrow::Type;

const arrow::MapType& MapOf(const ExprPtr& arg) {
  return static_cast<const arrow::MapType&>(*arg->type());
}

Status NotAMap(Text name, Args args) {
  return UnexpectedInputType(name, args, 0, "\"MAP\"");
}

// A column of arrays over the same entries as a column of maps.
Value WithElements(const KernelInput& in, const data::ArrayPtr& elements) {
  const auto& data = *in.args[0].array->data();
  auto out =
      arrow::ArrayData::Make(in.type, data.length, {data.buffers[0], data.buffers[1]},
                             {elements->data()}, data.null_count, data.offset);
  return Value{arrow::MakeArray(std::move(out)), in.args[0].constant};
}

// A call that is null whatever comes, as Spark's are of a null without type.
Bound NullArray() {
  return MakeBound({}, data::ArrayOf(data::NullType()),
                   [](const KernelInput& in) { return NullConstant(in.type); },
                   {.makes_nulls = true});
}

Bound BindKeys(Args args, const BindContext&) {
  if (args[0]->type()->id() == Type::NA) return NullArray();
  if (args[0]->type()->id() != Type::MAP) return NotAMap("map_keys", args);
  return MakeBound({args[0]}, data::ArrayOf(MapOf(args[0]).key_type()),
                   [](const KernelInput& in) -> Result<Value> {
                     return WithElements(
                         in,
                         static_cast<const arrow::MapArray&>(*in.args[0].array).keys());
                   });
}

Bound BindValues(Args args, const BindContext&) {
  if (args[0]->type()->id() == Type::NA) return NullArray();
  if (args[0]->type()->id() != Type::MAP) return NotAMap("map_values", args);
  const arrow::MapType& map = MapOf(args[0]);
  return MakeBound(
      {args[0]}, data::ArrayOf(map.item_type(), map.item_field()->nullable()),
      [](const KernelInput& in) -> Result<Value> {
        return WithElements(
            in, static_cast<const arrow::MapArray&>(*in.args[0].array).items());
      });
}

Bound BindEntries(Args args, const BindContext&) {
  if (args[0]->type()->id() != Type::MAP) return NotAMap("map_entries", args);
  const arrow::MapType& map = MapOf(args[0]);
  const data::TypePtr entry = arrow::struct_(
      {arrow::field("key", map.key_type(), false),
       arrow::field("value", map.item_type(), map.item_field()->nullable())});
  return MakeBound(
      {args[0]}, data::ArrayOf(entry, false),
      [entry](const KernelInput& in) -> Result<Value> {
        const auto& maps = static_cast<const arrow::MapArray&>(*in.args[0].array);
        const auto entries = std::make_shared<arrow::StructArray>(
            entry, maps.keys()->length(), arrow::ArrayVector{maps.keys(), maps.items()});
        return WithElements(in, entries);
      });
}

Status KeysDiffer(Text name, Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(name, args));
  const std::string left = fmt::format("\"{}\"", data::SqlTypeName(*args[0]->type()));
  const std::string right = fmt::format("\"{}\"", data::SqlTypeName(*args[1]->type()));
  return AnalysisError(
             "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES", "42K09",
             "Cannot resolve {} due to data type mismatch: Input to `{}` should have "
             "been \"MAP\" followed by a value with same key type, but it's [{}, {}].",
             sql, name, left, right)
      .Param("functionName", fmt::format("`{}`", name))
      .Param("dataType", "\"MAP\"")
      .Param("leftType", left)
      .Param("rightType", right)
      .Param("sqlExpr", sql);
}

Bound BindContainsKey(Args args, const BindContext&) {
  constexpr Text kName = "map_contains_key";
  if (args[0]->type()->id() == Type::NA || args[1]->type()->id() == Type::NA) {
    const std::string sql = fmt::format("\"{}\"", SqlCallText(kName, args));
    return AnalysisError(
               "DATATYPE_MISMATCH.NULL_TYPE", "42K09",
               "Cannot resolve {} due to data type mismatch: Null typed values cannot "
               "be used as arguments of `{}`.",
               sql, kName)
        .Param("functionName", fmt::format("`{}`", kName))
        .Param("sqlExpr", sql);
  }
  if (args[0]->type()->id() != Type::MAP) return NotAMap(kName, args);
  const arrow::MapType& map = MapOf(args[0]);
  const auto key_type = WidestType(map.key_type(), args[1]->type());
  if (!key_type.has_value() ||
      data::IsString(*map.key_type()) != data::IsString(*args[1]->type())) {
    return KeysDiffer(kName, args);
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr cast,
                            MakeCast(args[0], data::MapOf(*key_type, map.item_type(),
                                                          map.item_field()->nullable())));
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr key, MakeCast(args[1], *key_type));
  return MakeBound(
      {std::move(cast), std::move(key)}, data::BooleanType(),
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        MILLRACE_ASSIGN_OR_RETURN(const Validity validity,
                                  IntersectValidity(in.args, rows));
        if (validity.all_null) return NullConstant(in.type);
        const auto& maps = static_cast<const arrow::MapArray&>(*in.args[0].array);
        const ListRows entries(in.args[0]);
        FixedOutput<bool> out;
        MILLRACE_RETURN_IF_ERROR(out.Allocate(rows));
        validity.VisitRuns(rows, [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; ++row) {
            bool found = false;
            for (int32_t i = entries.begin(row); i < entries.end(row); ++i) {
              found |= CompareValues(*maps.keys(), i, *in.args[1].array,
                                     in.args[1].index(row)) == 0;
            }
            out.Set(row, found);
          }
          return true;
        });
        return MakeValue(in.type, rows, constant, validity.bits, out.Finish());
      });
}

// --- making

Bound BindFromArrays(Args args, const BindContext&) {
  constexpr Text kName = "map_from_arrays";
  for (int i = 0; i < 2; ++i) {
    if (args[static_cast<size_t>(i)]->type()->id() != Type::LIST) {
      return UnexpectedInputType(kName, args, i, "\"ARRAY\"");
    }
  }
  const auto& keys = static_cast<const arrow::ListType&>(*args[0]->type());
  const auto& values = static_cast<const arrow::ListType&>(*args[1]->type());
  return MakeBound(
      {args[0], args[1]},
      data::MapOf(keys.value_type(), values.value_type(),
                  values.value_field()->nullable()),
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        const ListRows key_lists(in.args[0]);
        const ListRows value_lists(in.args[1]);
        MapBuilder out(key_lists.shared_elements(), value_lists.shared_elements());
        for (int64_t row = 0; row < rows; ++row) {
          if (key_lists.IsNull(row) || value_lists.IsNull(row)) {
            out.AppendNull();
            continue;
          }
          if (key_lists.size(row) != value_lists.size(row)) {
            return Error(Fault::kData,
                         "The key array and value array of MapData must have the same "
                         "length.")
                .Class("_LEGACY_ERROR_TEMP_2128")
                .Java(kSparkRuntimeException);
          }
          for (int32_t i = 0; i < key_lists.size(row); ++i) {
            MILLRACE_RETURN_IF_ERROR(
                out.Append(key_lists.begin(row) + i, value_lists.begin(row) + i));
          }
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr maps, out.Finish(in.type));
        return Value{std::move(maps), constant};
      },
      {.can_fail = true});
}

Bound BindFromEntries(Args args, const BindContext&) {
  const auto* list = dynamic_cast<const arrow::ListType*>(args[0]->type().get());
  if (list == nullptr || list->value_type()->id() != Type::STRUCT ||
      list->value_type()->num_fields() != 2) {
    return UnexpectedInputType("map_from_entries", args, 0,
                               "\"ARRAY\" of pair \"STRUCT\"");
  }
  const auto& key = list->value_type()->field(0);
  const auto& value = list->value_type()->field(1);
  return MakeBound(
      {args[0]}, data::MapOf(key->type(), value->type(), value->nullable()),
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = in.args[0].constant;
        const int64_t rows = constant ? 1 : in.rows;
        const ListRows lists(in.args[0]);
        const auto& entries = static_cast<const arrow::StructArray&>(lists.elements());
        MapBuilder out(entries.field(0), entries.field(1));
        for (int64_t row = 0; row < rows; ++row) {
          bool present = !lists.IsNull(row);
          for (int32_t i = lists.begin(row); present && i < lists.end(row); ++i) {
            present = !entries.IsNull(i);
          }
          if (!present) {
            out.AppendNull();
            continue;
          }
          for (int32_t i = lists.begin(row); i < lists.end(row); ++i) {
            MILLRACE_RETURN_IF_ERROR(out.Append(i, i));
          }
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr maps, out.Finish(in.type));
        return Value{std::move(maps), constant};
      },
      {.makes_nulls = list->value_field()->nullable(), .can_fail = true});
}

Status NotAllMaps(Args args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText("map_concat", args));
  std::string types;
  for (const ExprPtr& arg : args) {
    types += fmt::format("{}\"{}\"", types.empty() ? "" : ", ",
                         data::SqlTypeName(*arg->type()));
  }
  return AnalysisError(
             "DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES", "42K09",
             "Cannot resolve {} due to data type mismatch: The `map_concat` should "
             "all be of type map, but it's [{}].",
             sql, types)
      .Param("functionName", "`map_concat`")
      .Param("dataType", "[" + types + "]")
      .Param("sqlExpr", sql);
}

Bound BindMapConcat(Args args, const BindContext&) {
  data::TypePtr type = args[0]->type();
  for (const ExprPtr& arg : args) {
    const auto wider =
        arg->type()->id() == Type::MAP ? WidestType(type, arg->type()) : std::nullopt;
    if (!wider.has_value() || (*wider)->id() != Type::MAP) return NotAllMaps(args);
    type = *wider;
  }
  std::vector<ExprPtr> cast;
  for (const ExprPtr& arg : args) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr one, MakeCast(arg, type));
    cast.push_back(std::move(one));
  }
  return MakeBound(
      std::move(cast), type,
      [](const KernelInput& in) -> Result<Value> {
        const bool constant = AllConstant(in.args);
        const int64_t rows = constant ? 1 : in.rows;
        std::vector<ListRows> maps(in.args.begin(), in.args.end());
        std::vector<data::ArrayPtr> keys;
        std::vector<data::ArrayPtr> values;
        std::vector<int32_t> shifts;
        int32_t shift = 0;
        for (const Value& arg : in.args) {
          const auto& map = static_cast<const arrow::MapArray&>(*arg.array);
          keys.push_back(map.keys());
          values.push_back(map.items());
          shifts.push_back(shift);
          shift += static_cast<int32_t>(map.keys()->length());
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr all_keys, data::Concat(keys));
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr all_values, data::Concat(values));
        MapBuilder out(std::move(all_keys), std::move(all_values));
        for (int64_t row = 0; row < rows; ++row) {
          if (std::any_of(maps.begin(), maps.end(),
                          [row](const ListRows& map) { return map.IsNull(row); })) {
            out.AppendNull();
            continue;
          }
          for (size_t part = 0; part < maps.size(); ++part) {
            for (int32_t i = maps[part].begin(row); i < maps[part].end(row); ++i) {
              MILLRACE_RETURN_IF_ERROR(out.Append(i + shifts[part], i + shifts[part]));
            }
          }
          out.Commit();
        }
        MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr result, out.Finish(in.type));
        return Value{std::move(result), constant};
      },
      {.can_fail = true});
}

const FunctionSpec kFunctions[] = {
    {"map_concat", 1, -1, BindMapConcat, "The entries of all maps.",
     "map_concat(map(1, 'a', 2, 'b'), map(3, 'c')) → {1 -> a, 2 -> b, 3 -> c}"},
    {"map_contains_key", 2, 2, BindContainsKey, "Whether the map has the key.",
     "map_contains_key(map(1, 'a', 2, 'b'), 1) → true"},
    {"map_entries", 1, 1, BindEntries, "The entries as an array of structs.",
     "map_entries(map(1, 'a', 2, 'b')) → [{1, a}, {2, b}]"},
    {"map_from_arrays", 2, 2, BindFromArrays,
     "A map of an array of keys and one of values.",
     "map_from_arrays(array(1, 3), array('2', '4')) → {1 -> 2, 3 -> 4}"},
    {"map_from_entries", 1, 1, BindFromEntries, "A map of an array of pairs.",
     "map_from_entries(array(struct(1, 'a'), struct(2, 'b'))) → {1 -> a, 2 -> b}"},
    {"map_keys", 1, 1, BindKeys, "The keys as an array.",
     "map_keys(map(1, 'a', 2, 'b')) → [1, 2]"},
    {"map_values", 1, 1, BindValues, "The values as an array.",
     "map_values(map(1, 'a', 2, 'b')) → [a, b]"},
};

}  // namespace

std::span<const FunctionSpec> MapFunctions() { return kFunctions; }

}  // namespace millrace::expr
