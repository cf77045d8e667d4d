#include "plan/unresolved.h"

#include "base/error.h"

namespace millrace::plan {

using Kind = UnresolvedExpr::Kind;

UnresolvedExpr UnresolvedExpr::Attribute(std::vector<std::string> parts) {
  UnresolvedExpr expression;
  expression.kind = Kind::kAttribute;
  expression.name_parts = std::move(parts);
  return expression;
}

UnresolvedExpr UnresolvedExpr::Literal(data::ArrayPtr value) {
  UnresolvedExpr expression;
  expression.kind = Kind::kLiteral;
  expression.literal = std::move(value);
  return expression;
}

UnresolvedExpr UnresolvedExpr::Call(std::string name, std::vector<UnresolvedExpr> args) {
  UnresolvedExpr expression;
  expression.kind = Kind::kCall;
  expression.name = std::move(name);
  expression.children = std::move(args);
  return expression;
}

UnresolvedExpr UnresolvedExpr::Alias(UnresolvedExpr child, std::string name) {
  UnresolvedExpr expression;
  expression.kind = Kind::kAlias;
  expression.name = std::move(name);
  expression.children.push_back(std::move(child));
  return expression;
}

UnresolvedExpr UnresolvedExpr::Cast(UnresolvedExpr child, data::TypePtr type) {
  UnresolvedExpr expression;
  expression.kind = Kind::kCast;
  expression.type = std::move(type);
  expression.children.push_back(std::move(child));
  return expression;
}

Result<std::vector<std::string>> ParseAttributeName(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  size_t i = 0;
  const auto syntax_error = [&]() -> Error {
    return AnalysisError(
        "PARSE_SYNTAX_ERROR", "42601",
        "Cannot read the column name '{}': expected names separated by dots, "
        "with `backquotes` around a name that has a dot in it.",
        text);
  };
  while (true) {
    if (i < text.size() && text[i] == '`') {
      ++i;
      while (true) {
        if (i >= text.size()) return syntax_error();
        if (text[i] == '`') {
          if (i + 1 < text.size() && text[i + 1] == '`') {
            part += '`';
            i += 2;
            continue;
          }
          ++i;
          break;
        }
        part += text[i++];
      }
      if (i < text.size() && text[i] != '.') return syntax_error();
    } else {
      while (i < text.size() && text[i] != '.') {
        if (text[i] == '`') return syntax_error();
        part += text[i++];
      }
    }
    parts.push_back(std::move(part));
    part.clear();
    if (i >= text.size()) return parts;
    ++i;  // the dot
  }
}

}  // namespace millrace::plan
