#include "expr/functions/java_regex.h"

#include <gmock/gmock.h>

namespace millrace::expr {
namespace {

using testing::HasSubstr;

std::shared_ptr<const JavaRegex> Compiled(std::string_view pattern) {
  auto regex = JavaRegex::Compile(pattern, "rlike");
  EXPECT_TRUE(regex.ok()) << regex.status().ToString();
  return regex.ok() ? *regex : nullptr;
}

std::string Replaced(std::string_view text, std::string_view pattern,
                     std::string_view replacement) {
  std::string out;
  return Compiled(pattern)->ReplaceAll(text, replacement, &out) ? out : "malformed";
}

TEST(JavaRegex, ReadsJavasNotation) {
  EXPECT_TRUE(Compiled("^\\p{Alpha}+\\p{Digit}$")->Matches("abc1"));
  EXPECT_FALSE(Compiled("^\\p{Alpha}+$")->Matches("é"));
  EXPECT_TRUE(Compiled("^[\\p{Upper}_]+$")->Matches("A_B"));
  EXPECT_TRUE(Compiled("\\P{Digit}")->Matches("a"));
  EXPECT_TRUE(Compiled("^\\p{IsAlphabetic}$")->Matches("é"));
  EXPECT_TRUE(Compiled("^\\p{L}$")->Matches("é"));
  EXPECT_TRUE(Compiled("^\\u00e9\\0101\\x42$")->Matches("éAB"));
  EXPECT_TRUE(
      Compiled("^a\\sb$")->Matches("a\x0b"
                                   "b"));
  EXPECT_TRUE(Compiled("^[\\s\\d]+$")->Matches("1 2"));
  EXPECT_TRUE(Compiled("^a\\hb$")->Matches("a\u00a0b"));
  EXPECT_TRUE(Compiled("^a\\Rb$")->Matches("a\r\nb"));
  EXPECT_TRUE(Compiled("(?i)ABC")->Matches("xabcx"));
  EXPECT_TRUE(Compiled("\\Qa.b*\\E")->Matches("xa.b*"));
  EXPECT_FALSE(Compiled("a.b")->Matches("a\rb"));
  EXPECT_TRUE(Compiled("(?s)a.b")->Matches("a\nb"));
  EXPECT_TRUE(Compiled("end\\Z")->Matches("the end\n"));
  EXPECT_TRUE(Compiled("[]a]")->Matches("]"));
}

TEST(JavaRegex, ReplacesGroupsAsMatcherDoes) {
  EXPECT_EQ(Replaced("2024-01-02", "(\\d+)-(\\d+)-(\\d+)", "$3.$2.$1"), "02.01.2024");
  EXPECT_EQ(Replaced("ab", "(a)", "$12"), "a2b");  // there is no group 12
  EXPECT_EQ(Replaced("ab", "(?<first>a)", "[${first}]"), "[a]b");
  EXPECT_EQ(Replaced("ab", "a", "\\$1"), "$1b");
  EXPECT_EQ(Replaced("abc", "x*", "-"), "-a-b-c-");
  EXPECT_EQ(Replaced("éé", "", "-"), "-é-é-");
  EXPECT_EQ(Replaced("ab", "(a)|(b)", "<$1>"), "<a><>");
  EXPECT_EQ(Replaced("a", "a", "$1"), "malformed");
  EXPECT_EQ(Replaced("a", "a", "$"), "malformed");
  EXPECT_EQ(Replaced("a", "a", "\\"), "malformed");
  EXPECT_EQ(Replaced("a", "a", "${none}"), "malformed");
}

TEST(JavaRegex, RefusesWhatRe2HasNotInClearWords) {
  for (const auto& [pattern, what] :
       {std::pair{"a(?=b)", "look-ahead"}, std::pair{"(?<!a)b", "look-behind"},
        std::pair{"(a)\\1", "back references"}, std::pair{"a++", "possessive"},
        std::pair{"(?>a)", "atomic"}, std::pair{"[a[bc]]", "inside others"},
        std::pair{"[a-z&&[^b]]", "intersections"}, std::pair{"(?x)a b", "flag x"}}) {
    const auto regex = JavaRegex::Compile(pattern, "rlike");
    ASSERT_FALSE(regex.ok()) << pattern;
    EXPECT_EQ(regex.status().error().error_class, "UNSUPPORTED_FEATURE") << pattern;
    EXPECT_THAT(regex.status().ToString(), HasSubstr(what)) << pattern;
  }
}

TEST(JavaRegex, NamesAWrongPattern) {
  const auto regex = JavaRegex::Compile("(", "regexp_replace");
  ASSERT_FALSE(regex.ok());
  EXPECT_EQ(regex.status().ToString(),
            "[INVALID_PARAMETER_VALUE.PATTERN] The value of parameter(s) `regexp` in "
            "`regexp_replace` is invalid: '('. SQLSTATE: 22023");
}

TEST(JavaRegex, TakesTimeLinearInTheText) {
  const std::string text(5000, 'a');
  EXPECT_FALSE(Compiled("(a*)*b")->Matches(text));
}

}  // namespace
}  // namespace millrace::expr
