#include <gtest/gtest.h>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/memory/memory.h"
#include "data/types.h"

namespace millrace::connectors::memory {
namespace {

using connector::BatchId;
using connector::CommitMessage;
using connector::OutputMode;

data::SchemaPtr Schema() { return arrow::schema({arrow::field("a", data::LongType())}); }

data::Batch Rows(std::string_view json) { return *data::BatchFromJson(Schema(), json); }

class MemorySinkTest : public testing::Test {
 protected:
  std::unique_ptr<connector::Sink> Make(OutputMode mode, std::string name = "Totals") {
    connector::SinkContext context;
    context.mode = mode;
    context.query_name = name;
    auto sink = provider_->Make(Options(), Schema(), context);
    EXPECT_TRUE(sink.ok()) << sink.status().ToString();
    return std::move(*sink);
  }

  static void Run(connector::Sink& sink, BatchId batch, std::string_view rows) {
    auto writer = sink.Open(batch, 0);
    ASSERT_TRUE((*writer)->Write(Rows(rows)).ok());
    auto message = (*writer)->Prepare();
    ASSERT_TRUE(message.ok());
    const CommitMessage messages[] = {*message};
    ASSERT_TRUE(sink.Commit(batch, messages).ok());
  }

  // The table's rows as one batch.
  data::Batch Table(std::string_view name) const {
    auto content = tables_.Find("", name);
    EXPECT_TRUE(content.has_value());
    content->batches.push_back(data::EmptyBatch(content->schema));
    return *data::Concat(content->batches);
  }

  MemoryTables tables_;
  std::unique_ptr<connector::SinkProvider> provider_ = MakeMemorySinkProvider(tables_);
};

TEST_F(MemorySinkTest, AppendAddsRows) {
  const auto sink = Make(OutputMode::kAppend);
  EXPECT_EQ(Table("totals")->num_rows(), 0);
  Run(*sink, 0, "[[1]]");
  Run(*sink, 1, "[[2], [3]]");
  EXPECT_TRUE(Table("TOTALS")->Equals(*Rows("[[1], [2], [3]]")));
}

TEST_F(MemorySinkTest, CompleteReplacesRows) {
  const auto sink = Make(OutputMode::kComplete);
  Run(*sink, 0, "[[1]]");
  Run(*sink, 1, "[[2], [3]]");
  EXPECT_TRUE(Table("totals")->Equals(*Rows("[[2], [3]]")));
  ASSERT_TRUE(sink->Commit(2, {}).ok());
  EXPECT_EQ(Table("totals")->num_rows(), 0);
}

TEST_F(MemorySinkTest, ABatchThatIsCommittedAgainAddsNothing) {
  const auto sink = Make(OutputMode::kUpdate);
  Run(*sink, 5, "[[1]]");
  Run(*sink, 5, "[[1]]");
  EXPECT_EQ(Table("totals")->num_rows(), 1);
}

TEST_F(MemorySinkTest, ARestartedQueryHasANewTable) {
  const auto old = Make(OutputMode::kAppend);
  Run(*old, 0, "[[1]]");
  const auto sink = Make(OutputMode::kAppend);
  Run(*sink, 1, "[[2]]");
  Run(*old, 1, "[[9]]");  // writes nowhere any more
  EXPECT_TRUE(Table("totals")->Equals(*Rows("[[2]]")));
}

TEST_F(MemorySinkTest, NeedsAQueryName) {
  const auto sink = provider_->Make(Options(), Schema(), {});
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(sink.status().error().error_class, "_LEGACY_ERROR_TEMP_1194");
  EXPECT_EQ(sink.status().error().message,
            "queryName must be specified for memory sink.");
  EXPECT_FALSE(tables_.Find("", "nothing").has_value());
}

}  // namespace
}  // namespace millrace::connectors::memory
