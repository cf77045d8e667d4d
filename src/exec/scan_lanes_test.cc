#include "exec/scan_lanes.h"

#include <atomic>
#include <latch>

#include "base/error.h"
#include "exec/operator_testing.h"

namespace millrace::exec {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// A split of batches; `before` runs before each of them, on the thread that reads.
struct FakeSplit final : connector::Split {
  using Before = std::function<Status(size_t batch, const std::stop_token& stop)>;
  FakeSplit(std::vector<Batch> rows, Before run_before)
      : batches(std::move(rows)), before(std::move(run_before)) {}

  struct Reader final : connector::Reader {
    explicit Reader(const FakeSplit& of) : split(of) {}
    Result<Batch> Next(std::stop_token stop) override {
      MILLRACE_RETURN_IF_ERROR(split.before(next, stop));
      return next < split.batches.size() ? split.batches[next++] : nullptr;
    }
    const FakeSplit& split;
    size_t next = 0;
  };

  std::string partition() const override { return "p"; }
  Result<std::unique_ptr<connector::Reader>> Open() override {
    return std::unique_ptr<connector::Reader>(std::make_unique<Reader>(*this));
  }

  const std::vector<Batch> batches;
  const Before before;
};

Status Go(size_t, const std::stop_token&) { return Status::OK(); }

std::vector<Batch> Numbers(int from, int count) {
  std::vector<Batch> batches;
  for (int i = from; i < from + count; ++i) {
    batches.push_back(Rows("x int", "[[" + std::to_string(i) + "], [0]]"));
  }
  return batches;
}

// scan -> filter x > 0 -> x + 100, which is what a chain is made of.
class ScanLanesTest : public testing::Test {
 protected:
  ScanLanesTest() {
    const data::TypePtr type = data::IntType();
    plan::Scan scan;
    const plan::PlanPtr leaf =
        plan::MakePlan(std::move(scan), {}, {plan::NewAttribute("x", type, true)});
    const expr::ExprPtr x = leaf->output[0].ref();
    plan::Filter filter{*Call(">", {x, Int(0)})};
    const plan::PlanPtr filtered =
        plan::MakePlan(std::move(filter), {leaf}, leaf->output);
    const plan::Attribute sum = plan::NewAttribute("sum", type, true);
    plan::Project project{{{*Call("+", {x, Int(100)}), sum}}};
    auto made = Pipeline::Make(plan::MakePlan(std::move(project), {filtered}, {sum}), {});
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    pipeline_ = *std::move(made);
  }

  static Result<expr::ExprPtr> Call(const std::string& name,
                                    std::vector<expr::ExprPtr> args) {
    return expr::MakeCall(name, std::move(args), expr::BindContext());
  }
  static expr::ExprPtr Int(int value) { return expr::MakeInt(value); }

  Status Read(ScanLanes& lanes, ScanLanes::Splits splits, bool in_order,
              std::stop_token stop = {}) {
    EXPECT_TRUE(pipeline_->BeginEpoch(epoch_, &out_).ok());
    return lanes.Read(epoch_, std::move(splits), in_order, std::move(stop),
                      [&](const ScannedRows& rows) {
                        rows_read_ += rows.rows_read;
                        return pipeline_->PushFromChain(0, rows.batches, 0);
                      });
  }

  static void Add(ScanLanes::Splits* splits, std::vector<Batch> batches,
                  FakeSplit::Before before = Go) {
    splits->push_back(std::make_unique<FakeSplit>(std::move(batches), std::move(before)));
  }

  Epoch epoch_;
  Collected out_;
  int64_t rows_read_ = 0;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(ScanLanesTest, SplitsAreReadSideBySideAndEveryRowIsAccountedFor) {
  ScanLanes lanes(pipeline_.get(), 0, 2);
  std::latch both(2);
  const auto meet = [&](size_t batch, const std::stop_token&) {
    if (batch == 0) both.arrive_and_wait();
    return Status::OK();
  };
  ScanLanes::Splits splits;
  Add(&splits, Numbers(1, 1), meet);
  Add(&splits, Numbers(2, 1), meet);
  ASSERT_TRUE(Read(lanes, std::move(splits), false).ok());
  EXPECT_THAT(out_.rows, UnorderedElementsAre("101", "102"));
  EXPECT_EQ(rows_read_, 4);
  ASSERT_TRUE(pipeline_->EndScan(0).ok());
  const auto account = pipeline_->TakeAccount();
  ASSERT_TRUE(account.ok()) << account.status().ToString();
  EXPECT_EQ(account->dropped_filter, 2);
}

TEST_F(ScanLanesTest, InOrderTheSecondSplitWaitsForTheFirst) {
  ScanLanes lanes(pipeline_.get(), 0, 2);
  std::latch ahead(4);
  ScanLanes::Splits splits;
  // Begins only when the other one is as far ahead as it may be.
  Add(&splits, Numbers(1, 2), [&](size_t batch, const std::stop_token&) {
    if (batch == 0) ahead.wait();
    return Status::OK();
  });
  Add(&splits, Numbers(3, 9), [&](size_t batch, const std::stop_token&) {
    if (batch < 4) ahead.count_down();
    return Status::OK();
  });
  ASSERT_TRUE(Read(lanes, std::move(splits), true).ok());
  EXPECT_THAT(out_.rows, ElementsAre("101", "102", "103", "104", "105", "106", "107",
                                     "108", "109", "110", "111"));
}

TEST_F(ScanLanesTest, ManySplitsOverManyReads) {
  ScanLanes lanes(pipeline_.get(), 0, 3);
  for (int read = 0; read < 20; ++read) {
    ScanLanes::Splits splits;
    for (int i = 0; i < 7; ++i) Add(&splits, Numbers(1 + 10 * i, 10));
    out_.rows.clear();
    ASSERT_TRUE(Read(lanes, std::move(splits), read % 2 == 0).ok());
    EXPECT_EQ(out_.rows.size(), 70U);
    EXPECT_TRUE(read % 2 == 1 || std::is_sorted(out_.rows.begin(), out_.rows.end()));
    ASSERT_TRUE(pipeline_->EndScan(0).ok());
  }
}

TEST_F(ScanLanesTest, AnErrorOfOneSplitEndsTheOthers) {
  ScanLanes lanes(pipeline_.get(), 0, 2);
  std::atomic<bool> stopped = false;
  const auto endless = [&](size_t, const std::stop_token& stop) {
    if (!stop.stop_requested()) return Status::OK();
    stopped = true;
    return connector::Cancelled();
  };
  for (const bool in_order : {false, true}) {
    ScanLanes::Splits splits;
    Add(&splits, Numbers(1, 1'000'000 / 100), endless);
    Add(&splits, Numbers(1, 1), [](size_t, const std::stop_token&) -> Status {
      return ExternalError("the disk is gone");
    });
    const Status status = Read(lanes, std::move(splits), in_order);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "the disk is gone");
  }
  // And the next read works.
  ScanLanes::Splits splits;
  Add(&splits, Numbers(5, 1));
  out_.rows.clear();
  ASSERT_TRUE(Read(lanes, std::move(splits), true).ok());
  EXPECT_THAT(out_.rows, ElementsAre("105"));
}

TEST_F(ScanLanesTest, AnErrorOfTheChainIsTheReadsError) {
  ScanLanes lanes(pipeline_.get(), 0, 2);
  ScanLanes::Splits splits;
  Add(&splits, {Rows("x int", "[[2147483647]]")});
  const Status status = Read(lanes, std::move(splits), true);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().error_class, "ARITHMETIC_OVERFLOW");
}

TEST_F(ScanLanesTest, AStopEndsAReadThatWaits) {
  ScanLanes lanes(pipeline_.get(), 0, 2);
  std::stop_source stop;
  ScanLanes::Splits splits;
  Add(&splits, Numbers(1, 1), [&](size_t, const std::stop_token& token) {
    std::latch stopped(1);
    const std::stop_callback wake(token, [&] { stopped.count_down(); });
    stop.request_stop();
    stopped.wait();
    return connector::Cancelled();
  });
  EXPECT_TRUE(
      connector::IsCancelled(Read(lanes, std::move(splits), true, stop.get_token())));
}

TEST_F(ScanLanesTest, AnErrorOfTheTakerIsTheReadsError) {
  ScanLanes lanes(pipeline_.get(), 0, 2);
  ASSERT_TRUE(pipeline_->BeginEpoch(epoch_, &out_).ok());
  ScanLanes::Splits splits;
  for (int i = 0; i < 3; ++i) Add(&splits, Numbers(1, 100));
  const Status status =
      lanes.Read(epoch_, std::move(splits), false, {},
                 [](const ScannedRows&) -> Status { return ExternalError("full"); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "full");
}

}  // namespace
}  // namespace millrace::exec
