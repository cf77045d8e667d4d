// Checks of argument types that aggregates share, with Spark's errors.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "expr/aggregate.h"
#include "expr/argument_errors.h"
#include "expr/functions/bind.h"
#include "millrace/status.h"

namespace millrace::expr {

/// DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE / 42K09, of collect_set.
Status NoMapsIn(std::string_view aggregate, std::span<const ExprPtr> args);

/// The argument of sum and avg: numbers and intervals as they are, strings and nulls as
/// double.
Result<ExprPtr> NumericArgument(std::string_view aggregate,
                                std::span<const ExprPtr> args);

/// The value of a boolean literal; nothing where `expr` is none.
std::optional<bool> BooleanLiteral(const ExprPtr& expr);

/// A struct of nullable fields: the schema of a state.
data::TypePtr StateOf(
    std::initializer_list<std::pair<std::string_view, data::TypePtr>> fields);

}  // namespace millrace::expr
