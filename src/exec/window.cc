#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "exec/operators.h"

namespace millrace::exec {
namespace {

// Spark: TimeWindowing. A window starts at time - floorMod(time - start, slide), and
// every slide before that as long as it still holds the time.
class Window final : public Operator {
 public:
  explicit Window(WindowOptions options)
      : options_(std::move(options)),
        width_(options_.width.count()),
        slide_(options_.slide.count()),
        start_(options_.start.count()) {}

  Status Process(int, const Batch& batch, PartitionIndex, Emitter& out) override {
    MILLRACE_ASSIGN_OR_RETURN(data::ArrayPtr time,
                              expr::EvaluateToArray(*options_.time, batch, epoch().eval));
    const auto& times = static_cast<const arrow::TimestampArray&>(*time);
    account().dropped_null_time += times.null_count();
    if (slide_ == width_ && times.null_count() == 0) return Tumble(batch, times, out);
    return Slide(batch, times, out);
  }

 private:
  int64_t LastStart(int64_t micros) const {
    const int64_t remainder = (micros - start_) % slide_;
    return micros - (remainder < 0 ? remainder + slide_ : remainder);
  }

  // The common case: one window per row, no row dropped, nothing copied.
  Status Tumble(const Batch& batch, const arrow::TimestampArray& times, Emitter& out) {
    const int64_t rows = batch->num_rows();
    const int64_t* raw = times.raw_values();
    std::vector<int64_t> starts(rows);
    int64_t window = 0;
    int64_t window_end = std::numeric_limits<int64_t>::min();  // of an empty window
    for (int64_t i = 0; i < rows; ++i) {
      if (raw[i] < window || raw[i] >= window_end) {  // times mostly stay in one window
        window = LastStart(raw[i]);
        window_end = window + width_;
      }
      starts[i] = window;
    }
    account().passed += rows;
    return Emit(batch, std::move(starts), out);
  }

  Status Slide(const Batch& batch, const arrow::TimestampArray& times, Emitter& out) {
    std::vector<int32_t> rows;
    std::vector<int64_t> starts;
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      if (times.IsNull(i)) continue;
      const int64_t micros = times.Value(i);
      const size_t before = rows.size();
      for (int64_t start = LastStart(micros); start > micros - width_; start -= slide_) {
        rows.push_back(static_cast<int32_t>(i));
        starts.push_back(start);
      }
      account().expanded += static_cast<int64_t>(rows.size() - before) - 1;
    }
    account().passed += static_cast<int64_t>(rows.size());
    if (rows.empty()) return Status::OK();
    MILLRACE_ASSIGN_OR_RETURN(Batch taken, data::Take(batch, rows));
    return Emit(taken, std::move(starts), out);
  }

  Status Emit(const Batch& batch, std::vector<int64_t> starts, Emitter& out) {
    const auto rows = static_cast<int64_t>(starts.size());
    std::vector<int64_t> ends(rows);
    for (int64_t i = 0; i < rows; ++i) ends[i] = starts[i] + width_;
    const data::TypePtr& type = options_.schema->fields().back()->type();
    const auto column = [&](std::vector<int64_t> micros, int field) {
      return std::make_shared<arrow::TimestampArray>(
          type->field(field)->type(), rows, arrow::Buffer::FromVector(std::move(micros)));
    };
    std::vector<data::ArrayPtr> columns = batch->columns();
    columns.push_back(std::make_shared<arrow::StructArray>(
        type, rows,
        arrow::ArrayVector{column(std::move(starts), 0), column(std::move(ends), 1)}));
    return out.Emit(arrow::RecordBatch::Make(options_.schema, rows, std::move(columns)));
  }

  const WindowOptions options_;
  const int64_t width_;
  const int64_t slide_;
  const int64_t start_;
};

}  // namespace

std::unique_ptr<Operator> MakeWindow(WindowOptions options) {
  return std::make_unique<Window>(std::move(options));
}

}  // namespace millrace::exec
