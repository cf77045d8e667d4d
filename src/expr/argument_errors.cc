#include "expr/argument_errors.h"

#include <array>

#include <arrow/type.h>

#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

std::string QuotedType(const arrow::DataType& type) {
  return Quoted(data::SqlTypeName(type));
}

template <typename... Args>
Error Mismatch(std::string_view kind, const std::string& sql,
               fmt::format_string<Args...> format, Args&&... args) {
  return AnalysisError(fmt::format("DATATYPE_MISMATCH.{}", kind), "42K09",
                       "Cannot resolve {} due to data type mismatch: {}", Quoted(sql),
                       fmt::format(format, std::forward<Args>(args)...))
      .Param("sqlExpr", Quoted(sql));
}

std::string Ordinal(int index) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"first", "second", "third", "fourth", "fifth",
                                       "sixth", "seventh", "eighth", "ninth", "tenth"});
  if (index < static_cast<int>(kNames.size())) return std::string(kNames[index]);
  return fmt::format("{}th", index + 1);
}

}  // namespace

Error UnknownRoutine(std::string_view name) {
  constexpr std::string_view kSearchPath =
      "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]";
  return AnalysisError("UNRESOLVED_ROUTINE", "42883",
                       "Cannot resolve routine `{}` on search path {}.", name,
                       kSearchPath)
      .Param("routineName", fmt::format("`{}`", name))
      .Param("searchPath", std::string(kSearchPath));
}

Error WrongArgumentCount(std::string_view function, std::string_view wanted, int found) {
  return AnalysisError(
             "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605",
             "The `{}` requires {} parameters but the actual number is {}. Please, "
             "refer to 'https://spark.apache.org/docs/latest/sql-ref-functions.html' "
             "for a fix.",
             function, wanted, found)
      .Param("functionName", fmt::format("`{}`", function))
      .Param("expectedNum", std::string(wanted))
      .Param("actualNum", fmt::format("{}", found))
      .Param("docroot", "https://spark.apache.org/docs/latest");
}

Error UnexpectedInputType(std::string_view function, std::span<const ExprPtr> args,
                          int index, std::string_view wanted, int counted_as) {
  const Expr& arg = *args[index];
  const std::string ordinal = Ordinal(counted_as < 0 ? index : counted_as);
  return Mismatch("UNEXPECTED_INPUT_TYPE", SqlCallText(function, args),
                  "The {} parameter requires the {} type, however {} has the type {}.",
                  ordinal, wanted, Quoted(SqlText(arg)), QuotedType(*arg.type()))
      .Param("paramIndex", ordinal)
      .Param("requiredType", std::string(wanted))
      .Param("inputSql", Quoted(SqlText(arg)))
      .Param("inputType", QuotedType(*arg.type()));
}

Error OperandsDiffer(std::string_view function, const ExprPtr& left,
                     const ExprPtr& right) {
  const ExprPtr args[] = {left, right};
  return Mismatch(
             "BINARY_OP_DIFF_TYPES", SqlCallText(function, args),
             "the left and right operands of the binary operator have incompatible types "
             "({} and {}).",
             QuotedType(*left->type()), QuotedType(*right->type()))
      .Param("left", QuotedType(*left->type()))
      .Param("right", QuotedType(*right->type()));
}

Error WrongOperandType(std::string_view function, std::span<const ExprPtr> args,
                       std::string_view wanted, const arrow::DataType& found) {
  return Mismatch("BINARY_OP_WRONG_TYPE", SqlCallText(function, args),
                  "the binary operator requires the input type {}, not {}.", wanted,
                  QuotedType(found))
      .Param("inputType", std::string(wanted))
      .Param("actualDataType", QuotedType(found));
}

Error ArgumentsDiffer(std::string_view function, std::span<const ExprPtr> args,
                      std::span<const ExprPtr> differing) {
  // Spark's words differ between functions.
  const bool alternatives = function == "coalesce";
  std::string types;
  for (const ExprPtr& arg : differing) {
    types += (types.empty()  ? ""
              : alternatives ? " or "
                             : ", ") +
             QuotedType(*arg->type());
  }
  types = alternatives ? "(" + types + ")" : "[" + types + "]";
  const std::string_view name = function == "when" ? "casewhen" : function;
  return Mismatch("DATA_DIFF_TYPES", SqlCallText(function, args),
                  "Input to `{}` should all be the same type, but it's {}.", name, types)
      .Param("functionName", fmt::format("`{}`", name))
      .Param("dataType", types);
}

Error NotOrderable(std::string_view function, std::span<const ExprPtr> args,
                   const arrow::DataType& found) {
  return Mismatch("INVALID_ORDERING_TYPE", SqlCallText(function, args),
                  "The `{}` does not support ordering on type {}.", function,
                  QuotedType(found))
      .Param("functionName", fmt::format("`{}`", function))
      .Param("dataType", QuotedType(found));
}

}  // namespace millrace::expr
