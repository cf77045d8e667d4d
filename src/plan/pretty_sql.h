// Names and texts of expressions, as unresolved.h has them, that also know what depends
// on the columns of a relation: types, which parts of a name are a relation's, what a
// star stands for, the time zone.
#pragma once

#include <string>

#include "plan/expr_resolver.h"

namespace millrace::plan {

std::string ColumnName(const UnresolvedExpr& expression, const ExprResolver& resolver);
std::string PrettySql(const UnresolvedExpr& expression, const ExprResolver& resolver);

}  // namespace millrace::plan
