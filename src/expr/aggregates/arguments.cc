#include "expr/aggregates/arguments.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {

Status NoMapsIn(std::string_view aggregate, std::span<const ExprPtr> args) {
  const std::string sql = fmt::format("\"{}\"", SqlCallText(aggregate, args));
  return AnalysisError(
             "DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE", "42K09",
             "Cannot resolve {} due to data type mismatch: The input of `{}` can't be "
             "\"MAP\" or \"COLLATED STRING\" type data.",
             sql, aggregate)
      .Param("functionName", fmt::format("`{}`", aggregate))
      .Param("dataType", "\"MAP\" or \"COLLATED STRING\"")
      .Param("sqlExpr", sql);
}

Result<ExprPtr> NumericArgument(std::string_view aggregate,
                                std::span<const ExprPtr> args) {
  const arrow::DataType& type = *args[0]->type();
  if (data::IsNumeric(type) || type.id() == arrow::Type::DURATION ||
      type.id() == arrow::Type::INTERVAL_MONTHS) {
    return args[0];
  }
  if (data::IsString(type) || type.id() == arrow::Type::NA) {
    return CastArgument(aggregate, args, 0, data::DoubleType());
  }
  return UnexpectedInputType(aggregate, args, 0, "\"NUMERIC\" or \"ANSI INTERVAL\"");
}

std::optional<bool> BooleanLiteral(const ExprPtr& expr) {
  const auto* literal = dynamic_cast<const Literal*>(expr.get());
  if (literal == nullptr || literal->is_null() ||
      literal->type()->id() != arrow::Type::BOOL) {
    return std::nullopt;
  }
  return Reader<bool>(*literal->value())[0];
}

data::TypePtr StateOf(
    std::initializer_list<std::pair<std::string_view, data::TypePtr>> fields) {
  arrow::FieldVector columns;
  for (const auto& [name, type] : fields) {
    columns.push_back(arrow::field(std::string(name), type));
  }
  return arrow::struct_(std::move(columns));
}

}  // namespace millrace::expr
