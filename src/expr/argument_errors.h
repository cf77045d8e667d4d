// The errors a function reports about its arguments, in Spark's words.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "expr/expr.h"

namespace millrace::expr {

/// UNRESOLVED_ROUTINE: no function or aggregate has this name.
Error UnknownRoutine(std::string_view name);

/// WRONG_NUM_ARGS.WITHOUT_SUGGESTION; `wanted` is as Spark writes it: "1", "> 0", "[2,
/// 3]".
Error WrongArgumentCount(std::string_view function, std::string_view wanted, int found);

/// DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE of argument number `index` (from 0); `wanted`
/// is as Spark writes it: "\"BOOLEAN\"" or "(\"DOUBLE\" or \"FLOAT\")". `counted_as` is
/// the number the message gives the argument, where that differs.
Error UnexpectedInputType(std::string_view function, std::span<const ExprPtr> args,
                          int index, std::string_view wanted, int counted_as = -1);

/// DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES: two operands without a common type.
Error OperandsDiffer(std::string_view function, const ExprPtr& left,
                     const ExprPtr& right);

/// DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE: operands of a common type the operator does
/// not take.
Error WrongOperandType(std::string_view function, std::span<const ExprPtr> args,
                       std::string_view wanted, const arrow::DataType& found);

/// DATATYPE_MISMATCH.DATA_DIFF_TYPES: arguments without a common type. Names the types of
/// `differing`, which are among `args`.
Error ArgumentsDiffer(std::string_view function, std::span<const ExprPtr> args,
                      std::span<const ExprPtr> differing);

/// DATATYPE_MISMATCH.INVALID_ORDERING_TYPE: a map, or something that holds one.
Error NotOrderable(std::string_view function, std::span<const ExprPtr> args,
                   const arrow::DataType& found);

}  // namespace millrace::expr
