// Text files as Spark 4.2 reads and writes them.
#include "connectors/file/text_format.h"

#include <gmock/gmock.h>

#include "connectors/file/file_testing.h"

namespace millrace::connectors::file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Read(std::string_view text, const ReadRequest& how = {}) {
  MemFileSystem fs;
  WriteText(fs, "/in/a.txt", text);
  return Must(ReadBatch(*MakeTextProvider(), fs, "/in", how));
}

TEST(TextFormat, EveryLineIsARow) {
  EXPECT_THAT(Read("one\ntwo\r\n\n日本"), ElementsAre("[one]", "[two]", "[]", "[日本]"));
  EXPECT_THAT(Read(""), ElementsAre());
}

TEST(TextFormat, TakesASeparatorOrWholeFiles) {
  EXPECT_THAT(Read("a;b\nc", {.options = {{"lineSep", ";"}}}),
              ElementsAre("[a]", "[b\nc]"));
  EXPECT_THAT(Read("a\nb\n", {.options = {{"wholetext", "true"}}}),
              ElementsAre("[a\nb\n]"));
}

TEST(TextFormat, CountsRowsWithoutTheirText) {
  EXPECT_THAT(Read("a\nb", {.columns = std::vector<std::string>{}}),
              ElementsAre("[]", "[]"));
}

TEST(TextFormat, TakesTheNameOfTheOnlyColumn) {
  EXPECT_THAT(Read("a", {.schema = "line string"}), ElementsAre("[a]"));
}

TEST(TextLines, NullIsAnEmptyLine) {
  MemFileSystem fs;
  connector::SinkContext context;
  context.fs = &fs;
  context.path = "/out";
  context.streaming = false;
  const auto sink = Must(MakeTextSinkProvider()->MakeBatch(
      Options(OptionMap{{"lineSep", "|"}}), Ddl("v string"), context,
      connector::SaveMode::kErrorIfExists));
  Must(RunBatch(*sink, 0, "v string", {R"([["a"], [null], ["b"]])"}));
  std::string text;
  for (const std::string& name : FilesBelow(fs, "/out")) {
    if (name.ends_with(".txt")) text += Must(fs.ReadFile("/out/" + name));
  }
  EXPECT_EQ(text, "a||b|");
}

TEST(TextLines, HaveOneColumnOfStrings) {
  EXPECT_THAT(CheckTextSchema(Ddl("s string, i int")).ToString(),
              HasSubstr("The Text datasource doesn't support the column `i` of the type "
                        "\"INT\"."));
  EXPECT_THAT(CheckTextSchema(Ddl("a string, b string")).ToString(),
              HasSubstr("supports only a single column, and you have 2 columns."));
}

}  // namespace
}  // namespace millrace::connectors::file
