#include "connectors/console/console_sink.h"

#include <gtest/gtest.h>

#include <sstream>

#include <arrow/type.h>

#include "data/batch.h"
#include "data/types.h"

namespace millrace::connectors::console {
namespace {

using connector::BatchId;
using connector::CommitMessage;
using OptionMap = std::map<std::string, std::string>;

data::SchemaPtr Schema() {
  return arrow::schema(
      {arrow::field("user", data::StringType()), arrow::field("n", data::LongType())});
}

data::Batch Rows(std::string_view json) {
  const Result<data::Batch> batch = data::BatchFromJson(Schema(), json);
  EXPECT_TRUE(batch.ok()) << batch.status().ToString();
  return *batch;
}

class ConsoleSinkTest : public testing::Test {
 protected:
  std::unique_ptr<connector::Sink> Make(std::map<std::string, std::string> options = {}) {
    auto sink = provider_->Make(Options(options), Schema(), {});
    EXPECT_TRUE(sink.ok()) << sink.status().ToString();
    return sink.ok() ? std::move(*sink) : nullptr;
  }

  // Writes one part for each text and commits.
  static void Run(connector::Sink& sink, BatchId batch,
                  const std::vector<std::string>& parts) {
    std::vector<CommitMessage> messages;
    int part = 0;
    for (const std::string& rows : parts) {
      auto writer = sink.Open(batch, part++);
      ASSERT_TRUE(writer.ok());
      ASSERT_TRUE((*writer)->Write(Rows(rows)).ok());
      auto message = (*writer)->Prepare();
      ASSERT_TRUE(message.ok());
      messages.push_back(*message);
    }
    ASSERT_TRUE(sink.Commit(batch, messages).ok());
  }

  std::ostringstream out_;
  std::unique_ptr<connector::SinkProvider> provider_ = MakeConsoleSinkProvider(out_);
};

TEST_F(ConsoleSinkTest, PrintsWhatSparkPrints) {
  const auto sink = Make({{"truncate", "false"}});
  Run(*sink, 0, {R"([["b", 2]])", R"([["longer than twenty characters", null]])"});
  EXPECT_EQ(out_.str(),
            "-------------------------------------------\n"
            "Batch: 0\n"
            "-------------------------------------------\n"
            "+-----------------------------+----+\n"
            "|user                         |n   |\n"
            "+-----------------------------+----+\n"
            "|b                            |2   |\n"
            "|longer than twenty characters|NULL|\n"
            "+-----------------------------+----+\n"
            "\n");
}

TEST_F(ConsoleSinkTest, TruncatesByDefault) {
  const auto sink = Make();
  Run(*sink, 3, {R"([["longer than twenty characters", 1]])"});
  EXPECT_EQ(out_.str(),
            "-------------------------------------------\n"
            "Batch: 3\n"
            "-------------------------------------------\n"
            "+--------------------+---+\n"
            "|                user|  n|\n"
            "+--------------------+---+\n"
            "|longer than twent...|  1|\n"
            "+--------------------+---+\n"
            "\n");
}

TEST_F(ConsoleSinkTest, EmptyBatchPrintsTheHeader) {
  const auto sink = Make();
  ASSERT_TRUE(sink->Commit(7, {}).ok());
  EXPECT_EQ(out_.str(),
            "-------------------------------------------\n"
            "Batch: 7\n"
            "-------------------------------------------\n"
            "+----+---+\n"
            "|user|  n|\n"
            "+----+---+\n"
            "+----+---+\n"
            "\n");
}

TEST_F(ConsoleSinkTest, ShowsNumRowsAndSaysThatThereAreMore) {
  const auto sink = Make({{"numRows", "1"}});
  Run(*sink, 0, {R"([["a", 1]])", R"([["b", 2]])"});
  EXPECT_EQ(out_.str(),
            "-------------------------------------------\n"
            "Batch: 0\n"
            "-------------------------------------------\n"
            "+----+---+\n"
            "|user|  n|\n"
            "+----+---+\n"
            "|   a|  1|\n"
            "+----+---+\n"
            "only showing top 1 row\n");
}

TEST_F(ConsoleSinkTest, RowsOfAFailedBatchAreForgotten) {
  const auto sink = Make();
  {
    auto writer = sink->Open(0, 0);
    ASSERT_TRUE((*writer)->Write(Rows(R"([["lost", 1]])")).ok());
    ASSERT_TRUE((*writer)->Prepare().ok());
  }
  Run(*sink, 1, {R"([["kept", 2]])"});
  EXPECT_EQ(out_.str().find("lost"), std::string::npos);
  EXPECT_NE(out_.str().find("kept"), std::string::npos);
}

TEST_F(ConsoleSinkTest, RefusesATruncateThatIsNoBoolean) {
  EXPECT_FALSE(
      provider_->Make(Options(OptionMap{{"truncate", "50"}}), Schema(), {}).ok());
  EXPECT_FALSE(provider_->Make(Options(OptionMap{{"numrow", "5"}}), Schema(), {}).ok());
}

TEST_F(ConsoleSinkTest, AClosedStreamIsAnError) {
  const auto sink = Make();
  out_.setstate(std::ios::badbit);
  EXPECT_FALSE(sink->Commit(0, {}).ok());
}

}  // namespace
}  // namespace millrace::connectors::console
