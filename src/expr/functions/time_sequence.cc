// sequence of dates and timestamps.
#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>

#include "base/error.h"
#include "expr/argument_errors.h"
#include "expr/functions/calendar.h"
#include "expr/functions/lists.h"
#include "expr/functions/local_clock.h"
#include "expr/functions/time_sequence.h"
#include "expr/functions/typed_call.h"

namespace millrace::expr {
namespace {

using Args = std::span<const ExprPtr>;
using Bound = Result<BoundFunction>;
using arrow::Type;

constexpr int64_t kLongest = 2'147'483'632;  // Spark's ByteArrayMethods

// One step: months, whole days on the local calendar, and time on the clock.
struct Step {
  int64_t months = 0;
  int64_t micros = 0;

  bool positive() const { return months > 0 || micros > 0; }
  bool zero() const { return months == 0 && micros == 0; }
};

Status IllegalBoundaries(int64_t start, int64_t stop, const Step& step) {
  return Error(Fault::kData,
               "requirement failed: Illegal sequence boundaries: {} to {} by {}", start,
               stop, step.months != 0 ? step.months : step.micros)
      .Java(kIllegalArgumentException);
}

// `count` steps from a local time.
int64_t Moved(int64_t local, const Step& step, int64_t count,
              const data::TimeZone& zone) {
  if (step.months != 0) {
    const int64_t days = AddMonths(FloorDiv(local, kMicrosPerDay), step.months * count);
    return zone.ToUtc(days * kMicrosPerDay + FloorMod(local, kMicrosPerDay));
  }
  const int64_t all = step.micros * count;
  if (step.micros % kMicrosPerDay == 0) return zone.ToUtc(local + all);
  return zone.ToUtc(local) + all;
}

// From start to stop, both in UTC, as they are or cut to days.
Status AppendTimes(int64_t start, int64_t stop, const Step& step,
                   const data::TimeZone& zone, std::vector<int64_t>* out) {
  if (start == stop) {
    out->push_back(start);
    return Status::OK();
  }
  if (step.zero() || (start < stop) != step.positive()) {
    return IllegalBoundaries(start, stop, step);
  }
  const int64_t local = zone.ToLocal(start);
  int64_t time = start;
  for (int64_t count = 1; step.positive() ? time <= stop : time >= stop; ++count) {
    if (static_cast<int64_t>(out->size()) >= kLongest) {
      return Error(Fault::kData, "Too long sequence: {}.", out->size());
    }
    out->push_back(time);
    time = Moved(local, step, count, zone);
  }
  return Status::OK();
}

template <bool kDates>
Result<Value> MakeTimeSequences(const KernelInput& in) {
  using Time = std::conditional_t<kDates, int32_t, int64_t>;
  const bool constant = AllConstant(in.args);
  const int64_t rows = constant ? 1 : in.rows;
  const Reader<Time> starts(in.args[0]);
  const Reader<Time> stops(in.args[1]);
  const NullReader step_nulls(in.args[2]);
  const bool months = in.args[2].array->type_id() == Type::INTERVAL_MONTHS;
  const auto& element = static_cast<const arrow::ListType&>(*in.type).value_type();
  const bool zoned = data::IsTimestamp(*element);
  const data::TimeZone& zone = zoned ? *in.context.zone : *data::TimeZone::Utc();
  const int64_t unit = kDates ? kMicrosPerDay : 1;
  std::vector<int64_t> times;
  std::vector<int32_t> offsets{0};
  const Validity all;
  NullOutput nulls(all, rows);
  int64_t null_count = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (starts.IsNull(row) || stops.IsNull(row) || step_nulls.IsNull(row)) {
      ++null_count;
      MILLRACE_RETURN_IF_ERROR(nulls.Clear(row));
    } else {
      const Step step = months ? Step{Reader<int32_t>(in.args[2])[row], 0}
                               : Step{0, Reader<int64_t>(in.args[2])[row]};
      MILLRACE_RETURN_IF_ERROR(
          AppendTimes(starts[row] * unit, stops[row] * unit, step, zone, &times));
    }
    offsets.push_back(static_cast<int32_t>(times.size()));
  }
  std::vector<Time> values;
  values.reserve(times.size());
  for (const int64_t time : times)
    values.push_back(static_cast<Time>(FloorDiv(time, unit)));
  const auto count = static_cast<int64_t>(values.size());
  const data::ArrayPtr elements = arrow::MakeArray(arrow::ArrayData::Make(
      element, count, {nullptr, arrow::Buffer::FromVector(std::move(values))}, 0));
  return Value{std::make_shared<arrow::ListArray>(
                   in.type, rows, arrow::Buffer::FromVector(std::move(offsets)), elements,
                   nulls.Finish(), null_count),
               constant};
}

// One day, forwards or backwards as the ends lie.
Result<ExprPtr> UsualStep(const ExprPtr& start, const ExprPtr& stop,
                          const BindContext& context) {
  const data::TypePtr type = arrow::duration(arrow::TimeUnit::MICRO);
  const auto day = [&](int64_t micros) -> ExprPtr {
    return std::make_shared<Literal>(arrow::MakeArray(arrow::ArrayData::Make(
        type, 1, {nullptr, arrow::Buffer::FromVector(std::vector<int64_t>{micros})}, 0)));
  };
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr forwards, MakeCall("<=", {start, stop}, context));
  return MakeCall("if", {forwards, day(kMicrosPerDay), day(-kMicrosPerDay)}, context);
}

}  // namespace

Bound BindTimeSequence(Args args, const BindContext& context) {
  const data::TypePtr& type = args[0]->type();
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr stop, CastTo("sequence", args, 1, type));
  ExprPtr step;
  if (args.size() > 2) {
    step = args[2];
  } else {
    MILLRACE_ASSIGN_OR_RETURN(step, UsualStep(args[0], stop, context));
  }
  const Type::type id = step->type()->id();
  if (id != Type::DURATION && id != Type::INTERVAL_MONTHS) {
    return UnexpectedInputType("sequence", args, 2,
                               "(\"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO "
                               "SECOND\")");
  }
  const bool dates = type->id() == Type::DATE32;
  return MakeBound({args[0], std::move(stop), std::move(step)},
                   data::ArrayOf(type, false),
                   dates ? MakeTimeSequences<true> : MakeTimeSequences<false>,
                   {.can_fail = true, .foldable = !data::IsTimestamp(*type)});
}

}  // namespace millrace::expr
