#include "millrace/dataframe.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "client/nodes.h"
#include "client/row_decoder.h"

namespace millrace {
namespace {

namespace proto = spark::connect;
using detail::ExpressionOf;
using detail::MakeRelation;
using detail::PlanPtr;

template <typename Fill>
DataFrame Over(const PlanPtr& input, Fill&& fill) {
  return DataFrame(MakeRelation(input->connection, std::forward<Fill>(fill)));
}

Result<std::string> OnlyText(const std::vector<data::Batch>& batches) {
  for (const data::Batch& batch : batches) {
    if (batch->num_rows() == 0) continue;
    const auto& texts = static_cast<const arrow::StringViewArray&>(*batch->column(0));
    return std::string(texts.GetView(0));
  }
  return InternalError("the result has no row");
}

Status CreateView(const PlanPtr& plan, std::string_view name, bool replace) {
  proto::Command command;
  auto* view = command.mutable_create_dataframe_view();
  *view->mutable_input() = plan->relation;
  view->set_name(std::string(name));
  view->set_replace(replace);
  return plan->connection->ExecuteCommand(command,
                                          [](const proto::ExecutePlanResponse&) {});
}

}  // namespace

DataFrame DataFrame::SelectColumns(const std::vector<Column>& columns) const {
  return Over(plan_, [&](proto::Relation& relation) {
    auto* project = relation.mutable_project();
    *project->mutable_input() = plan_->relation;
    for (const Column& column : columns)
      *project->add_expressions() = ExpressionOf(column);
  });
}

DataFrame DataFrame::Filter(const Column& condition) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_filter()->mutable_input() = plan_->relation;
    *relation.mutable_filter()->mutable_condition() = ExpressionOf(condition);
  });
}

DataFrame DataFrame::WithColumn(std::string_view name, const Column& column) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_with_columns()->mutable_input() = plan_->relation;
    auto* alias = relation.mutable_with_columns()->add_aliases();
    *alias->mutable_expr() = ExpressionOf(column);
    alias->add_name(std::string(name));
  });
}

DataFrame DataFrame::WithColumnRenamed(std::string_view from, std::string_view to) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_with_columns_renamed()->mutable_input() = plan_->relation;
    auto* rename = relation.mutable_with_columns_renamed()->add_renames();
    rename->set_col_name(std::string(from));
    rename->set_new_col_name(std::string(to));
  });
}

DataFrame DataFrame::Drop(const std::vector<std::string>& names) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_drop()->mutable_input() = plan_->relation;
    for (const std::string& name : names) relation.mutable_drop()->add_column_names(name);
  });
}

DataFrame DataFrame::ToDF(const std::vector<std::string>& names) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_to_df()->mutable_input() = plan_->relation;
    for (const std::string& name : names)
      relation.mutable_to_df()->add_column_names(name);
  });
}

DataFrame DataFrame::Alias(std::string_view alias) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_subquery_alias()->mutable_input() = plan_->relation;
    relation.mutable_subquery_alias()->set_alias(std::string(alias));
  });
}

DataFrame DataFrame::WithWatermark(std::string_view event_time,
                                   std::string_view delay) const {
  return Over(plan_, [&](proto::Relation& relation) {
    auto* watermark = relation.mutable_with_watermark();
    *watermark->mutable_input() = plan_->relation;
    watermark->set_event_time(std::string(event_time));
    watermark->set_delay_threshold(std::string(delay));
  });
}

namespace {

DataFrame Deduplicate(const PlanPtr& input, const std::vector<std::string>& columns,
                      bool within_watermark) {
  return Over(input, [&](proto::Relation& relation) {
    auto* deduplicate = relation.mutable_deduplicate();
    *deduplicate->mutable_input() = input->relation;
    deduplicate->set_all_columns_as_keys(columns.empty());
    deduplicate->set_within_watermark(within_watermark);
    for (const std::string& name : columns) deduplicate->add_column_names(name);
  });
}

DataFrame MakeUnion(const PlanPtr& left, const PlanPtr& right, bool by_name,
                    bool allow_missing_columns) {
  return Over(left, [&](proto::Relation& relation) {
    auto* set = relation.mutable_set_op();
    *set->mutable_left_input() = left->relation;
    *set->mutable_right_input() = right->relation;
    set->set_set_op_type(proto::SetOperation::SET_OP_TYPE_UNION);
    set->set_is_all(true);
    set->set_by_name(by_name);
    set->set_allow_missing_columns(allow_missing_columns);
  });
}

}  // namespace

DataFrame DataFrame::DropDuplicates(const std::vector<std::string>& columns) const {
  return Deduplicate(plan_, columns, false);
}

DataFrame DataFrame::DropDuplicatesWithinWatermark(
    const std::vector<std::string>& columns) const {
  return Deduplicate(plan_, columns, true);
}

Column DataFrame::Col(std::string_view name) const {
  auto node = std::make_shared<detail::ColumnNode>();
  auto* attribute = node->expression.mutable_unresolved_attribute();
  attribute->set_unparsed_identifier(std::string(name));
  attribute->set_plan_id(plan_->relation.common().plan_id());
  return Column(std::move(node));
}

namespace {

// Spark: JoinType.apply. What it does not know is left unspecified, and refused by the
// server.
proto::Join::JoinType JoinTypeOf(std::string_view how) {
  std::string name;
  for (const char c : how) {
    if (c != '_') name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  static const std::map<std::string, proto::Join::JoinType> kTypes = {
      {"inner", proto::Join::JOIN_TYPE_INNER},
      {"cross", proto::Join::JOIN_TYPE_CROSS},
      {"outer", proto::Join::JOIN_TYPE_FULL_OUTER},
      {"full", proto::Join::JOIN_TYPE_FULL_OUTER},
      {"fullouter", proto::Join::JOIN_TYPE_FULL_OUTER},
      {"left", proto::Join::JOIN_TYPE_LEFT_OUTER},
      {"leftouter", proto::Join::JOIN_TYPE_LEFT_OUTER},
      {"right", proto::Join::JOIN_TYPE_RIGHT_OUTER},
      {"rightouter", proto::Join::JOIN_TYPE_RIGHT_OUTER},
      {"semi", proto::Join::JOIN_TYPE_LEFT_SEMI},
      {"leftsemi", proto::Join::JOIN_TYPE_LEFT_SEMI},
      {"anti", proto::Join::JOIN_TYPE_LEFT_ANTI},
      {"leftanti", proto::Join::JOIN_TYPE_LEFT_ANTI},
  };
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? proto::Join::JOIN_TYPE_UNSPECIFIED : found->second;
}

template <typename Fill>
DataFrame MakeJoin(const PlanPtr& left, const DataFrame& right, std::string_view how,
                   Fill&& fill) {
  return Over(left, [&](proto::Relation& relation) {
    auto* join = relation.mutable_join();
    *join->mutable_left() = left->relation;
    *join->mutable_right() = right.plan()->relation;
    join->set_join_type(JoinTypeOf(how));
    fill(join);
  });
}

}  // namespace

DataFrame DataFrame::Join(const DataFrame& other) const {
  return MakeJoin(plan_, other, "inner", [](proto::Join*) {});
}

DataFrame DataFrame::Join(const DataFrame& other, const Column& condition,
                          std::string_view how) const {
  return MakeJoin(plan_, other, how, [&](proto::Join* join) {
    *join->mutable_join_condition() = ExpressionOf(condition);
  });
}

DataFrame DataFrame::Join(const DataFrame& other, const std::vector<std::string>& columns,
                          std::string_view how) const {
  return MakeJoin(plan_, other, how, [&](proto::Join* join) {
    for (const std::string& column : columns) join->add_using_columns(column);
  });
}

DataFrame DataFrame::CrossJoin(const DataFrame& other) const {
  return MakeJoin(plan_, other, "cross", [](proto::Join*) {});
}

DataFrame DataFrame::Union(const DataFrame& other) const {
  return MakeUnion(plan_, other.plan_, false, false);
}

DataFrame DataFrame::UnionByName(const DataFrame& other,
                                 bool allow_missing_columns) const {
  return MakeUnion(plan_, other.plan_, true, allow_missing_columns);
}

DataFrame DataFrame::Limit(int count) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_limit()->mutable_input() = plan_->relation;
    relation.mutable_limit()->set_limit(count);
  });
}

DataFrame DataFrame::Offset(int count) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_offset()->mutable_input() = plan_->relation;
    relation.mutable_offset()->set_offset(count);
  });
}

DataFrame DataFrame::Sort(const std::vector<Column>& columns) const {
  return Over(plan_, [&](proto::Relation& relation) {
    *relation.mutable_sort()->mutable_input() = plan_->relation;
    relation.mutable_sort()->set_is_global(true);
    for (const Column& column : columns) {
      const Column ordered =
          ExpressionOf(column).has_sort_order() ? column : column.Asc();
      *relation.mutable_sort()->add_order() = ExpressionOf(ordered).sort_order();
    }
  });
}

Result<std::string> DataFrame::ShowString(int rows, int truncate, bool vertical) const {
  const DataFrame shown = Over(plan_, [&](proto::Relation& relation) {
    auto* show = relation.mutable_show_string();
    *show->mutable_input() = plan_->relation;
    show->set_num_rows(rows);
    show->set_truncate(truncate);
    show->set_vertical(vertical);
  });
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<data::Batch> batches,
                            plan_->connection->Execute(shown.plan()->relation));
  return OnlyText(batches);
}

Status DataFrame::Show(int rows, bool truncate) const {
  MILLRACE_ASSIGN_OR_RETURN(const std::string text, ShowString(rows, truncate ? 20 : 0));
  std::puts(text.c_str());  // one newline more, as Spark prints it
  std::fflush(stdout);
  return Status::OK();
}

Result<std::vector<Row>> DataFrame::Collect() const {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<data::Batch> batches,
                            plan_->connection->Execute(plan_->relation));
  return detail::DecodeRows(batches);
}

Result<int64_t> DataFrame::Count() const {
  const DataFrame counted = GroupedData(plan_, {}).Count();
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<Row> rows, counted.Collect());
  if (rows.size() == 1 && rows[0].size() == 1) {
    if (const auto* count = rows[0][0].As<int64_t>()) return *count;
  }
  return InternalError("count() gave no number");
}

Result<std::string> DataFrame::SchemaTree() const {
  proto::AnalyzePlanRequest request;
  *request.mutable_tree_string()->mutable_plan()->mutable_root() = plan_->relation;
  MILLRACE_ASSIGN_OR_RETURN(const proto::AnalyzePlanResponse response,
                            plan_->connection->Analyze(std::move(request)));
  return response.tree_string().tree_string();
}

Status DataFrame::CreateOrReplaceTempView(std::string_view name) const {
  return CreateView(plan_, name, /*replace=*/true);
}

Status DataFrame::CreateTempView(std::string_view name) const {
  return CreateView(plan_, name, /*replace=*/false);
}

Result<bool> DataFrame::IsStreaming() const {
  proto::AnalyzePlanRequest request;
  *request.mutable_is_streaming()->mutable_plan()->mutable_root() = plan_->relation;
  MILLRACE_ASSIGN_OR_RETURN(const proto::AnalyzePlanResponse response,
                            plan_->connection->Analyze(std::move(request)));
  return response.is_streaming().is_streaming();
}

Result<std::string> DataFrame::Explain() const {
  proto::AnalyzePlanRequest request;
  *request.mutable_explain()->mutable_plan()->mutable_root() = plan_->relation;
  request.mutable_explain()->set_explain_mode(
      proto::AnalyzePlanRequest::Explain::EXPLAIN_MODE_EXTENDED);
  MILLRACE_ASSIGN_OR_RETURN(const proto::AnalyzePlanResponse response,
                            plan_->connection->Analyze(std::move(request)));
  return response.explain().explain_string();
}

GroupedData::GroupedData(detail::PlanPtr input, std::vector<Column> keys)
    : input_(std::move(input)), keys_(std::move(keys)) {}

DataFrame GroupedData::AggColumns(const std::vector<Column>& aggregates) const {
  return Over(input_, [&](proto::Relation& relation) {
    auto* aggregate = relation.mutable_aggregate();
    *aggregate->mutable_input() = input_->relation;
    aggregate->set_group_type(proto::Aggregate::GROUP_TYPE_GROUPBY);
    for (const Column& key : keys_) {
      *aggregate->add_grouping_expressions() = ExpressionOf(key);
    }
    for (const Column& call : aggregates) {
      *aggregate->add_aggregate_expressions() = ExpressionOf(call);
    }
  });
}

DataFrame GroupedData::Count() const {
  return AggColumns({functions::Count(Column(1)).Alias("count")});
}
DataFrame GroupedData::Sum(std::string_view column) const {
  return AggColumns({functions::Sum(functions::Col(column))});
}
DataFrame GroupedData::Avg(std::string_view column) const {
  return AggColumns({functions::Avg(functions::Col(column))});
}
DataFrame GroupedData::Min(std::string_view column) const {
  return AggColumns({functions::Min(functions::Col(column))});
}
DataFrame GroupedData::Max(std::string_view column) const {
  return AggColumns({functions::Max(functions::Col(column))});
}

DataFrameWriter::DataFrameWriter(detail::PlanPtr plan)
    : spec_(std::make_shared<detail::WriteSpec>()) {
  *spec_->write.mutable_input() = plan->relation;
  spec_->write.set_mode(proto::WriteOperation::SAVE_MODE_ERROR_IF_EXISTS);
  spec_->plan = std::move(plan);
}

DataFrameWriter& DataFrameWriter::Format(std::string_view format) {
  spec_->write.set_source(std::string(format));
  return *this;
}

DataFrameWriter& DataFrameWriter::Mode(std::string_view mode) {
  using Write = proto::WriteOperation;
  static const std::map<std::string, Write::SaveMode, std::less<>> kModes = {
      {"append", Write::SAVE_MODE_APPEND},
      {"overwrite", Write::SAVE_MODE_OVERWRITE},
      {"error", Write::SAVE_MODE_ERROR_IF_EXISTS},
      {"errorifexists", Write::SAVE_MODE_ERROR_IF_EXISTS},
      {"ignore", Write::SAVE_MODE_IGNORE},
  };
  const auto found = kModes.find(mode);
  if (found == kModes.end()) {
    spec_->error = ArgumentError(
        "The save mode '{}' is unknown: use one of append, overwrite, "
        "error, errorifexists, ignore.",
        mode);
    return *this;
  }
  spec_->write.set_mode(found->second);
  return *this;
}

DataFrameWriter& DataFrameWriter::Option(std::string_view key, std::string_view value) {
  (*spec_->write.mutable_options())[std::string(key)] = std::string(value);
  return *this;
}

DataFrameWriter& DataFrameWriter::PartitionBy(const std::vector<std::string>& columns) {
  spec_->write.clear_partitioning_columns();
  for (const std::string& column : columns) spec_->write.add_partitioning_columns(column);
  return *this;
}

Status DataFrameWriter::Save(std::string_view path) const {
  MILLRACE_RETURN_IF_ERROR(spec_->error);
  proto::Command command;
  *command.mutable_write_operation() = spec_->write;
  command.mutable_write_operation()->set_path(std::string(path));
  return spec_->plan->connection->ExecuteCommand(command, [](const auto&) {});
}

Status DataFrameWriter::Parquet(std::string_view path) {
  return Format("parquet").Save(path);
}

}  // namespace millrace
