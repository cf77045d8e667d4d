// LIKE and regular expressions.
#include <array>
#include <limits>

#include "base/error.h"
#include "expr/functions/compiled_patterns.h"
#include "expr/functions/java_regex.h"
#include "expr/functions/like_pattern.h"
#include "expr/functions/tables.h"
#include "expr/functions/text_list.h"
#include "expr/functions/typed_call.h"
#include "expr/functions/utf8.h"
#include "expr/kernel.h"
#include "expr/sql_text.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Text = std::string_view;
using Bound = Result<BoundFunction>;
using RegexPtr = std::shared_ptr<const JavaRegex>;
using LikePtr = std::shared_ptr<const LikePattern>;

using Regexes = CompiledPatterns<RegexPtr>;

Regexes CompileRegexes(const ExprPtr& pattern, Text function) {
  return Regexes(pattern,
                 [function](Text text) { return JavaRegex::Compile(text, function); });
}

Result<std::vector<ExprPtr>> AsStrings(Text function, Args args) {
  return CastArguments(function, args, std::array<Wanted, 1>{data::StringType()});
}

// --- LIKE

Bound BindLike(Text name, Args args, bool ignore_case) {
  std::string escape = "\\";
  if (args.size() > 2) {
    const std::optional<std::string> given = StringLiteral(args[2]);
    if (!given.has_value() || CountCharacters(*given) != 1) {
      return AnalysisError(
                 "INVALID_ESCAPE_CHAR", "42604",
                 "`EscapeChar` should be a string literal of length one, but got "
                 "\"{}\".",
                 SqlText(*args[2]))
          .Param("sqlExpr", fmt::format("\"{}\"", SqlText(*args[2])));
    }
    escape = *given;
  }
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(name, args.first(2)));
  const auto compile = [escape, ignore_case](Text pattern) -> Result<LikePtr> {
    if (!ignore_case) return LikePattern::Compile(pattern, escape);
    std::string lower;
    AppendLower(pattern, &lower);
    return LikePattern::Compile(lower, escape);
  };
  const CompiledPatterns<LikePtr> likes(cast[1], compile);
  Kernel kernel = [likes, ignore_case](const KernelInput& in) {
    CompiledPatterns<LikePtr>::Cursor patterns(likes);
    std::string lower;
    return MapRows<bool, Text, Text>(in, [&](Text text, Text pattern) -> Result<bool> {
      MILLRACE_ASSIGN_OR_RETURN(const LikePtr* like, patterns.Get(pattern));
      if (!ignore_case) return (*like)->Matches(text);
      lower.clear();
      AppendLower(text, &lower);
      return (*like)->Matches(lower);
    });
  };
  return MakeBound(std::move(cast), data::BooleanType(), std::move(kernel),
                   {.can_fail = !likes.fixed()});
}

// --- regular expressions

Bound BindRlike(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(name, args));
  const Regexes regexes = CompileRegexes(cast[1], name);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    return MapRows<bool, Text, Text>(in, [&](Text text, Text pattern) -> Result<bool> {
      MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
      return (*regex)->Matches(text);
    });
  };
  return MakeBound(std::move(cast), data::BooleanType(), std::move(kernel),
                   {.can_fail = !regexes.fixed()});
}

Status BadReplacement(Text text, Text pattern, Text replacement, int32_t position) {
  return Error(Fault::kUser,
               "Could not perform regexp_replace for source = \"{}\", pattern = \"{}\", "
               "replacement = \"{}\" and position = {}.",
               text, pattern, replacement, position)
      .Class("INVALID_REGEXP_REPLACE", "22023")
      .Java(kSparkRuntimeException)
      .Param("source", std::string(text))
      .Param("pattern", std::string(pattern))
      .Param("replacement", std::string(replacement))
      .Param("position", std::to_string(position));
}

Bound BindRegexpReplace(Args args) {
  constexpr Text kName = "regexp_replace";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(kName, args.first(3)));
  if (args.size() > 3) {
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr position, CastTo(kName, args, 3, data::IntType()));
    if (const auto literal = IntegerLiteral(position);
        literal.has_value() && *literal < 1) {
      const std::string sql = fmt::format("\"{}\"", SqlCallText(kName, args));
      return AnalysisError(
                 "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09",
                 "Cannot resolve {} due to data type mismatch: The position must be "
                 "between (0, 2147483647] (current value = {}).",
                 sql, *literal)
          .Param("exprName", "position")
          .Param("valueRange", "(0, 2147483647]")
          .Param("currentValue", std::to_string(*literal))
          .Param("sqlExpr", sql);
    }
    cast.push_back(std::move(position));
  } else {
    cast.push_back(MakeInt(1));
  }
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    return MapText<Text, Text, Text, int32_t>(
        in,
        [&](Text text, Text pattern, Text replacement, int32_t position,
            std::string* out) -> Status {
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          const size_t from = SkipCharacters(text, 0, int64_t{position} - 1);
          out->append(text.substr(0, from));
          // Spark leaves a text alone that ends before the position.
          if (from >= text.size() && from > 0) return Status::OK();
          if ((*regex)->ReplaceAll(text.substr(from), replacement, out))
            return Status::OK();
          return BadReplacement(text, pattern, replacement, position);
        });
  };
  return MakeBound(std::move(cast), data::StringType(), std::move(kernel),
                   {.can_fail = true});
}

Status BadGroup(Text function, int32_t group, int groups) {
  return Error(Fault::kUser,
               "The value of parameter(s) `idx` in `{}` is invalid: Expects group index "
               "between 0 and {}, but got {}.",
               function, groups, group)
      .Class("INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", "22023")
      .Java(kSparkRuntimeException)
      .Param("parameter", "`idx`")
      .Param("functionName", fmt::format("`{}`", function))
      .Param("groupCount", std::to_string(groups))
      .Param("groupIndex", std::to_string(group));
}

// text, pattern and group (1 where it is not given).
Result<std::vector<ExprPtr>> ExtractArguments(Text name, Args args) {
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(name, args.first(2)));
  ExprPtr group = MakeInt(1);
  if (args.size() > 2) {
    MILLRACE_ASSIGN_OR_RETURN(group, CastTo(name, args, 2, data::IntType()));
  }
  cast.push_back(std::move(group));
  return cast;
}

Bound BindRegexpExtract(Args args) {
  constexpr Text kName = "regexp_extract";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, ExtractArguments(kName, args));
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    std::vector<Text> groups;
    return MapText<Text, Text, int32_t>(
        in, [&](Text text, Text pattern, int32_t group, std::string* out) -> Status {
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          if (!(*regex)->Find(text, 0, &groups)) return Status::OK();
          if (group < 0 || group > (*regex)->num_groups()) {
            return BadGroup(kName, group, (*regex)->num_groups());
          }
          out->append(groups[static_cast<size_t>(group)]);
          return Status::OK();
        });
  };
  return MakeBound(std::move(cast), data::StringType(), std::move(kernel),
                   {.can_fail = true});
}

Bound BindRegexpExtractAll(Args args) {
  constexpr Text kName = "regexp_extract_all";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, ExtractArguments(kName, args));
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    return MapTextLists<Text, Text, int32_t>(
        in, [&](Text text, Text pattern, int32_t group, TextListBuilder* out) -> Status {
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          bool good = true;
          (*regex)->ForEachMatch(text, [&](const std::vector<Text>& groups) {
            good = group >= 0 && group <= (*regex)->num_groups();
            if (good) out->Append(groups[static_cast<size_t>(group)]);
            return good;
          });
          return good ? Status::OK() : BadGroup(kName, group, (*regex)->num_groups());
        });
  };
  return MakeBound(std::move(cast), data::ArrayOf(data::StringType()), std::move(kernel),
                   {.can_fail = true});
}

Bound BindRegexpCount(Args args) {
  constexpr Text kName = "regexp_count";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(kName, args));
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    return MapRows<int32_t, Text, Text>(
        in, [&](Text text, Text pattern) -> Result<int32_t> {
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          int32_t count = 0;
          (*regex)->ForEachMatch(text, [&](const std::vector<Text>&) {
            ++count;
            return true;
          });
          return count;
        });
  };
  return MakeBound(std::move(cast), data::IntType(), std::move(kernel),
                   {.can_fail = !regexes.fixed()});
}

Bound BindRegexpInstr(Args args) {
  constexpr Text kName = "regexp_instr";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(kName, args));
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    std::vector<Text> groups;
    return MapRows<int32_t, Text, Text>(
        in, [&](Text text, Text pattern) -> Result<int32_t> {
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          if (!(*regex)->Find(text, 0, &groups)) return 0;
          const auto at = static_cast<size_t>(groups[0].data() - text.data());
          return static_cast<int32_t>(CountCharacters(text.substr(0, at))) + 1;
        });
  };
  return MakeBound(std::move(cast), data::IntType(), std::move(kernel),
                   {.can_fail = !regexes.fixed()});
}

Bound BindRegexpSubstr(Args args) {
  constexpr Text kName = "regexp_substr";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(kName, args));
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    std::vector<Text> groups;
    return MapText<Text, Text>(
        in, [&](Text text, Text pattern, std::string* out) -> Result<bool> {
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          // An empty match is null, like none.
          if (!(*regex)->Find(text, 0, &groups) || groups[0].empty()) return false;
          out->append(groups[0]);
          return true;
        });
  };
  return MakeBound(std::move(cast), data::StringType(), std::move(kernel),
                   {.makes_nulls = true, .can_fail = !regexes.fixed()});
}

// --- split

void SplitCharacters(Text text, int32_t limit, TextListBuilder* out) {
  int32_t parts = 1;
  while (!text.empty() && (limit <= 0 || parts < limit)) {
    const size_t size = SkipCharacters(text, 0, 1);
    if (size == text.size()) break;
    out->Append(text.substr(0, size));
    text.remove_prefix(size);
    ++parts;
  }
  out->Append(text);
}

// java.lang.String.split with a limit that is not 0.
void SplitMatches(Text text, const JavaRegex& regex, int32_t limit,
                  TextListBuilder* out) {
  size_t begin = 0;
  int32_t parts = 1;
  regex.ForEachMatch(text, [&](const std::vector<Text>& groups) {
    if (limit > 0 && parts >= limit) return false;
    const auto at = static_cast<size_t>(groups[0].data() - text.data());
    if (at == 0 && groups[0].empty()) return true;  // no empty string in front
    out->Append(text.substr(begin, at - begin));
    begin = at + groups[0].size();
    ++parts;
    return true;
  });
  out->Append(text.substr(begin));
}

Bound BindSplit(Args args) {
  constexpr Text kName = "split";
  MILLRACE_ASSIGN_OR_RETURN(std::vector<ExprPtr> cast, AsStrings(kName, args.first(2)));
  ExprPtr limit = MakeInt(-1);
  if (args.size() > 2) {
    MILLRACE_ASSIGN_OR_RETURN(limit, CastTo(kName, args, 2, data::IntType()));
  }
  cast.push_back(std::move(limit));
  const Regexes regexes = CompileRegexes(cast[1], kName);
  Kernel kernel = [regexes](const KernelInput& in) {
    Regexes::Cursor patterns(regexes);
    return MapTextLists<Text, Text, int32_t>(
        in, [&](Text text, Text pattern, int32_t parts, TextListBuilder* out) -> Status {
          if (pattern.empty() && !text.empty()) {
            SplitCharacters(text, parts, out);
            return Status::OK();
          }
          MILLRACE_ASSIGN_OR_RETURN(const RegexPtr* regex, patterns.Get(pattern));
          SplitMatches(text, **regex, parts, out);
          return Status::OK();
        });
  };
  return MakeBound(std::move(cast), data::ArrayOf(data::StringType(), false),
                   std::move(kernel), {.can_fail = !regexes.fixed()});
}

const FunctionSpec kFunctions[] = {
    {"ilike", 2, 3,
     [](Args args, const BindContext&) { return BindLike("ilike", args, true); },
     "As like, without regard to case.", "ilike('Spark', '_PARK') → true"},
    {"like", 2, 3,
     [](Args args, const BindContext&) { return BindLike("like", args, false); },
     "Whether the text fits a pattern with % and _; the third argument is the escape "
     "character, \\ by default.",
     "like('Spark', '_park') → true"},
    {"regexp", 2, 2,
     [](Args args, const BindContext&) { return BindRlike("regexp", args); },
     "The same as rlike.", "regexp('abc', 'b.') → true"},
    {"regexp_count", 2, 2,
     [](Args args, const BindContext&) { return BindRegexpCount(args); },
     "How often a regular expression is found.",
     "regexp_count('Steven Jones and Stephen Smith', 'Ste(v|ph)en') → 2"},
    {"regexp_extract", 2, 3,
     [](Args args, const BindContext&) { return BindRegexpExtract(args); },
     "One group (the first by default) of the first match; empty where there is none.",
     "regexp_extract('100-200', '([0-9]+)-([0-9]+)', 1) → 100"},
    {"regexp_extract_all", 2, 3,
     [](Args args, const BindContext&) { return BindRegexpExtractAll(args); },
     "One group (the first by default) of every match.",
     "regexp_extract_all('100-200, 300-400', '([0-9]+)-([0-9]+)', 1) → [100, 300]"},
    {"regexp_instr", 2, 2,
     [](Args args, const BindContext&) { return BindRegexpInstr(args); },
     "The place, from 1, of the first match; 0 where there is none.",
     "regexp_instr('user@spark.apache.org', '@[^.]*') → 5"},
    {"regexp_like", 2, 2,
     [](Args args, const BindContext&) { return BindRlike("regexp_like", args); },
     "The same as rlike.", "regexp_like('abc', '^b') → false"},
    {"regexp_replace", 3, 4,
     [](Args args, const BindContext&) { return BindRegexpReplace(args); },
     "With every match replaced, from a place on; $1 is a group.",
     "regexp_replace('100-200', '([0-9]+)', 'num') → num-num"},
    {"regexp_substr", 2, 2,
     [](Args args, const BindContext&) { return BindRegexpSubstr(args); },
     "The first match; null where there is none.", "regexp_substr('abc', 'b.') → bc"},
    {"rlike", 2, 2,
     [](Args args, const BindContext&) { return BindRlike("rlike", args); },
     "Whether a regular expression is found in the text.", "rlike('abc', 'b') → true"},
    {"split", 2, 3, [](Args args, const BindContext&) { return BindSplit(args); },
     "The parts between the matches of a regular expression; a positive limit is their "
     "greatest number.",
     "split('oneAtwoBthreeC', '[ABC]') → [one, two, three, ]"},
};

}  // namespace

std::span<const FunctionSpec> PatternFunctions() { return kFunctions; }

}  // namespace millrace::expr
