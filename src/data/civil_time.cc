// Dates of the proleptic Gregorian calendar, and times as Spark writes them.
#include <array>

#include "data/time_text.h"

namespace millrace::data {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

// Writes into a buffer that is long enough for any time; appended in one go.
class Writer {
 public:
  void Put(char c) { text_[size_++] = c; }
  void PutTwo(int64_t value) {
    Put(static_cast<char>('0' + value / 10));
    Put(static_cast<char>('0' + value % 10));
  }
  void PutDate(int64_t days) {
    const CivilDate date = CivilFromDays(days);
    PutYear(date.year);
    Put('-');
    PutTwo(date.month);
    Put('-');
    PutTwo(date.day);
  }
  void PutFraction(int64_t micros) {
    Put('.');
    for (int64_t unit = 100'000; micros != 0; unit /= 10) {
      Put(static_cast<char>('0' + micros / unit));
      micros %= unit;
    }
  }
  void AppendTo(std::string* out) const { out->append(text_.data(), size_); }

 private:
  void PutYear(int64_t year) {
    if (year < 0) Put('-');
    if (year > 9999) Put('+');
    uint64_t rest = year < 0 ? -static_cast<uint64_t>(year) : static_cast<uint64_t>(year);
    std::array<char, 20> digits;
    size_t count = 0;
    for (; rest != 0 || count < 4; rest /= 10) {
      digits[count++] = static_cast<char>('0' + rest % 10);
    }
    while (count > 0) Put(digits[--count]);
  }

  std::array<char, 64> text_;
  size_t size_ = 0;
};

}  // namespace

int64_t DaysFromCivil(int64_t year, int month, int day) {
  // Years begin in March, so that the leap day is the last day of a year.
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year =
      (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CivilDate CivilFromDays(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) /
      365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto march_month = static_cast<int>((5 * day_of_year + 2) / 153);
  const int month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {year_of_era + era * 400 + (month <= 2), month,
          static_cast<int>(day_of_year - (153 * march_month + 2) / 5 + 1)};
}

void AppendDate(int64_t days, std::string* out) {
  Writer writer;
  writer.PutDate(days);
  writer.AppendTo(out);
}

void AppendTimestamp(int64_t local_micros, std::string* out) {
  int64_t days = local_micros / kMicrosPerDay;
  int64_t rest = local_micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  const int64_t seconds = rest / kMicrosPerSecond;
  const int64_t micros = rest % kMicrosPerSecond;
  Writer writer;
  writer.PutDate(days);
  writer.Put(' ');
  writer.PutTwo(seconds / 3600);
  writer.Put(':');
  writer.PutTwo(seconds / 60 % 60);
  writer.Put(':');
  writer.PutTwo(seconds % 60);
  if (micros != 0) writer.PutFraction(micros);
  writer.AppendTo(out);
}

}  // namespace millrace::data
