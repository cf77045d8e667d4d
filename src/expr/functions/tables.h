// The tables of scalar functions, one for each file of this folder; function.cc joins
// them.
#pragma once

#include <span>

#include "expr/function.h"

namespace millrace::expr {

std::span<const FunctionSpec> AesFunctions();
std::span<const FunctionSpec> ArithmeticFunctions();
std::span<const FunctionSpec> ArrayEditFunctions();
std::span<const FunctionSpec> ArrayLambdaFunctions();
std::span<const FunctionSpec> BitwiseFunctions();
std::span<const FunctionSpec> CastFunctions();
std::span<const FunctionSpec> CollectionFunctions();
std::span<const FunctionSpec> ComparisonFunctions();
std::span<const FunctionSpec> ConditionalFunctions();
std::span<const FunctionSpec> ConstructorFunctions();
std::span<const FunctionSpec> DateFieldFunctions();
std::span<const FunctionSpec> DateTimeFunctions();
std::span<const FunctionSpec> EncodingFunctions();
std::span<const FunctionSpec> FormatFunctions();
std::span<const FunctionSpec> HashFunctions();
std::span<const FunctionSpec> JsonFunctions();
std::span<const FunctionSpec> MapFunctions();
std::span<const FunctionSpec> MapLambdaFunctions();
std::span<const FunctionSpec> MathFunctions();
std::span<const FunctionSpec> MiscFunctions();
std::span<const FunctionSpec> NullFunctions();
std::span<const FunctionSpec> PatternFunctions();
std::span<const FunctionSpec> PredicateFunctions();
std::span<const FunctionSpec> SequenceFunctions();
std::span<const FunctionSpec> StringFunctions();
std::span<const FunctionSpec> TextShapeFunctions();
std::span<const FunctionSpec> TimeTextFunctions();
std::span<const FunctionSpec> UrlFunctions();
std::span<const FunctionSpec> Utf8Functions();

}  // namespace millrace::expr
