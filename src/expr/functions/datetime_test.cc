#include <fstream>

#include <arrow/array/array_base.h>
#include <arrow/array/array_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include "expr/cast.h"
#include "expr/expression_parser.h"
#include "expr/functions/calendar.h"
#include "expr/functions/local_clock.h"

namespace millrace::expr {
namespace {

const data::TimeZone& Zone(std::string_view id) { return **data::TimeZone::Find(id); }

std::string Evaluated(std::string_view sql, std::string_view zone, int64_t now_micros = 0) {
  BindContext binding;
  binding.session_time_zone = zone;
  binding.zone = &Zone(zone);
  const Result<ExprPtr> expr = ParseExpression(sql, binding);
  if (!expr.ok()) return expr.status().ToString();
  const Result<ExprPtr> text = MakeCast(*expr, data::StringType());
  if (!text.ok()) return text.status().ToString();
  const data::Batch row = arrow::RecordBatch::Make(
      arrow::schema(arrow::FieldVector{}), 1, std::vector<data::ArrayPtr>{});
  const Result<data::ArrayPtr> array =
      EvaluateToArray(**text, row, EvalContext{&Zone(zone), now_micros});
  if (!array.ok()) return array.status().ToString();
  const std::string type = data::SimpleTypeName(*(*expr)->type()) + ": ";
  if ((*array)->IsNull(0)) return type + "NULL";
  return type + std::string(static_cast<const arrow::StringViewArray&>(**array).GetView(0));
}

TEST(DateTime, FollowsTheSessionTimeZoneAsSparkDoes) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/expr/testdata/spark_time_zones.txt");
  std::string zone;
  std::string sql;
  int compared = 0;
  constexpr std::string_view kArrow = "  → ";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("zone ")) {
      zone = line.substr(5);
    } else if (line.starts_with(kArrow)) {
      EXPECT_EQ(Evaluated(sql, zone), line.substr(kArrow.size())) << sql << " in " << zone;
      ++compared;
    } else {
      sql = line;
    }
  }
  EXPECT_GT(compared, 800);
}

TEST(DateTime, NowIsThatOfTheBatch) {
  constexpr int64_t kNow = 1709164800'123456;  // 2024-02-29 00:00:00.123456 UTC
  EXPECT_EQ(Evaluated("now()", "UTC", kNow), "timestamp: 2024-02-29 00:00:00.123456");
  EXPECT_EQ(Evaluated("current_timestamp()", "America/New_York", kNow),
            "timestamp: 2024-02-28 19:00:00.123456");
  EXPECT_EQ(Evaluated("current_date()", "America/New_York", kNow), "date: 2024-02-28");
  EXPECT_EQ(Evaluated("localtimestamp()", "Asia/Tokyo", kNow),
            "timestamp_ntz: 2024-02-29 09:00:00.123456");
  EXPECT_EQ(Evaluated("unix_timestamp()", "Asia/Tokyo", kNow), "bigint: 1709164800");
  EXPECT_EQ(Evaluated("current_timezone()", "Asia/Tokyo", kNow), "string: Asia/Tokyo");
}

TEST(LocalClock, AgreesWithItsZone) {
  for (const std::string_view id :
       {"America/New_York", "Asia/Kolkata", "Europe/Dublin", "Pacific/Apia", "UTC"}) {
    const data::TimeZone& zone = Zone(id);
    LocalClock clock(zone);
    // Steps of 7 minutes and 13 seconds over three years, and odd ones over two centuries.
    const int64_t begin = data::DaysFromCivil(2010, 1, 1) * kMicrosPerDay;
    for (int64_t i = 0; i < 200'000; ++i) {
      const int64_t at = begin + i * 433 * kMicrosPerSecond;
      ASSERT_EQ(clock.ToLocal(at), zone.ToLocal(at)) << id << " " << at;
    }
    for (int64_t i = -100'000; i < 50'000; ++i) {
      const int64_t at = i * 40'009 * kMicrosPerSecond + i;
      ASSERT_EQ(clock.ToLocal(at), zone.ToLocal(at)) << id << " " << at;
    }
  }
}

TEST(Calendar, CountsWeeksAndMonths) {
  const int64_t day = data::DaysFromCivil(2021, 1, 3);  // a Sunday
  EXPECT_EQ(Weekday(day), 6);
  EXPECT_EQ(WeekOfYear(day), 53);
  EXPECT_EQ(WeekYear(day), 2020);
  EXPECT_EQ(TruncateDate(day, TruncateTo::kWeek), data::DaysFromCivil(2020, 12, 28));
  EXPECT_EQ(AddMonths(data::DaysFromCivil(2024, 1, 31), 1), data::DaysFromCivil(2024, 2, 29));
  EXPECT_EQ(AddMonths(data::DaysFromCivil(2024, 1, 31), -13),
            data::DaysFromCivil(2022, 12, 31));
  EXPECT_EQ(MonthsBetween(0, data::DaysFromCivil(1970, 2, 1) * kMicrosPerDay - 1), 0);
  EXPECT_EQ(MonthsBetween(0, data::DaysFromCivil(1970, 2, 1) * kMicrosPerDay), 1);
  EXPECT_EQ(ParseTruncateTo("Mon"), TruncateTo::kMonth);
  EXPECT_EQ(ParseTruncateTo("decade"), std::nullopt);
  EXPECT_EQ(ParseWeekday("we"), 2);
  EXPECT_EQ(ParseWeekday("wedn"), std::nullopt);
}

}  // namespace
}  // namespace millrace::expr
