// Inside `plan` only: errors that several relations have in common, in Spark's words.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "plan/logical_plan.h"

namespace millrace::plan {

/// A condition, as text, that is of another type: DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN.
Error FilterNotBoolean(const std::string& condition, const arrow::DataType& type);

/// UNION, INTERSECT or EXCEPT of relations of different width: NUM_COLUMNS_MISMATCH.
Error ColumnCountsDiffer(std::string_view operation, const LogicalPlan& first,
                         const LogicalPlan& second);

/// A name that a relation has no column of: UNRESOLVED_COLUMN_AMONG_FIELD_NAMES.
Error NotAmongFields(const std::string& name, const LogicalPlan& relation);

/// The same of a message of Spark Connect, CONNECT_INVALID_PLAN.….
Error InvalidPlanNotAmongFields(const std::string& name, const LogicalPlan& relation);

/// distinct() of a column of maps: UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE.
Error NoSetOfMaps(const Attribute& column);

/// A sort order, as text, of a type without order:
/// DATATYPE_MISMATCH.INVALID_ORDERING_TYPE.
Error NotSortable(const std::string& order, const arrow::DataType& type);

}  // namespace millrace::plan
