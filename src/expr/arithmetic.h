// Kernels of + - * / % and their kin under ANSI rules; Spark's BinaryArithmetic.
#pragma once

#include "expr/decimal.h"
#include "expr/kernel.h"

namespace millrace::expr {

enum class Arithmetic {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kIntegralDivide,
  kModulo,
  kPositiveModulo
};

enum class OnFailure {
  kError,  // + - * …
  kNull,   // try_add …
};

/// Of two operands of one integer or floating point type. kDivide takes doubles,
/// kIntegralDivide bigints.
Kernel ArithmeticKernel(Arithmetic operation, const arrow::DataType& type,
                        OnFailure on_failure);

/// Of two decimals of any shapes. `result` is rounded to; kIntegralDivide gives bigint.
Kernel DecimalArithmeticKernel(Arithmetic operation, DecimalShape left,
                               DecimalShape right, DecimalShape result,
                               OnFailure on_failure);

/// DIVIDE_BY_ZERO, REMAINDER_BY_ZERO, ARITHMETIC_OVERFLOW.
Status DivideByZero();
Status RemainderByZero();
/// `hint` names the function that tolerates the overflow; may be empty.
Status ArithmeticOverflow(std::string_view message, std::string_view hint);

}  // namespace millrace::expr
