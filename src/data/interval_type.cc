#include "data/interval_type.h"

#include <array>

#include <arrow/type.h>
#include <fmt/format.h>

namespace millrace::data {
namespace {

template <typename ArrowType>
class WithFields final : public ArrowType {
 public:
  template <typename... Args>
  explicit WithFields(IntervalFields fields, Args... args)
      : ArrowType(args...), fields_(fields) {}
  IntervalFields fields() const { return fields_; }

 private:
  const IntervalFields fields_;
};

using DayTimeType = WithFields<arrow::DurationType>;
using YearMonthType = WithFields<arrow::MonthIntervalType>;

}  // namespace

TypePtr DayTimeInterval(IntervalFields fields) {
  if (fields == kDayToSecond) return arrow::duration(arrow::TimeUnit::MICRO);
  return std::make_shared<DayTimeType>(fields, arrow::TimeUnit::MICRO);
}

TypePtr YearMonthInterval(IntervalFields fields) {
  if (fields == kYearToMonth) return arrow::month_interval();
  return std::make_shared<YearMonthType>(fields);
}

IntervalFields FieldsOf(const arrow::DataType& type) {
  if (const auto* day_time = dynamic_cast<const DayTimeType*>(&type)) {
    return day_time->fields();
  }
  if (const auto* year_month = dynamic_cast<const YearMonthType*>(&type)) {
    return year_month->fields();
  }
  return type.id() == arrow::Type::DURATION ? kDayToSecond : kYearToMonth;
}

std::string IntervalFieldsText(const arrow::DataType& type) {
  constexpr std::array kDayTime = {"day", "hour", "minute", "second"};
  constexpr std::array kYearMonth = {"year", "month"};
  const auto name = [&](int field) {
    const auto index = static_cast<size_t>(field);
    return type.id() == arrow::Type::DURATION ? kDayTime.at(index) : kYearMonth.at(index);
  };
  const IntervalFields fields = FieldsOf(type);
  if (fields.first == fields.last) return name(fields.first);
  return fmt::format("{} to {}", name(fields.first), name(fields.last));
}

}  // namespace millrace::data
