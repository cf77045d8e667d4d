#include "streaming/streaming_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "base/error.h"
#include "base/mem_file_system.h"
#include "plan/plan_builder.h"

namespace millrace::streaming {
namespace {

using connector::Offset;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// A topic of numbers that outlives the queries reading it; an offset counts its numbers.
class Feed {
 public:
  explicit Feed(Clock* clock) : clock_(clock) {}

  void Add(std::initializer_list<int64_t> numbers) {
    {
      const std::lock_guard lock(mutex_);
      numbers_.insert(numbers_.end(), numbers);
    }
    clock_->Wake();
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return numbers_.size();
  }
  data::Batch Range(size_t begin, size_t end) const {
    const std::lock_guard lock(mutex_);
    std::string json = "[";
    for (size_t i = begin; i < end; ++i) {
      json += (i == begin ? "[" : ",[") + std::to_string(numbers_[i]) + "]";
    }
    return *data::BatchFromJson(Schema(), json + "]");
  }
  static const data::SchemaPtr& Schema() {
    static const data::SchemaPtr schema =
        arrow::schema({arrow::field("n", data::LongType())});
    return schema;
  }

  size_t limit = 1000;  // of one batch
  Status failure;       // of the next question for offsets

 private:
  Clock* const clock_;
  mutable std::mutex mutex_;
  std::vector<int64_t> numbers_;
};

class OneBatchReader final : public connector::Reader {
 public:
  explicit OneBatchReader(data::Batch batch) : batch_(std::move(batch)) {}
  Result<data::Batch> Next(std::stop_token) override {
    return std::exchange(batch_, nullptr);
  }

 private:
  data::Batch batch_;
};

class FeedSplit final : public connector::Split {
 public:
  explicit FeedSplit(data::Batch batch) : batch_(std::move(batch)) {}
  std::string partition() const override { return "0"; }
  Result<std::unique_ptr<connector::Reader>> Open() override {
    return std::unique_ptr<connector::Reader>(std::make_unique<OneBatchReader>(batch_));
  }

 private:
  const data::Batch batch_;
};

class FeedSource final : public connector::StreamSource {
 public:
  explicit FeedSource(Feed* feed) : feed_(feed) {}
  std::string description() const override { return "Feed"; }
  Result<std::optional<Offset>> Initial(std::stop_token) override {
    return std::optional<Offset>("0");
  }
  Result<std::optional<Offset>> Latest(const std::optional<Offset>& start,
                                       const connector::ReadLimit& limit,
                                       std::stop_token) override {
    MILLRACE_RETURN_IF_ERROR(feed_->failure);
    const size_t end = end_.value_or(feed_->size());
    const size_t most = std::stoull(*start) + feed_->limit;
    return std::optional<Offset>(
        std::to_string(limit.unlimited ? end : std::min(end, most)));
  }
  Status PrepareAvailableNow(std::stop_token) override {
    end_ = feed_->size();
    return Status::OK();
  }
  Result<std::vector<std::unique_ptr<connector::Split>>> Plan(
      const std::optional<Offset>& start, const Offset& end, std::stop_token) override {
    std::vector<std::unique_ptr<connector::Split>> splits;
    splits.push_back(
        std::make_unique<FeedSplit>(feed_->Range(std::stoull(*start), std::stoull(end))));
    return splits;
  }

 private:
  Feed* const feed_;
  std::optional<size_t> end_;
};

class FeedProvider final : public connector::SourceProvider {
 public:
  explicit FeedProvider(Feed* feed) : feed_(feed) {}
  std::string_view name() const override { return "feed"; }
  std::span<const OptionSpec> options() const override { return {}; }
  Result<data::SchemaPtr> Schema(const Options&, const std::vector<std::string>&,
                                 const data::SchemaPtr&, bool,
                                 const connector::SourceContext&) const override {
    return Feed::Schema();
  }
  Result<std::unique_ptr<connector::StreamSource>> MakeStream(
      const Options&, const std::vector<std::string>&, const data::SchemaPtr&,
      const connector::SourceContext&) const override {
    return std::unique_ptr<connector::StreamSource>(std::make_unique<FeedSource>(feed_));
  }
  Result<std::vector<std::unique_ptr<connector::Split>>> PlanBatch(
      const Options&, const std::vector<std::string>&, const data::SchemaPtr&,
      const connector::SourceContext&, std::stop_token) const override {
    return ArgumentError("a feed is only read as a stream");
  }

 private:
  Feed* const feed_;
};

// What was published, by batch; remembers a batch that is published twice, and what it
// was asked.
struct Published {
  std::map<connector::BatchId, std::vector<int64_t>> batches;
  std::vector<connector::BatchId> commits;  // in order, also repeated ones
  Status failure;                           // of the next Commit, before it publishes
};

class CollectingWriter final : public connector::SinkWriter {
 public:
  explicit CollectingWriter(std::vector<int64_t>* rows) : rows_(rows) { rows_->clear(); }
  Status Write(const data::Batch& batch) override {
    const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (int64_t i = 0; i < column.length(); ++i) rows_->push_back(column.Value(i));
    return Status::OK();
  }
  Result<connector::CommitMessage> Prepare() override {
    return connector::CommitMessage{};
  }
  void Abort() noexcept override {}

 private:
  std::vector<int64_t>* const rows_;
};

class CollectingSink final : public connector::Sink {
 public:
  explicit CollectingSink(Published* published) : published_(published) {}
  std::string description() const override { return "Collecting"; }
  Result<std::unique_ptr<connector::SinkWriter>> Open(connector::BatchId, int) override {
    return std::unique_ptr<connector::SinkWriter>(
        std::make_unique<CollectingWriter>(&rows_));
  }
  Status Commit(connector::BatchId batch,
                std::span<const connector::CommitMessage>) override {
    published_->commits.push_back(batch);
    MILLRACE_RETURN_IF_ERROR(std::exchange(published_->failure, Status::OK()));
    published_->batches.emplace(batch, rows_);
    return Status::OK();
  }
  connector::DeliveryGuarantee guarantee() const override {
    return connector::DeliveryGuarantee::kExactlyOnce;
  }

 private:
  Published* const published_;
  std::vector<int64_t> rows_;
};

class CollectingProvider final : public connector::SinkProvider {
 public:
  explicit CollectingProvider(Published* published) : published_(published) {}
  std::string_view name() const override { return "collecting"; }
  std::span<const OptionSpec> options() const override { return {}; }
  bool supports(connector::OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return true; }
  Result<std::unique_ptr<connector::Sink>> Make(
      const Options&, const data::SchemaPtr&,
      const connector::SinkContext&) const override {
    return std::unique_ptr<connector::Sink>(std::make_unique<CollectingSink>(published_));
  }

 private:
  Published* const published_;
};

class StreamingQueryTest : public testing::Test {
 protected:
  StreamingQueryTest() { connectors_.AddSource(std::make_unique<FeedProvider>(&feed_)); }

  QueryDefinition Definition(Trigger::Kind kind) {
    const plan::PlanBuilder builder(connectors_, conf_, &disk_, &clock_);
    auto plan = builder.Read("feed", Options(), {}, "", true, "");
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    QueryDefinition definition;
    definition.plan = *plan;
    definition.trigger.kind = kind;
    definition.sink = &sink_;
    definition.checkpoint_location = "/checkpoint";
    definition.conf = conf_;
    return definition;
  }

  std::shared_ptr<StreamingQuery> Start(QueryDefinition definition) {
    auto query = StreamingQuery::Start(std::move(definition), {&disk_, &clock_});
    EXPECT_TRUE(query.ok()) << query.status().ToString();
    return *query;
  }

  Status RunToItsEnd(Trigger::Kind kind) {
    return Start(Definition(kind))->AwaitTermination(std::nullopt).status();
  }

  MemFileSystem disk_;
  ManualClock clock_{EpochMillis(milliseconds(1'750'000'000'400))};
  Feed feed_{&clock_};
  Published published_;
  CollectingProvider sink_{&published_};
  plan::Connectors connectors_;
  plan::SessionConf conf_;
};

TEST_F(StreamingQueryTest, AvailableNowTakesWhatIsThereInLimitedBatchesAndEnds) {
  feed_.Add({1, 2, 3, 4, 5});
  feed_.limit = 2;
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kAvailableNow).ok());
  EXPECT_THAT(published_.batches,
              ElementsAre(Pair(0, ElementsAre(1, 2)), Pair(1, ElementsAre(3, 4)),
                          Pair(2, ElementsAre(5))));
}

TEST_F(StreamingQueryTest, OnceTakesAllInOneBatchWhateverTheLimit) {
  feed_.Add({1, 2, 3});
  feed_.limit = 2;
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kOnce).ok());
  EXPECT_THAT(published_.batches, ElementsAre(Pair(0, ElementsAre(1, 2, 3))));
}

TEST_F(StreamingQueryTest, ARestartReadsOnlyWhatIsNew) {
  feed_.Add({1, 2});
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kAvailableNow).ok());
  feed_.Add({3});
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kAvailableNow).ok());
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kAvailableNow).ok());
  EXPECT_THAT(published_.batches,
              ElementsAre(Pair(0, ElementsAre(1, 2)), Pair(1, ElementsAre(3))));
}

TEST_F(StreamingQueryTest, ABatchThatFailedRunsAgainWithExactlyItsRows) {
  feed_.Add({1, 2});
  published_.failure = ArgumentError("the sink is closed today");
  const Status failed = RunToItsEnd(Trigger::Kind::kAvailableNow);
  EXPECT_THAT(failed.ToString(), HasSubstr("[STREAM_FAILED] Query [id = "));
  EXPECT_THAT(failed.ToString(), HasSubstr("the sink is closed today"));
  EXPECT_THAT(published_.batches, IsEmpty());

  feed_.Add({3});
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kAvailableNow).ok());
  EXPECT_THAT(published_.batches,
              ElementsAre(Pair(0, ElementsAre(1, 2)), Pair(1, ElementsAre(3))));
  EXPECT_THAT(published_.commits, ElementsAre(0, 0, 1));
}

TEST_F(StreamingQueryTest, ProcessAllAvailableReturnsWhenAllIsCommitted) {
  const auto query = Start(Definition(Trigger::Kind::kDefault));
  feed_.Add({1});
  ASSERT_TRUE(query->ProcessAllAvailable().ok());
  feed_.Add({2, 3});
  ASSERT_TRUE(query->ProcessAllAvailable().ok());
  EXPECT_TRUE(query->active());
  query->Stop();
  EXPECT_FALSE(query->active());
  std::vector<int64_t> all;
  for (const auto& [batch, rows] : published_.batches)
    all.insert(all.end(), rows.begin(), rows.end());
  EXPECT_THAT(all, ElementsAre(1, 2, 3));
}

TEST_F(StreamingQueryTest, ProcessingTimeBeginsAtMultiplesOfTheInterval) {
  feed_.Add({1});
  QueryDefinition definition = Definition(Trigger::Kind::kProcessingTime);
  definition.trigger.interval = seconds(1);
  const auto query = Start(std::move(definition));
  clock_.AwaitWaiter({});
  EXPECT_EQ(query->status().message, "Waiting for next trigger");
  EXPECT_THAT(published_.batches, ElementsAre(Pair(0, ElementsAre(1))));

  feed_.Add({2});
  clock_.Advance(milliseconds(599));  // 1 ms before the full second
  clock_.AwaitWaiter({});
  EXPECT_THAT(published_.commits, ElementsAre(0));
  clock_.Advance(milliseconds(1));
  clock_.AwaitWaiter({});
  EXPECT_THAT(published_.commits, ElementsAre(0, 1));
  query->Stop();
}

TEST_F(StreamingQueryTest, AFailureEndsTheQueryAndIsTold) {
  feed_.Add({1});
  feed_.failure =
      Error(Fault::kUser, "the broker is on fire").Class("BROKER_ON_FIRE", "58030");
  const auto query = Start(Definition(Trigger::Kind::kDefault));
  const Status told = query->AwaitTermination(std::nullopt).status();
  EXPECT_FALSE(query->active());
  EXPECT_EQ(told.error().error_class, "STREAM_FAILED");
  EXPECT_THAT(told.ToString(), HasSubstr("[BROKER_ON_FIRE] the broker is on fire"));
  EXPECT_EQ(query->failure().ToString(), told.ToString());
  EXPECT_EQ(query->ProcessAllAvailable().ToString(), told.ToString());
}

TEST_F(StreamingQueryTest, AwaitTerminationGivesUpAfterItsTimeout) {
  const auto query = Start(Definition(Trigger::Kind::kDefault));
  const auto ended = query->AwaitTermination(milliseconds(1));
  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(*ended);
}

TEST_F(StreamingQueryTest, ACheckpointWithOtherSourcesIsRefused) {
  feed_.Add({1});
  ASSERT_TRUE(RunToItsEnd(Trigger::Kind::kAvailableNow).ok());
  QueryDefinition definition = Definition(Trigger::Kind::kAvailableNow);
  const plan::PlanBuilder builder(connectors_, conf_, &disk_, &clock_);
  auto both = builder.Union(
      definition.plan, *builder.Read("feed", Options(), {}, "", true, ""), false, false);
  ASSERT_TRUE(both.ok()) << both.status().ToString();
  definition.plan = *both;
  const Status refused =
      Start(std::move(definition))->AwaitTermination(std::nullopt).status();
  EXPECT_THAT(
      refused.ToString(),
      HasSubstr("There are [1] sources in the checkpoint offsets and now there are [2] "
                "sources requested by the query. Cannot continue."));
}

TEST_F(StreamingQueryTest, ProgressTellsWhatABatchRead) {
  ASSERT_TRUE(conf_.Set("spark.sql.streaming.numRecentProgressUpdates", "2").ok());
  feed_.Add({1, 2, 3});
  feed_.limit = 1;
  const auto query = Start(Definition(Trigger::Kind::kAvailableNow));
  ASSERT_TRUE(query->AwaitTermination(std::nullopt).ok());
  const auto progress = query->recent_progress();
  ASSERT_EQ(progress.size(), 2U) << "older ones are forgotten";
  EXPECT_EQ(progress[1].batch_id, 2);
  EXPECT_EQ(progress[1].input_rows(), 1);
  EXPECT_EQ(progress[1].sources[0].start_offset, "2");
  EXPECT_EQ(progress[1].sources[0].end_offset, "3");
}

TEST_F(StreamingQueryTest, TheManagerRefusesASecondActiveQueryOfAName) {
  QueryManager queries({&disk_, &clock_});
  QueryDefinition definition = Definition(Trigger::Kind::kDefault);
  definition.name = "orders";
  const auto first = queries.Start(definition);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  definition.checkpoint_location = "/other";
  const auto second = queries.Start(definition);
  EXPECT_THAT(
      second.status().ToString(),
      HasSubstr(
          "Cannot start query with name orders as a query with that name is already "
          "active in this SparkSession"));
  (*first)->Stop();
  EXPECT_THAT(queries.active(), IsEmpty());
  EXPECT_EQ(queries.Find((*first)->id(), (*first)->run_id()), *first);
  EXPECT_TRUE(queries.Start(definition).ok());
}

}  // namespace
}  // namespace millrace::streaming
