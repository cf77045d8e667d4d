#include <gtest/gtest.h>

#include <thread>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "connectors/memory/memory.h"
#include "data/types.h"

namespace millrace::connectors::memory {
namespace {

using connector::Offset;
using OptionMap = std::map<std::string, std::string>;

data::SchemaPtr Schema() {
  return arrow::schema(
      {arrow::field("a", data::LongType()), arrow::field("b", data::StringType())});
}

data::Batch Rows(std::string_view json) { return *data::BatchFromJson(Schema(), json); }

class MemoryStreamTest : public testing::Test {
 protected:
  std::unique_ptr<connector::StreamSource> Make(connector::SourceContext context = {}) {
    context.clock = &clock_;
    auto source = provider_->MakeStream(Options(OptionMap{{"name", "orders"}}), {},
                                        Schema(), context);
    EXPECT_TRUE(source.ok()) << source.status().ToString();
    return std::move(*source);
  }

  static std::optional<Offset> Latest(connector::StreamSource& source) {
    return *source.Latest(std::nullopt, {}, {});
  }

  // The rows of (start, end] as one batch.
  static data::Batch Read(connector::StreamSource& source, std::optional<Offset> start,
                          const Offset& end) {
    auto splits = source.Plan(start, end, {});
    EXPECT_TRUE(splits.ok()) << splits.status().ToString();
    std::vector<data::Batch> batches;
    for (const auto& split : *splits) {
      auto reader = split->Open();
      for (;;) {
        const auto batch = (*reader)->Next({});
        EXPECT_TRUE(batch.ok());
        if (*batch == nullptr) break;
        batches.push_back(*batch);
      }
    }
    return batches.empty() ? nullptr : *data::Concat(batches);
  }

  ManualClock clock_{EpochMillis{}};
  MemoryStreams streams_;
  std::shared_ptr<MemoryStream> stream_ = *streams_.Get("orders", Schema());
  std::unique_ptr<connector::SourceProvider> provider_ =
      MakeMemoryStreamProvider(streams_);
};

TEST_F(MemoryStreamTest, OffsetsCountBatchesAsInSpark) {
  const auto source = Make();
  EXPECT_FALSE(source->Initial({})->has_value());
  EXPECT_FALSE(Latest(*source).has_value());
  EXPECT_EQ(stream_->Add(Rows(R"([[1, "x"]])")), 0);
  EXPECT_EQ(Latest(*source), "0");
  stream_->Add(Rows("[]"));
  stream_->Add(Rows(R"([[2, "y"], [3, "z"]])"));
  EXPECT_EQ(Latest(*source), "2");
  EXPECT_TRUE(Read(*source, std::nullopt, "0")->Equals(*Rows(R"([[1, "x"]])")));
  EXPECT_TRUE(Read(*source, "0", "2")->Equals(*Rows(R"([[2, "y"], [3, "z"]])")));
  EXPECT_EQ(Read(*source, "0", "1"), nullptr);
}

TEST_F(MemoryStreamTest, AvailableNowFixesTheEnd) {
  const auto source = Make();
  stream_->Add(Rows(R"([[1, "x"]])"));
  ASSERT_TRUE(source->PrepareAvailableNow({}).ok());
  stream_->Add(Rows(R"([[2, "y"]])"));
  EXPECT_EQ(Latest(*source), "0");
}

TEST_F(MemoryStreamTest, GivesTheRequiredColumnsOnly) {
  connector::SourceContext context;
  context.required_columns = {"b"};
  const auto source = Make(context);
  stream_->Add(Rows(R"([[1, "x"]])"));
  const data::Batch batch = Read(*source, std::nullopt, "0");
  ASSERT_EQ(batch->num_columns(), 1);
  EXPECT_EQ(batch->schema()->field(0)->name(), "b");
}

TEST_F(MemoryStreamTest, AddWakesAQueryThatWaits) {
  const auto source = Make();
  std::jthread query([&](std::stop_token stop) {
    source->AwaitData(clock_, EpochMillis(std::chrono::hours(1)), stop);
  });
  clock_.AwaitWaiter({});
  stream_->Add(Rows(R"([[1, "x"]])"));
  query.join();  // hangs if nobody wakes it
  EXPECT_EQ(Latest(*source), "0");
}

TEST_F(MemoryStreamTest, RefusesWhatIsNotThere) {
  const auto source = Make();
  EXPECT_FALSE(source->Plan(std::nullopt, "0", {}).ok());
  EXPECT_FALSE(source->Plan(std::nullopt, "x", {}).ok());
  EXPECT_FALSE(
      provider_->Schema(Options(OptionMap{{"name", "none"}}), {}, nullptr, true, {})
          .ok());
  EXPECT_FALSE(streams_.Get("orders", arrow::schema({})).ok());
}

}  // namespace
}  // namespace millrace::connectors::memory
