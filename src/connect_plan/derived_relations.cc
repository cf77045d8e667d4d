#include "connect_plan/derived_relations.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "connect_plan/expression_decoder.h"
#include "expr/cast.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using plan::Attribute;
using plan::PlanPtr;
using plan::UnresolvedExpr;
using Kind = UnresolvedExpr::Kind;
using Exprs = std::vector<UnresolvedExpr>;

UnresolvedExpr Column(const std::string& name) {
  return UnresolvedExpr::Attribute({name});
}

UnresolvedExpr Literal(const std::shared_ptr<arrow::Scalar>& value) {
  return UnresolvedExpr::Literal(arrow::MakeArrayFromScalar(*value, 1).ValueOrDie());
}
UnresolvedExpr Literal(int32_t value) { return Literal(arrow::MakeScalar(value)); }
UnresolvedExpr Literal(const std::string& value) {
  return Literal(std::make_shared<arrow::StringViewScalar>(value));
}
UnresolvedExpr Null() { return Literal(std::make_shared<arrow::NullScalar>()); }

UnresolvedExpr Call(std::string name, Exprs children) {
  return UnresolvedExpr::Call(std::move(name), std::move(children));
}

bool IsFloating(const arrow::DataType& type) {
  return type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE;
}

// Fills and replacements touch columns of the value's kind only.
bool SameKind(const arrow::DataType& a, const arrow::DataType& b) {
  return (data::IsNumeric(a) && data::IsNumeric(b)) ||
         (data::IsString(a) && data::IsString(b)) ||
         (a.id() == arrow::Type::BOOL && b.id() == arrow::Type::BOOL);
}

// The columns that `names` mean, all where it is empty.
Result<std::vector<const Attribute*>> Columns(
    const plan::LogicalPlan& input,
    const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<const Attribute*> found;
  if (names.empty()) {
    for (const Attribute& attribute : input.output) found.push_back(&attribute);
    return found;
  }
  std::string all;
  for (const Attribute& attribute : input.output) {
    all += (all.empty() ? "`" : ", `") + attribute.name + "`";
  }
  for (const std::string& name : names) {
    const auto match =
        std::find_if(input.output.begin(), input.output.end(),
                     [&](const Attribute& a) { return EqualsIgnoreCase(a.name, name); });
    if (match == input.output.end()) {
      return AnalysisError(
                 "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703",
                 "A column, variable, or function parameter with name `{}` cannot be "
                 "resolved. Did you mean one of the following? [{}].",
                 name, all)
          .Param("objectName", "`" + name + "`")
          .Param("proposal", all);
    }
    found.push_back(&*match);
  }
  return found;
}

bool Contains(const std::vector<const Attribute*>& chosen, const Attribute& attribute) {
  return std::any_of(chosen.begin(), chosen.end(),
                     [&](const Attribute* one) { return one->id == attribute.id; });
}

// Both inputs, with the names of the left one and two marks that tell where a row is
// from, grouped to one row for each different row. SQL's equality of rows: null is null,
// NaN is NaN.
Result<PlanPtr> RowsWithOrigin(const plan::PlanBuilder& builder, PlanPtr left,
                               PlanPtr right) {
  const auto mark = [&](const PlanPtr& side, int32_t in_left, int32_t in_right) {
    Exprs columns;
    for (const Attribute& attribute : side->output)
      columns.push_back(Column(attribute.name));
    columns.push_back(UnresolvedExpr::Alias(Literal(in_left), "__in_left"));
    columns.push_back(UnresolvedExpr::Alias(Literal(in_right), "__in_right"));
    return builder.Project(side, columns);
  };
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr marked_left, mark(left, 1, 0));
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr marked_right, mark(right, 0, 1));
  MILLRACE_ASSIGN_OR_RETURN(
      PlanPtr all,
      builder.Union(std::move(marked_left), std::move(marked_right), false, false));
  Exprs keys;
  for (const Attribute& attribute : left->output) keys.push_back(Column(attribute.name));
  const Exprs aggregates = {
      UnresolvedExpr::Alias(Call("max", {Column("__in_left")}), "__in_left"),
      UnresolvedExpr::Alias(Call("max", {Column("__in_right")}), "__in_right")};
  return builder.Aggregate(std::move(all), keys, aggregates);
}

Result<PlanPtr> RowsWhere(const plan::PlanBuilder& builder, PlanPtr left, PlanPtr right,
                          int32_t in_right) {
  Exprs names;
  for (const Attribute& attribute : left->output) names.push_back(Column(attribute.name));
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr rows,
                            RowsWithOrigin(builder, std::move(left), std::move(right)));
  const UnresolvedExpr condition =
      Call("and", {Call("==", {Column("__in_left"), Literal(1)}),
                   Call("==", {Column("__in_right"), Literal(in_right)})});
  MILLRACE_ASSIGN_OR_RETURN(rows, builder.Filter(std::move(rows), condition));
  return builder.Project(std::move(rows), names);
}

// Spark's canANSIStoreAssign, as far as texts go: they become no numbers or times.
bool CanStore(const arrow::DataType& from, const arrow::DataType& to) {
  return !data::IsString(from) || data::IsString(to) ||
         to.id() == arrow::Type::BINARY_VIEW;
}

}  // namespace

Result<PlanPtr> DropNa(const plan::PlanBuilder& builder, PlanPtr input,
                       const proto::NADrop& node) {
  MILLRACE_ASSIGN_OR_RETURN(const auto columns, Columns(*input, node.cols()));
  if (columns.empty()) return input;
  UnresolvedExpr count = Literal(0);
  for (const Attribute* column : columns) {
    UnresolvedExpr present = Call("isnotnull", {Column(column->name)});
    if (IsFloating(*column->type)) {
      present =
          Call("and", {present, Call("not", {Call("isnan", {Column(column->name)})})});
    }
    count = Call("+", {count, Call("when", {present, Literal(1), Literal(0)})});
  }
  const int32_t wanted = node.has_min_non_nulls() ? node.min_non_nulls()
                                                  : static_cast<int32_t>(columns.size());
  return builder.Filter(std::move(input), Call(">=", {count, Literal(wanted)}));
}

Result<PlanPtr> FillNa(const plan::PlanBuilder& builder, PlanPtr input,
                       const proto::NAFill& node) {
  if (node.values().empty() ||
      (node.values_size() > 1 && node.values_size() != node.cols_size())) {
    return ArgumentError(
        "fillna needs one value, or as many values as columns; found {} values "
        "and {} columns.",
        node.values_size(), node.cols_size());
  }
  MILLRACE_ASSIGN_OR_RETURN(const auto chosen, Columns(*input, node.cols()));
  std::vector<data::ArrayPtr> values;
  for (const auto& value : node.values()) {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr decoded, DecodeLiteral(value));
    values.push_back(std::move(decoded));
  }
  Exprs columns;
  for (const Attribute& attribute : input->output) {
    UnresolvedExpr column = Column(attribute.name);
    for (size_t i = 0; i < chosen.size(); ++i) {
      const data::ArrayPtr& value = values[values.size() == 1 ? 0 : i];
      if (chosen[i]->id != attribute.id || !SameKind(*value->type(), *attribute.type))
        continue;
      if (IsFloating(*attribute.type)) {
        column = Call("nanvl", {column, UnresolvedExpr::Cast(Null(), attribute.type)});
      }
      column = Call(
          "coalesce",
          {column, UnresolvedExpr::Cast(UnresolvedExpr::Literal(value), attribute.type)});
    }
    columns.push_back(column.kind == Kind::kAttribute
                          ? column
                          : UnresolvedExpr::Alias(column, attribute.name));
  }
  return builder.Project(std::move(input), columns);
}

Result<PlanPtr> ReplaceValues(const plan::PlanBuilder& builder, PlanPtr input,
                              const proto::NAReplace& node) {
  MILLRACE_ASSIGN_OR_RETURN(const auto chosen, Columns(*input, node.cols()));
  Exprs columns;
  for (const Attribute& attribute : input->output) {
    Exprs branches;
    for (const auto& replacement : node.replacements()) {
      MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr old_value,
                                DecodeLiteral(replacement.old_value()));
      MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr new_value,
                                DecodeLiteral(replacement.new_value()));
      if (!Contains(chosen, attribute) || !SameKind(*old_value->type(), *attribute.type))
        continue;
      branches.push_back(Call(
          "==",
          {Column(attribute.name),
           UnresolvedExpr::Cast(UnresolvedExpr::Literal(old_value), attribute.type)}));
      branches.push_back(
          UnresolvedExpr::Cast(UnresolvedExpr::Literal(new_value), attribute.type));
    }
    if (branches.empty()) {
      columns.push_back(Column(attribute.name));
      continue;
    }
    branches.push_back(Column(attribute.name));
    columns.push_back(
        UnresolvedExpr::Alias(Call("when", std::move(branches)), attribute.name));
  }
  return builder.Project(std::move(input), columns);
}

Result<PlanPtr> ToSchema(const plan::PlanBuilder& builder, PlanPtr input,
                         const data::SchemaPtr& schema) {
  Exprs columns;
  for (const auto& field : schema->fields()) {
    const auto found = std::find_if(
        input->output.begin(), input->output.end(),
        [&](const Attribute& a) { return EqualsIgnoreCase(a.name, field->name()); });
    if (found == input->output.end() && !field->nullable()) {
      return AnalysisError(
                 "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703",
                 "A column, variable, or function parameter with name `{}` cannot be "
                 "resolved.",
                 field->name())
          .Param("objectName", "`" + field->name() + "`");
    }
    if (found != input->output.end() && found->nullable && !field->nullable()) {
      return AnalysisError("NULLABLE_COLUMN_OR_FIELD", "42000",
                           "Column or field `{}` is nullable while it's required to be "
                           "non-nullable.",
                           field->name())
          .Param("name", "`" + field->name() + "`");
    }
    if (found != input->output.end() && !CanStore(*found->type, *field->type())) {
      const std::string name = "`" + field->name() + "`";
      const std::string is = "\"" + data::SqlTypeName(*found->type) + "\"";
      const std::string wanted = "\"" + data::SqlTypeName(*field->type()) + "\"";
      return AnalysisError("INVALID_COLUMN_OR_FIELD_DATA_TYPE", "42000",
                           "Column or field {} is of type {} while it's required to be "
                           "{}.",
                           name, is, wanted)
          .Param("name", name)
          .Param("type", is)
          .Param("expectedType", wanted);
    }
    UnresolvedExpr value = found == input->output.end() ? Null() : Column(found->name);
    if (found == input->output.end() || !found->type->Equals(*field->type())) {
      value = UnresolvedExpr::Cast(std::move(value), field->type());
    }
    columns.push_back(UnresolvedExpr::Alias(std::move(value), field->name()));
  }
  return builder.Project(std::move(input), columns);
}

Result<PlanPtr> IntersectDistinct(const plan::PlanBuilder& builder, PlanPtr left,
                                  PlanPtr right) {
  return RowsWhere(builder, std::move(left), std::move(right), 1);
}

Result<PlanPtr> ExceptDistinct(const plan::PlanBuilder& builder, PlanPtr left,
                               PlanPtr right) {
  return RowsWhere(builder, std::move(left), std::move(right), 0);
}

Result<PlanPtr> Unpivot(const plan::PlanBuilder& builder, PlanPtr input,
                        const proto::Unpivot& node, const Exprs& ids,
                        const Exprs& values) {
  const auto find = [&](const UnresolvedExpr& named) -> Result<const Attribute*> {
    MILLRACE_ASSIGN_OR_RETURN(
        const auto found,
        Columns(*input, google::protobuf::RepeatedPtrField<std::string>()));
    for (const Attribute* column : found) {
      if (EqualsIgnoreCase(column->name, plan::ColumnName(named))) return column;
    }
    google::protobuf::RepeatedPtrField<std::string> missing;
    *missing.Add() = plan::ColumnName(named);
    return Columns(*input, missing).status();
  };
  std::vector<const Attribute*> kept;
  for (const UnresolvedExpr& id : ids) {
    MILLRACE_ASSIGN_OR_RETURN(const Attribute* column, find(id));
    kept.push_back(column);
  }
  std::vector<const Attribute*> turned;
  for (const UnresolvedExpr& value : values) {
    MILLRACE_ASSIGN_OR_RETURN(const Attribute* column, find(value));
    turned.push_back(column);
  }
  if (!node.has_values()) {
    for (const Attribute& attribute : input->output) {
      if (!Contains(kept, attribute)) turned.push_back(&attribute);
    }
  }
  if (turned.empty()) {
    return AnalysisError("UNPIVOT_REQUIRES_VALUE_COLUMNS", "42K0A",
                         "At least one value column needs to be specified for UNPIVOT, "
                         "all columns specified as ids.");
  }
  data::TypePtr type = turned[0]->type;
  for (const Attribute* column : turned) {
    const std::optional<data::TypePtr> wider = expr::WidestType(type, column->type);
    if (!wider) {
      return AnalysisError("UNPIVOT_VALUE_DATA_TYPE_MISMATCH", "42K09",
                           "Unpivot value columns must share a least common type, some "
                           "types do not: [\"{}\" and \"{}\"].",
                           data::SqlTypeName(*type), data::SqlTypeName(*column->type));
    }
    type = *wider;
  }
  Exprs rows;
  for (const Attribute* column : turned) {
    rows.push_back(
        Call("named_struct", {Literal(std::string("name")), Literal(column->name),
                              Literal(std::string("value")),
                              UnresolvedExpr::Cast(Column(column->name), type)}));
  }
  Exprs columns;
  for (const Attribute* column : kept) columns.push_back(Column(column->name));
  UnresolvedExpr all =
      UnresolvedExpr::Alias(Call("inline", {Call("array", std::move(rows))}), "");
  all.name_parts = {node.variable_column_name(), node.value_column_name()};
  columns.push_back(std::move(all));
  return builder.Project(std::move(input), columns);
}

}  // namespace millrace::connect_plan
