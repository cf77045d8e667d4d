#include "plan/analysis_errors.h"

#include "data/types.h"

namespace millrace::plan {

Error FilterNotBoolean(const std::string& condition, const arrow::DataType& type) {
  const std::string quoted = "\"" + condition + "\"";
  const std::string type_name = "\"" + data::SqlTypeName(type) + "\"";
  return AnalysisError("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09",
                       "Cannot resolve {0} due to data type mismatch: Filter expression "
                       "{0} of type {1} is not a boolean.",
                       quoted, type_name)
      .Param("sqlExpr", quoted)
      .Param("filter", quoted)
      .Param("type", type_name);
}

Error ColumnCountsDiffer(std::string_view operation, const LogicalPlan& first,
                         const LogicalPlan& second) {
  return AnalysisError("NUM_COLUMNS_MISMATCH", "42826",
                       "{} can only be performed on inputs with the same number of "
                       "columns, but the first input has {} columns and the second input "
                       "has {} columns.",
                       operation, first.output.size(), second.output.size())
      .Param("operator", std::string(operation))
      .Param("firstNumColumns", fmt::to_string(first.output.size()))
      .Param("invalidOrdinalNum", "second")
      .Param("invalidNumColumns", fmt::to_string(second.output.size()));
}

namespace {

std::string FieldNames(const LogicalPlan& relation) {
  std::string fields;
  for (const Attribute& attribute : relation.output) {
    fields += (fields.empty() ? "" : ", ") + attribute.name;
  }
  return fields;
}

}  // namespace

Error NotAmongFields(const std::string& name, const LogicalPlan& relation) {
  const std::string fields = FieldNames(relation);
  return AnalysisError("UNRESOLVED_COLUMN_AMONG_FIELD_NAMES", "42703",
                       "Cannot resolve column name \"{}\" among ({}).", name, fields)
      .Param("colName", name)
      .Param("fieldNames", fields);
}

Error InvalidPlanNotAmongFields(const std::string& name, const LogicalPlan& relation) {
  const std::string fields = FieldNames(relation);
  return Error(Fault::kUser,
               "The Spark Connect plan is invalid. Cannot resolve column name \"{}\" "
               "among ({}).",
               name, fields)
      .Class("CONNECT_INVALID_PLAN.UNRESOLVED_COLUMN_AMONG_FIELD_NAMES", "56K00")
      .Java("org.apache.spark.sql.connect.common.InvalidPlanInput")
      .Param("colName", name)
      .Param("fieldNames", fields);
}

Error NoSetOfMaps(const Attribute& column) {
  const std::string name = "`" + column.name + "`";
  const std::string type = "\"" + data::SqlTypeName(*column.type) + "\"";
  return AnalysisError("UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "0A000",
                       "The feature is not supported: Cannot have MAP type columns in "
                       "DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), "
                       "but the type of column {} is {}.",
                       name, type)
      .Param("colName", name)
      .Param("dataType", type);
}

Error NotSortable(const std::string& order, const arrow::DataType& type) {
  const std::string quoted = "\"" + order + "\"";
  const std::string type_name = "\"" + data::SqlTypeName(type) + "\"";
  return AnalysisError(
             "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09",
             "Cannot resolve {} due to data type mismatch: The `sortorder` does "
             "not support ordering on type {}.",
             quoted, type_name)
      .Param("functionName", "`sortorder`")
      .Param("dataType", type_name)
      .Param("sqlExpr", quoted);
}

}  // namespace millrace::plan
