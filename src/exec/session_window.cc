#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/error.h"
#include "base/interval.h"
#include "exec/operators.h"

namespace millrace::exec {
namespace {

// Lengths of gaps, in microseconds. Texts are read as intervals; a text is mostly the
// last one.
class Gaps {
 public:
  Status Read(const arrow::Array& gaps, int64_t row, int64_t* micros) {
    if (gaps.type_id() == arrow::Type::DURATION) {
      *micros = static_cast<const arrow::DurationArray&>(gaps).Value(row);
      return Status::OK();
    }
    const std::string_view text =
        static_cast<const arrow::StringViewArray&>(gaps).GetView(row);
    if (text != last_text_) {
      MILLRACE_ASSIGN_OR_RETURN(const CalendarInterval interval, ParseInterval(text));
      if (interval.months != 0) {
        return UnsupportedError(
            "A session gap of months ({}) is not supported yet: give it in "
            "days.",
            text);
      }
      last_text_ = text;
      last_micros_ = interval.days * int64_t{86'400'000'000} + interval.micros;
    }
    *micros = last_micros_;
    return Status::OK();
  }

 private:
  std::string last_text_;
  int64_t last_micros_ = 0;
};

// Spark: SessionWindowing. A row is a session from its time to its time plus the gap;
// sessions that touch are made one when they are grouped.
class SessionWindow final : public Operator {
 public:
  explicit SessionWindow(SessionWindowOptions options) : options_(std::move(options)) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr time,
                              expr::EvaluateToArray(*options_.time, batch, epoch().eval));
    MILLRACE_ASSIGN_OR_RETURN(const data::ArrayPtr gaps,
                              expr::EvaluateToArray(*options_.gap, batch, epoch().eval));
    const auto& times = static_cast<const arrow::TimestampArray&>(*time);
    std::vector<int32_t> rows;
    std::vector<int64_t> starts;
    std::vector<int64_t> ends;
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      if (times.IsNull(i)) {
        ++account().dropped_null_time;
        continue;
      }
      int64_t gap = 0;
      if (gaps->IsValid(i)) MILLRACE_RETURN_IF_ERROR(gaps_.Read(*gaps, i, &gap));
      if (gap <= 0) {  // no session at all
        ++account().dropped_filter;
        continue;
      }
      rows.push_back(static_cast<int32_t>(i));
      starts.push_back(times.Value(i));
      ends.push_back(times.Value(i) + gap);
    }
    account().passed += static_cast<int64_t>(rows.size());
    if (rows.empty()) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(const Batch taken, data::Take(batch, rows));
    return Emit(taken, std::move(starts), std::move(ends), out);
  }

 private:
  Status Emit(const Batch& batch, std::vector<int64_t> starts, std::vector<int64_t> ends,
              Emitter& out) const {
    const int64_t rows = batch->num_rows();
    const data::TypePtr& type = options_.schema->fields().back()->type();
    const auto column = [&](std::vector<int64_t> micros) {
      return std::make_shared<arrow::TimestampArray>(
          type->field(0)->type(), rows, arrow::Buffer::FromVector(std::move(micros)));
    };
    std::vector<data::ArrayPtr> columns = batch->columns();
    columns.push_back(std::make_shared<arrow::StructArray>(
        type, rows,
        arrow::ArrayVector{column(std::move(starts)), column(std::move(ends))}));
    return out.Emit(arrow::RecordBatch::Make(options_.schema, rows, std::move(columns)));
  }

  const SessionWindowOptions options_;
  Gaps gaps_;
};

}  // namespace

std::unique_ptr<Operator> MakeSessionWindow(SessionWindowOptions options) {
  return std::make_unique<SessionWindow>(std::move(options));
}

}  // namespace millrace::exec
