#include "connectors/file/file_source.h"

#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/ascii.h"
#include "connectors/file/partition_path.h"

namespace millrace::connectors::file {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& other) {
    return EqualsIgnoreCase(other, name);
  });
}

/// Adds the partition columns to a file's own.
class PartitionedReader final : public connector::Reader {
 public:
  PartitionedReader(std::shared_ptr<const ReadPlan> plan, DataFile file,
                    std::unique_ptr<connector::Reader> rows)
      : plan_(std::move(plan)), file_(std::move(file)), rows_(std::move(rows)) {}

  Result<data::Batch> Next(std::stop_token stop) override {
    MILLRACE_ASSIGN_OR_RETURN(const data::Batch batch, rows_->Next(std::move(stop)));
    if (batch == nullptr) return batch;
    std::vector<data::ArrayPtr> columns;
    int own = 0;
    for (const data::FieldPtr& field : plan_->wanted->fields()) {
      const auto& names = plan_->partition_columns;
      const auto found = std::find_if(
          names.begin(), names.end(),
          [&](const std::string& name) { return EqualsIgnoreCase(name, field->name()); });
      if (found == names.end()) {
        columns.push_back(batch->column(own++));
        continue;
      }
      const auto& value =
          file_.partition_values[static_cast<size_t>(found - names.begin())];
      MILLRACE_ASSIGN_OR_RETURN(
          data::ArrayPtr column,
          RepeatPartitionValue(field->type(), value, batch->num_rows(),
                               plan_->context.time_zone));
      columns.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(plan_->wanted, batch->num_rows(), std::move(columns));
  }

  int64_t bytes_read() const override { return rows_->bytes_read(); }

 private:
  const std::shared_ptr<const ReadPlan> plan_;
  const DataFile file_;
  const std::unique_ptr<connector::Reader> rows_;
};

class FileSplit final : public connector::Split {
 public:
  FileSplit(std::shared_ptr<const ReadPlan> plan, DataFile file)
      : plan_(std::move(plan)), file_(std::move(file)) {}

  /// Files are no partitions: a later file goes on where an earlier one ended.
  std::string partition() const override { return "0"; }

  Result<std::unique_ptr<connector::Reader>> Open() override {
    arrow::FieldVector own;
    for (const data::FieldPtr& field : plan_->wanted->fields()) {
      if (!Contains(plan_->partition_columns, field->name())) own.push_back(field);
    }
    const bool partitioned =
        own.size() < static_cast<size_t>(plan_->wanted->num_fields());
    MILLRACE_ASSIGN_OR_RETURN(
        std::unique_ptr<connector::Reader> rows,
        plan_->format->Open(file_.path, plan_->data_schema, arrow::schema(std::move(own)),
                            plan_->context));
    if (!partitioned) return rows;
    return std::unique_ptr<connector::Reader>(
        std::make_unique<PartitionedReader>(plan_, file_, std::move(rows)));
  }

 private:
  const std::shared_ptr<const ReadPlan> plan_;
  const DataFile file_;
};

}  // namespace

std::shared_ptr<const ReadPlan> PlanRead(
    std::shared_ptr<const FileFormat> format, const Options& options,
    const data::SchemaPtr& schema, const std::vector<std::string>& partition_columns,
    const connector::SourceContext& context) {
  auto plan = std::make_shared<ReadPlan>();
  plan->format = std::move(format);
  plan->context = {
      .fs = context.fs, .options = options, .time_zone = context.session_time_zone};
  plan->partition_columns = partition_columns;
  arrow::FieldVector data_fields;
  arrow::FieldVector wanted;
  for (const data::FieldPtr& field : schema->fields()) {
    if (!Contains(partition_columns, field->name())) data_fields.push_back(field);
    if (!context.required_columns || Contains(*context.required_columns, field->name())) {
      wanted.push_back(field);
    }
  }
  plan->data_schema = arrow::schema(std::move(data_fields));
  plan->wanted = arrow::schema(std::move(wanted));
  return plan;
}

std::unique_ptr<connector::Split> MakeFileSplit(std::shared_ptr<const ReadPlan> plan,
                                                DataFile file) {
  return std::make_unique<FileSplit>(std::move(plan), std::move(file));
}

}  // namespace millrace::connectors::file
