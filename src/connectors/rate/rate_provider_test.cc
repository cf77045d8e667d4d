#include "connectors/rate/rate_provider.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace millrace::connectors::rate {
namespace {

using connector::Offset;
using connector::StreamSource;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Rows = std::vector<std::pair<int64_t, int64_t>>;  // milliseconds, value
using Changes = std::map<std::string, std::string>;

class MemoryLog final : public connector::DurableLog {
 public:
  Status Add(int64_t id, const std::string& content) override {
    entries[id] = content;
    return Status::OK();
  }
  Result<std::optional<std::string>> Get(int64_t id) const override {
    const auto it = entries.find(id);
    if (it == entries.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<std::vector<int64_t>> Ids() const override { return std::vector<int64_t>(); }
  Status PurgeBelow(int64_t) override { return Status::OK(); }
  std::string folder() const override { return "sources/0"; }

  std::map<int64_t, std::string> entries;
};

template <typename T>
T Value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? std::move(result).value() : T();
}

class RateSourceTest : public testing::Test {
 protected:
  RateSourceTest() {
    context_.clock = &clock_;
    context_.log = &log_;
  }

  Result<std::unique_ptr<StreamSource>> TryMake(const Changes& options) {
    const auto schema = provider_->Schema(Options(options), {}, nullptr, true, context_);
    if (!schema.ok()) return schema.status();
    return provider_->MakeStream(Options(options), {}, *schema, context_);
  }
  std::unique_ptr<StreamSource> Make(const Changes& options) {
    return Value(TryMake(options));
  }

  std::string ErrorOf(const Changes& options) {
    const auto source = TryMake(options);
    return source.ok() ? "no error" : source.status().error().message;
  }

  static Rows Read(connector::Split& split) {
    Rows rows;
    const auto reader = Value(split.Open());
    while (const data::Batch batch = Value(reader->Next({}))) {
      EXPECT_TRUE(batch->ValidateFull().ok());
      const auto& times = static_cast<const arrow::TimestampArray&>(*batch->column(0));
      const auto& values = static_cast<const arrow::Int64Array&>(*batch->column(1));
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        rows.emplace_back(times.Value(i) / 1000, values.Value(i));
      }
    }
    return rows;
  }

  std::vector<Rows> Read(StreamSource& source, const Offset& start, const Offset& end) {
    std::vector<Rows> rows;
    for (const auto& split : Value(source.Plan(start, end, {})))
      rows.push_back(Read(*split));
    return rows;
  }

  ManualClock clock_{EpochMillis(milliseconds(10'354))};
  MemoryLog log_;
  connector::SourceContext context_;
  std::unique_ptr<connector::SourceProvider> provider_ = MakeRateProvider();
};

TEST(RowsUntil, SpeedGrowsWhileRampingUp) {
  // The example of Spark's RateStreamProvider: 10 rows a second after 4 seconds.
  std::vector<int64_t> rows;
  for (int64_t second = 0; second <= 6; ++second)
    rows.push_back(RowsUntil(second, 10, 4));
  EXPECT_THAT(rows, ElementsAre(0, 2, 6, 12, 20, 30, 40));
  EXPECT_EQ(RowsUntil(7, 3, 0), 21);
}

// Values and times observed on Spark 4.2.0.
TEST_F(RateSourceTest, SpreadsRowsEvenlyOverTimeAndPartitions) {
  const auto source = Make({{"rowsPerSecond", "3"}, {"numPartitions", "2"}});
  EXPECT_THAT(Read(*source, "0", "2"),
              ElementsAre(Rows{{10'354, 0}, {11'021, 2}, {11'687, 4}},
                          Rows{{10'687, 1}, {11'354, 3}, {12'021, 5}}));
  EXPECT_THAT(Read(*source, "2", "3"),
              ElementsAre(Rows{{12'354, 6}, {13'021, 8}}, Rows{{12'687, 7}}));
}

TEST_F(RateSourceTest, RampsUp) {
  const auto source =
      Make({{"rowsPerSecond", "10"}, {"numPartitions", "3"}, {"rampUpTime", "4s"}});
  EXPECT_THAT(Read(*source, "0", "1"), ElementsAre(Rows{{10'354, 0}}, Rows{{10'854, 1}}));
  EXPECT_THAT(Read(*source, "1", "2"), ElementsAre(Rows{{11'354, 2}, {12'104, 5}},
                                                   Rows{{11'604, 3}}, Rows{{11'854, 4}}));
}

TEST_F(RateSourceTest, OffsetsAreSecondsSinceTheStart) {
  const auto source = Make({});
  EXPECT_EQ(*Value(source->Initial({})), "0");
  EXPECT_EQ(*Value(source->Latest("0", {}, {})), "0");
  clock_.Advance(milliseconds(999));
  EXPECT_EQ(*Value(source->Latest("0", {}, {})), "0");
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(*Value(source->Latest("0", {}, {})), "1");
  EXPECT_THAT(Value(source->Plan("1", "1", {})), IsEmpty());
}

TEST_F(RateSourceTest, AnotherRunGivesTheSameRows) {
  const Changes options = {{"rowsPerSecond", "1000"}, {"numPartitions", "1"}};
  const auto rows = Read(*Make(options), "0", "40");
  EXPECT_EQ(log_.entries.at(0), "v1\n10354");
  ASSERT_EQ(rows.at(0).size(), 40'000U);
  EXPECT_THAT(rows[0].back(), Pair(50'353, 39'999));
  clock_.Advance(seconds(100));
  const auto restarted = Make(options);
  EXPECT_EQ(Read(*restarted, "0", "40"), rows);
  EXPECT_EQ(*Value(restarted->Latest("40", {}, {})), "100");
}

TEST_F(RateSourceTest, TimeDoesNotRunBackwardsAfterARestart) {
  const auto source = Make({});
  Value(source->Plan("0", "50", {}));
  EXPECT_EQ(*Value(source->Latest("50", {}, {})), "50");
}

TEST_F(RateSourceTest, AvailableNowStopsAtWhatWasThere) {
  const auto source = Make({});
  clock_.Advance(seconds(2));
  ASSERT_TRUE(source->PrepareAvailableNow({}).ok());
  clock_.Advance(seconds(2));
  EXPECT_EQ(*Value(source->Latest("0", {}, {})), "2");
}

TEST_F(RateSourceTest, FillsOnlyRequiredColumns) {
  context_.required_columns = {"value"};
  const auto source = Make({{"numPartitions", "1"}});
  const auto splits = Value(source->Plan("0", "1", {}));
  const data::Batch batch = Value(Value(splits[0]->Open())->Next({}));
  EXPECT_THAT(batch->schema()->field_names(), ElementsAre("value"));
}

TEST_F(RateSourceTest, AwaitDataReturnsWithTheNextSecond) {
  const auto source = Make({});
  Value(source->Latest("0", {}, {}));
  auto waiting = std::async(std::launch::async, [&] {
    return source->AwaitData(clock_, clock_.Now() + std::chrono::hours(1), {});
  });
  clock_.AwaitWaiter({});
  clock_.Advance(seconds(1));
  EXPECT_TRUE(waiting.get());
  EXPECT_EQ(*Value(source->Latest("0", {}, {})), "1");
  EXPECT_FALSE(source->AwaitData(clock_, clock_.Now(), {}));
}

TEST_F(RateSourceTest, DescribesItselfAsSparkDoes) {
  EXPECT_EQ(Make({{"rowsPerSecond", "3"}})->description(),
            "RateStreamV2[rowsPerSecond=3, rampUpTimeSeconds=0, numPartitions=default");
  EXPECT_EQ(Make({{"numPartitions", "7"}, {"rampUpTime", "1500ms"}})->description(),
            "RateStreamV2[rowsPerSecond=1, rampUpTimeSeconds=1, numPartitions=7");
}

TEST_F(RateSourceTest, RefusesWrongOptionsWithSparksTexts) {
  EXPECT_EQ(ErrorOf({{"rowsPerSecond", "0"}}),
            "Invalid value '0'. The option 'rowsPerSecond' must be positive");
  EXPECT_EQ(ErrorOf({{"rowsPerSecond", "x"}}), "For input string: \"x\"");
  EXPECT_EQ(ErrorOf({{"numPartitions", "0"}}),
            "Invalid value '0'. The option 'numPartitions' must be positive");
  EXPECT_EQ(ErrorOf({{"rampUpTime", "-1s"}}),
            "Invalid value '-1'. The option 'rampUpTime' must not be negative");
  EXPECT_EQ(
      ErrorOf({{"rampUpTime", "x"}}),
      "Time must be specified as seconds (s), milliseconds (ms), microseconds (us), "
      "minutes (m or min), hour (h), or day (d). E.g. 50s, 100ms, or 250us.\nFailed to "
      "parse time string: x");
}

TEST_F(RateSourceTest, RefusesMoreRowsThanCanBeCounted) {
  const auto source =
      TryMake({{"rowsPerSecond", "4611686018427387904"}, {"rampUpTime", "100s"}});
  EXPECT_EQ(source.status().error().message,
            "Max offset with 4611686018427387904 rowsPerSecond is 1, but "
            "'rampUpTimeSeconds' is "
            "100.");
  EXPECT_EQ(source.status().error().error_class, "INCORRECT_RAMP_UP_RATE");
  const auto fast = Make({{"rowsPerSecond", "4611686018427387904"}});
  EXPECT_EQ(fast->Plan("0", "2", {}).status().error().error_class,
            "INCORRECT_END_OFFSET");
}

TEST_F(RateSourceTest, IsOnlyForStreamsAndHasItsOwnSchema) {
  EXPECT_EQ(
      provider_->Schema(Options(), {}, nullptr, false, context_).status().error().message,
      "rate is not a valid Spark SQL Data Source.");
  const auto schema = Value(provider_->Schema(Options(), {}, nullptr, true, context_));
  EXPECT_EQ(data::SchemaToJson(*schema),
            R"({"type":"struct","fields":[{"name":"timestamp","type":"timestamp",)"
            R"("nullable":true,"metadata":{}},{"name":"value","type":"long",)"
            R"("nullable":true,"metadata":{}}]})");
  EXPECT_EQ(provider_->Schema(Options(), {}, schema, true, context_)
                .status()
                .error()
                .error_class,
            "_LEGACY_ERROR_TEMP_2242");
}

TEST_F(RateSourceTest, RefusesALogItCannotRead) {
  log_.entries[0] = "v1\nx";
  EXPECT_FALSE(TryMake({}).ok());
  log_.entries[0] = "v2\n5";
  EXPECT_FALSE(TryMake({}).ok());
}

}  // namespace
}  // namespace millrace::connectors::rate
