#include "sql/lexer.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace millrace::sql {
namespace {

// "kind text" of each token but the end.
std::vector<std::string> Tokens(std::string_view sql) {
  const Result<std::vector<Token>> tokens = Tokenize(sql);
  if (!tokens.ok()) return {tokens.status().ToString()};
  constexpr std::string_view kKinds = "wqsinou";
  std::vector<std::string> texts;
  for (const Token& token : *tokens) {
    if (token.kind == TokenKind::kEnd) break;
    texts.push_back(std::string(1, kKinds[static_cast<size_t>(token.kind)]) + " " +
                    std::string(token.text));
    EXPECT_EQ(sql.substr(token.begin, token.text.size()), token.text);
  }
  return texts;
}

using testing::ElementsAre;

TEST(Lexer, Numbers) {
  EXPECT_THAT(Tokens("1 1.5 .5 5. 1e3 1.5e-3 1E+2"),
              ElementsAre("i 1", "n 1.5", "n .5", "n 5.", "n 1e3", "n 1.5e-3", "n 1E+2"));
  EXPECT_THAT(
      Tokens("1L 2s 3Y 4d 5F 6bd 1.5BD 1e3d"),
      ElementsAre("n 1L", "n 2s", "n 3Y", "n 4d", "n 5F", "n 6bd", "n 1.5BD", "n 1e3d"));
}

TEST(Lexer, DigitsThatBeginAName) {
  EXPECT_THAT(Tokens("1a a1 1e 1.5x"),
              ElementsAre("w 1a", "w a1", "w 1e", "i 1", "o .", "w 5x"));
  EXPECT_THAT(Tokens("t.1a 1.b"), ElementsAre("w t", "o .", "w 1a", "i 1", "o .", "w b"));
  EXPECT_THAT(Tokens("a[1].b"), ElementsAre("w a", "o [", "i 1", "o ]", "o .", "w b"));
}

TEST(Lexer, Quotes) {
  EXPECT_THAT(Tokens(R"('a' 'it''s' 'a\'b' "x""y" r'a\' R"b")"),
              ElementsAre("s 'a'", "s 'it''s'", R"(s 'a\'b')", R"(s "x""y")",
                          R"(s r'a\')", R"(s R"b")"));
  EXPECT_THAT(Tokens("`a b` `c``d`"), ElementsAre("q `a b`", "q `c``d`"));
  EXPECT_THAT(Tokens("r x'1'"), ElementsAre("w r", "w x", "s '1'"));
}

TEST(Lexer, AQuoteThatDoesNotCloseIsACharacter) {
  EXPECT_THAT(Tokens("1 'ab"), ElementsAre("i 1", "u '", "w ab"));
  EXPECT_THAT(Tokens("`ab"), ElementsAre("u `", "w ab"));
  EXPECT_THAT(Tokens("'ab\\'"), ElementsAre("u '", "w ab", "u \\", "u '"));
}

TEST(Lexer, SymbolsAreAsLongAsCanBe) {
  EXPECT_THAT(Tokens("a<=>b>>>c::d->e||f!=g"),
              ElementsAre("w a", "o <=>", "w b", "o >>>", "w c", "o ::", "w d", "o ->",
                          "w e", "o ||", "w f", "o !=", "w g"));
}

TEST(Lexer, CommentsAndBlanksAreLeftOut) {
  EXPECT_THAT(Tokens("1 -- x\n2 /* a /* b */ c */ 3 /*+ HINT */\t4\xC2\xA0"
                     "5"),
              ElementsAre("i 1", "i 2", "i 3", "i 4", "i 5"));
  EXPECT_THAT(Tokens("1 -- x \\\n y\n2"), ElementsAre("i 1", "i 2"));
  EXPECT_THAT(
      Tokens("1 /* x"),
      ElementsAre("[UNCLOSED_BRACKETED_COMMENT] Found an unclosed bracketed comment. "
                  "Please, append */ at the end of the comment. SQLSTATE: 42601\n"
                  "== SQL ==\n1 /* x"));
}

TEST(Lexer, NamesMayHaveAnyLetters) {
  EXPECT_THAT(Tokens("größe _x 名前"), ElementsAre("w größe", "w _x", "w 名前"));
}

}  // namespace
}  // namespace millrace::sql
