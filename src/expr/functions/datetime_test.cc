#include <gmock/gmock.h>

#include "expr/functions/calendar.h"
#include "expr/functions/local_clock.h"

namespace millrace::expr {
namespace {

const data::TimeZone& Zone(std::string_view id) { return **data::TimeZone::Find(id); }

TEST(LocalClock, AgreesWithItsZone) {
  for (const std::string_view id :
       {"America/New_York", "Asia/Kolkata", "Europe/Dublin", "Pacific/Apia", "UTC"}) {
    const data::TimeZone& zone = Zone(id);
    LocalClock clock(zone);
    // Steps of 7 minutes and 13 seconds over three years, and odd ones over two
    // centuries.
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
  EXPECT_EQ(AddMonths(data::DaysFromCivil(2024, 1, 31), 1),
            data::DaysFromCivil(2024, 2, 29));
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
