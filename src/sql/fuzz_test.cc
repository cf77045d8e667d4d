// Texts made by changing valid ones: the parser must answer each, and neither crash nor
// hang. MILLRACE_FUZZ_TEXTS says how many, for long runs; MILLRACE_FUZZ_SEED where to
// begin.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "sql/sql.h"

namespace millrace::sql {
namespace {

int64_t FromEnvironment(const char* name, int64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::atoll(text);
}

std::vector<std::string> Corpus() {
  std::ifstream file(MILLRACE_SOURCE_DIR "/test/sql/queries.txt");
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') texts.push_back(line);
  }
  return texts;
}

constexpr std::string_view kPieces[] = {
    "(",      ")",         ",",           "'",       "\"",    "`",     "SELECT ",
    " FROM ", " WHERE ",   "NOT ",        "-",       "- ",    "::int", "[0]",
    ".x",     "*",         " AS a",       " JOIN ",  " IN (", "CASE ", " WHEN ",
    " END",   "INTERVAL ", "DATE '",      " OVER (", " AND ", " OR ",  "1e9",
    ".5",     "$",         "\\",          "/*",      "*/",    "--",    "\n",
    "x -> ",  "VALUES (",  "WITH a AS (", "array<",  ">>",    "\xC3",  "\xF0\x9F\x98\x80",
    "?",      ":p",        ";",           "\0x"};

// A few changes of one text: pieces cut out, doubled, put in, or taken from another.
class Mutator {
 public:
  Mutator(std::vector<std::string> corpus, uint64_t seed)
      : corpus_(std::move(corpus)), random_(seed) {}

  std::string Next() {
    std::string text = corpus_[Below(corpus_.size())];
    for (size_t changes = 1 + Below(4); changes > 0; --changes) Change(&text);
    constexpr size_t kLongest = 20'000;
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void Change(std::string* text) {
    const size_t at = Below(text->size() + 1);
    const size_t length = Below(std::min<size_t>(text->size() - at, 30) + 1);
    switch (Below(6)) {
      case 0:
        text->erase(at, length);
        break;
      case 1:
        text->insert(at, kPieces[Below(std::size(kPieces))]);
        break;
      case 2: {
        const std::string piece = text->substr(at, length);
        for (size_t times = Below(Below(10) == 0 ? 500 : 4); times > 0; --times) {
          text->insert(at, piece);
        }
        break;
      }
      case 3: {
        const std::string& other = corpus_[Below(corpus_.size())];
        const size_t from = Below(other.size());
        text->insert(at, other.substr(from, Below(40)));
        break;
      }
      case 4:
        if (at < text->size()) (*text)[at] = static_cast<char>(Below(256));
        break;
      default: {
        const std::string piece(kPieces[Below(std::size(kPieces))]);
        for (size_t times = Below(300); times > 0; --times) text->insert(at, piece);
      }
    }
  }

  const std::vector<std::string> corpus_;
  std::mt19937_64 random_;
};

TEST(Fuzz, EveryTextIsAnswered) {
  const int64_t texts = FromEnvironment("MILLRACE_FUZZ_TEXTS", 20'000);
  const auto seed = static_cast<uint64_t>(FromEnvironment("MILLRACE_FUZZ_SEED", 1));
  Mutator mutator(Corpus(), seed);
  int64_t valid = 0;
  for (int64_t i = 0; i < texts; ++i) {
    const std::string text = mutator.Next();
    const Result<Statement> statement = ParseStatement(text);
    const Result<Expression> expression = ParseExpression(text);
    valid += statement.ok() ? 1 : 0;
    if (!statement.ok()) {
      // What is wrong is the text, and the message can be shown.
      ASSERT_EQ(statement.status().error().fault, Fault::kUser) << text;
      ASSERT_FALSE(statement.status().ToString().empty()) << text;
    }
    if (!expression.ok()) {
      ASSERT_EQ(expression.status().error().fault, Fault::kUser) << text;
    }
  }
  // Neither all broken nor untouched: the changes are worth something.
  EXPECT_GT(valid, texts / 20);
  EXPECT_LT(valid, texts * 3 / 4);
}

}  // namespace
}  // namespace millrace::sql
