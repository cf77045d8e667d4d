#include "connectors/noop/noop_sink.h"

#include <gtest/gtest.h>

#include <arrow/type.h>

#include "data/batch.h"
#include "data/types.h"

namespace millrace::connectors::noop {
namespace {

using OptionMap = std::map<std::string, std::string>;

TEST(NoopSink, CountsRowsInEveryModeAndKeepsNone) {
  const auto provider = MakeNoopSinkProvider();
  EXPECT_EQ(provider->name(), "noop");
  EXPECT_FALSE(provider->needs_checkpoint());
  const auto schema = arrow::schema({arrow::field("a", data::LongType())});
  for (const auto mode : {connector::OutputMode::kAppend, connector::OutputMode::kUpdate,
                          connector::OutputMode::kComplete}) {
    EXPECT_TRUE(provider->supports(mode));
    connector::SinkContext context;
    context.mode = mode;
    auto sink = provider->Make(Options(), schema, context);
    ASSERT_TRUE(sink.ok());
    auto writer = (*sink)->Open(0, 0);
    ASSERT_TRUE(writer.ok());
    const auto batch = data::BatchFromJson(schema, "[[1], [2]]");
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    ASSERT_TRUE((*writer)->Write(*batch).ok());
    const auto message = (*writer)->Prepare();
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(message->rows, 2);
    const connector::CommitMessage messages[] = {*message};
    EXPECT_TRUE((*sink)->Commit(0, messages).ok());
  }
}

TEST(NoopSink, RefusesUnknownOptions) {
  const auto sink =
      MakeNoopSinkProvider()->Make(Options(OptionMap{{"pth", "x"}}), nullptr, {});
  EXPECT_FALSE(sink.ok());
}

}  // namespace
}  // namespace millrace::connectors::noop
