#include "plan/plan_builder.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/interval.h"
#include "expr/cast.h"
#include "expr/type_rules.h"
#include "plan/aggregation.h"
#include "plan/analysis_errors.h"
#include "plan/expr_resolver.h"
#include "plan/generator.h"
#include "plan/missing_columns.h"
#include "plan/pretty_sql.h"
#include "plan/range_source.h"
#include "plan/window_collector.h"

namespace millrace::plan {
namespace {

using Kind = UnresolvedExpr::Kind;

bool IsMissingColumn(const Status& status) {
  return !status.ok() && status.error().error_class.starts_with("UNRESOLVED_COLUMN");
}

bool HasWindowCall(const UnresolvedExpr& expression) {
  return expression.kind == Kind::kWindow ||
         std::ranges::any_of(expression.children, HasWindowCall);
}

// `name` is the clause: "limit", "tail" or "offset".
Status CheckNotNegative(int64_t count, std::string_view name) {
  if (count >= 0) return Status::OK();
  return AnalysisError(
             "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E",
             "The limit like expression \"{0}\" is invalid. The {1} expression must "
             "be equal to or greater than 0, but got {0}.",
             count, name)
      .Param("name", std::string(name))
      .Param("expr", fmt::format("\"{}\"", count))
      .Param("v", fmt::to_string(count));
}

std::vector<Attribute> AttributesOf(const arrow::Schema& schema) {
  std::vector<Attribute> output;
  for (const data::FieldPtr& field : schema.fields()) {
    output.push_back(NewAttribute(field->name(), field->type(), field->nullable()));
  }
  return output;
}

PlanPtr MakeProject(PlanPtr input, std::vector<NamedExpr> columns) {
  std::vector<Attribute> output;
  for (const NamedExpr& column : columns) output.push_back(column.attribute);
  return MakePlan(plan::Project{std::move(columns)}, {std::move(input)},
                  std::move(output));
}

NamedExpr PassThrough(const Attribute& attribute) { return {attribute.ref(), attribute}; }

// `input` with those of its hidden columns that `columns` use.
PlanPtr WithHidden(PlanPtr input, const std::vector<NamedExpr>& columns) {
  if (input->hidden.empty()) return input;
  std::vector<AttributeId> used;
  for (const NamedExpr& column : columns) expr::CollectColumns(column.expr, &used);
  std::vector<NamedExpr> kept = std::get<Project>(input->node).columns;
  for (const Attribute& hidden : input->hidden) {
    if (std::find(used.begin(), used.end(), hidden.id) == used.end()) continue;
    kept.push_back(PassThrough(hidden));
  }
  if (kept.size() == input->output.size()) return input;
  return MakeProject(input->children[0], std::move(kept));
}

// Spark: TimeWindow.getDelayMs counts a month as 31 days.
Result<std::chrono::microseconds> ParseDelay(const std::string& text) {
  MILLRACE_ASSIGN_OR_RETURN(const CalendarInterval interval, ParseInterval(text));
  const int64_t days = int64_t{interval.months} * 31 + interval.days;
  const std::chrono::microseconds delay =
      std::chrono::days(days) + std::chrono::microseconds(interval.micros);
  if (delay < std::chrono::microseconds::zero()) {
    return ArgumentError(
        "requirement failed: delay threshold ({}) should not be negative.", text);
  }
  return delay;
}

}  // namespace

PlanBuilder::PlanBuilder(const Connectors& connectors, const SessionConf& conf,
                         FileSystem* fs, Clock* clock)
    : connectors_(connectors), conf_(conf), fs_(fs), clock_(clock) {}

Result<PlanPtr> PlanBuilder::Read(std::string_view format, const Options& options,
                                  const std::vector<std::string>& paths,
                                  const std::string& schema, bool streaming,
                                  const std::string& source_name) const {
  MILLRACE_ASSIGN_OR_RETURN(const connector::SourceProvider* provider,
                            connectors_.Source(format));
  data::SchemaPtr user_schema;
  if (!schema.empty()) {
    MILLRACE_ASSIGN_OR_RETURN(user_schema, data::ParseSchema(schema));
  }
  connector::SourceContext context;
  context.fs = fs_;
  context.clock = clock_;
  context.session_time_zone = conf_.time_zone();
  MILLRACE_ASSIGN_OR_RETURN(
      data::SchemaPtr full_schema,
      provider->Schema(options, paths, user_schema, streaming, context));
  std::vector<Attribute> output = AttributesOf(*full_schema);
  return MakePlan(Scan{provider, options, paths, std::move(full_schema), source_name}, {},
                  std::move(output), streaming);
}

Result<PlanPtr> PlanBuilder::Table(const std::vector<std::string>& name_parts,
                                   bool streaming) const {
  for (const auto& tables : connectors_.tables()) {
    std::optional<connector::TableContent> content =
        tables->Find(conf_.session_id(), name_parts.back());
    if (content) return Local(std::move(content->schema), std::move(content->batches));
  }
  const TableCatalog catalog(conf_, fs_);
  MILLRACE_ASSIGN_OR_RETURN(const TableId id, catalog.Resolve(name_parts));
  MILLRACE_ASSIGN_OR_RETURN(const std::optional<TableInfo> table, catalog.Find(id));
  if (!table) return TableNotFound(name_parts, conf_);
  const std::string schema =
      table->schema == nullptr ? "" : data::SchemaToJson(*table->schema);
  if (!schema.empty() && !streaming) {
    MILLRACE_ASSIGN_OR_RETURN(const std::optional<FileInfo> folder,
                              fs_->Stat(table->location));
    if (!folder) return Local(table->schema, {});
  }
  return Read(table->format, Options(table->options), {table->location}, schema,
              streaming, "");
}

bool PlanBuilder::HasFileFormat(const std::string& format) const {
  constexpr std::array<std::string_view, 4> kFormats = {"parquet", "json", "csv", "text"};
  return std::any_of(kFormats.begin(), kFormats.end(), [&](std::string_view name) {
    return EqualsIgnoreCase(name, format);
  });
}

Result<PlanPtr> PlanBuilder::Local(data::SchemaPtr schema,
                                   std::vector<data::Batch> batches) const {
  std::vector<Attribute> output = AttributesOf(*schema);
  return MakePlan(LocalRelation{std::move(batches)}, {}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Range(int64_t start, int64_t end, int64_t step) const {
  if (step == 0) return ArgumentError("requirement failed: step ({}) cannot be 0", step);
  const connector::SourceProvider& provider = RangeSource();
  MILLRACE_ASSIGN_OR_RETURN(
      data::SchemaPtr schema,
      provider.Schema({}, {}, nullptr, false, connector::SourceContext()));
  std::vector<Attribute> output = AttributesOf(*schema);
  return MakePlan(
      Scan{&provider, RangeOptions(start, end, step), {}, std::move(schema), ""}, {},
      std::move(output));
}

Result<PlanPtr> PlanBuilder::Project(PlanPtr input,
                                     std::span<const UnresolvedExpr> expressions) const {
  if (std::any_of(expressions.begin(), expressions.end(), HasAggregate)) {
    SelectClauses clauses;
    clauses.items.assign(expressions.begin(), expressions.end());
    return Select(std::move(input), clauses);
  }
  ExprResolver resolver(input, conf_);
  MILLRACE_ASSIGN_OR_RETURN(const Generated generated,
                            ApplyGenerators(input, expressions, resolver));
  PlanPtr below = generated.plan;
  // window() in a select list adds its column below, as in groupBy.
  resolver.set_call_hook(
      [&](const UnresolvedExpr& call) -> Result<std::optional<ExprPtr>> {
        if (!EqualsIgnoreCase(call.name, "window") &&
            !EqualsIgnoreCase(call.name, "session_window")) {
          return std::optional<ExprPtr>();
        }
        MILLRACE_ASSIGN_OR_RETURN(below, AddWindow(below, call, resolver));
        return std::optional<ExprPtr>(below->output.back().ref());
      });
  WindowCollector windows;
  resolver.set_window_hook(
      [&](const UnresolvedExpr& window) { return windows.Add(window, resolver); });
  std::vector<NamedExpr> columns;
  for (size_t i = 0; i < expressions.size(); ++i) {
    if (!generated.columns[i].empty()) {
      for (const Attribute& attribute : generated.columns[i])
        columns.push_back(PassThrough(attribute));
      continue;
    }
    MILLRACE_ASSIGN_OR_RETURN(std::vector<ResolvedColumn> resolved,
                              resolver.ResolveColumns(expressions[i]));
    for (ResolvedColumn& column : resolved) {
      columns.push_back({std::move(column.expr), std::move(column.attribute)});
    }
  }
  below = WithHidden(std::move(below), columns);
  for (NamedExpr& column : columns) {
    const bool is_new_window = !below->output.empty() && below->output.back().is_window &&
                               below->output.back().id == column.attribute.id;
    if (is_new_window) column.attribute = below->output.back();
  }
  return MakeProject(windows.Over(std::move(below)), std::move(columns));
}

Result<PlanPtr> PlanBuilder::Filter(PlanPtr input,
                                    const UnresolvedExpr& condition) const {
  ExprResolver resolver(input, conf_);
  if (const UnresolvedExpr* aggregate = FindAggregateCall(condition)) {
    const std::string text = PrettySql(condition, resolver);
    const std::string found = PrettySql(*aggregate, resolver);
    return AnalysisError(
               "INVALID_WHERE_CONDITION", "42903",
               "The WHERE condition \"{}\" contains invalid expressions: {}.\nRewrite "
               "the query to avoid window functions, aggregate functions, and generator "
               "functions in the WHERE clause.",
               text, found)
        .Param("condition", "\"" + text + "\"")
        .Param("expressionList", found);
  }
  if (HasWindowCall(condition)) {
    return AnalysisError("WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", "42601",
                         "It is not allowed to use window functions inside WHERE clause.")
        .Param("clauseName", "WHERE");
  }
  Result<ExprPtr> found = resolver.Resolve(condition);
  if (IsMissingColumn(found.status())) {
    if (PlanPtr wider = WithMissingColumns(input)) {
      Result<PlanPtr> filtered = Filter(std::move(wider), condition);
      if (filtered.ok()) return OnlyColumns(*std::move(filtered), input->output);
    }
  }
  MILLRACE_ASSIGN_OR_RETURN(ExprPtr resolved, std::move(found));
  const arrow::Type::type type = resolved->type()->id();
  if (type == arrow::Type::NA) {
    MILLRACE_ASSIGN_OR_RETURN(resolved, expr::MakeCast(resolved, data::BooleanType()));
  } else if (type != arrow::Type::BOOL) {
    return FilterNotBoolean(PrettySql(condition, resolver), *resolved->type());
  }
  std::vector<Attribute> output = input->output;
  return MakePlan(plan::Filter{std::move(resolved)}, {std::move(input)},
                  std::move(output));
}

Result<PlanPtr> PlanBuilder::WithColumns(PlanPtr input,
                                         std::span<const UnresolvedExpr> aliases) const {
  ExprResolver resolver(input, conf_);
  std::vector<NamedExpr> columns;
  WindowCollector windows;
  resolver.set_window_hook(
      [&](const UnresolvedExpr& window) { return windows.Add(window, resolver); });
  for (const Attribute& attribute : input->output)
    columns.push_back(PassThrough(attribute));
  MILLRACE_ASSIGN_OR_RETURN(const Generated generated,
                            ApplyGenerators(input, aliases, resolver));
  for (size_t i = 0; i < aliases.size(); ++i) {
    std::vector<ResolvedColumn> resolved;
    for (const Attribute& attribute : generated.columns[i])
      resolved.push_back({attribute.ref(), attribute});
    if (resolved.empty()) {
      MILLRACE_ASSIGN_OR_RETURN(resolved, resolver.ResolveColumns(aliases[i]));
    }
    for (ResolvedColumn& column : resolved) {
      bool replaced = false;
      for (size_t n = 0; n < input->output.size(); ++n) {
        if (!EqualsIgnoreCase(input->output[n].name, column.attribute.name)) continue;
        columns[n] = {column.expr, column.attribute};
        replaced = true;
      }
      if (!replaced) columns.push_back({column.expr, column.attribute});
    }
  }
  return MakeProject(windows.Over(generated.plan), std::move(columns));
}

Result<PlanPtr> PlanBuilder::WithColumnsRenamed(
    PlanPtr input, std::span<const std::pair<std::string, std::string>> renames) const {
  std::vector<NamedExpr> columns;
  for (const Attribute& attribute : input->output) {
    NamedExpr column = PassThrough(attribute);
    for (const auto& [from, to] : renames) {
      if (EqualsIgnoreCase(column.attribute.name, from)) {
        column.attribute = ToAttribute(column.expr, to, input->output);
      }
    }
    columns.push_back(std::move(column));
  }
  return MakeProject(std::move(input), std::move(columns));
}

Result<PlanPtr> PlanBuilder::Drop(PlanPtr input,
                                  std::span<const UnresolvedExpr> columns) const {
  ExprResolver resolver(input, conf_);
  std::vector<NamedExpr> kept;
  for (const Attribute& attribute : input->output) {
    // Spark ignores names that are not there.
    const bool dropped =
        std::any_of(columns.begin(), columns.end(), [&](const UnresolvedExpr& column) {
          if (column.kind != Kind::kAttribute) return false;
          const std::vector<std::string>& parts = column.name_parts;
          if (column.plan_id) {
            size_t used = 0;
            const auto found = resolver.FindAttribute(column, &used);
            return found.ok() && (*found)->id == attribute.id;
          }
          const bool qualified = parts.size() == 2 && attribute.qualifier.size() == 1 &&
                                 EqualsIgnoreCase(attribute.qualifier[0], parts[0]);
          return (parts.size() == 1 || qualified) &&
                 EqualsIgnoreCase(attribute.name, parts.back());
        });
    if (!dropped) kept.push_back(PassThrough(attribute));
  }
  return MakeProject(std::move(input), std::move(kept));
}

Result<PlanPtr> PlanBuilder::ToDf(PlanPtr input,
                                  std::span<const std::string> names) const {
  if (names.size() != input->output.size()) {
    return AnalysisError(
               "ASSIGNMENT_ARITY_MISMATCH", "42802",
               "The number of columns or variables assigned or aliased: {} does not "
               "match the number of source expressions: {}.",
               input->output.size(), names.size())
        .Param("numTarget", fmt::to_string(input->output.size()))
        .Param("numExpr", fmt::to_string(names.size()));
  }
  std::vector<NamedExpr> columns;
  for (size_t i = 0; i < names.size(); ++i) {
    ExprPtr ref = input->output[i].ref();
    Attribute attribute = ToAttribute(ref, names[i], input->output);
    columns.push_back({std::move(ref), std::move(attribute)});
  }
  return MakeProject(std::move(input), std::move(columns));
}

Result<PlanPtr> PlanBuilder::Alias(PlanPtr input, const std::string& alias) const {
  auto renamed = std::make_shared<LogicalPlan>(*input);
  for (Attribute& attribute : renamed->output) attribute.qualifier = {alias};
  return PlanPtr(std::move(renamed));
}

Result<PlanPtr> PlanBuilder::WithWatermark(PlanPtr input, const std::string& event_time,
                                           const std::string& delay_text) const {
  ExprResolver resolver(input->output, conf_);
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts,
                            ParseAttributeName(event_time));
  size_t used = 0;
  MILLRACE_ASSIGN_OR_RETURN(const Attribute* column,
                            resolver.FindAttribute(parts, &used));
  MILLRACE_ASSIGN_OR_RETURN(const std::chrono::microseconds delay,
                            ParseDelay(delay_text));
  if (used != parts.size()) {
    return AnalysisError(
               "EVENT_TIME_MUST_BE_TOP_LEVEL_COLUMN", "42K09",
               "The event time in withWatermark must be a top-level column, but '{}' "
               "is a nested field. To use it, alias it to a top-level column in a "
               "select before withWatermark.",
               event_time)
        .Param("eventExpr", event_time);
  }
  const bool is_time = data::IsTimestamp(*column->type) ||
                       data::IsTimestampNtz(*column->type) || column->is_window;
  if (!is_time) {
    return AnalysisError("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE", "42K09",
                         "The event time `{}` has the invalid type \"{}\", but expected "
                         "\"TIMESTAMP\".",
                         column->name, data::SqlTypeName(*column->type))
        .Param("eventName", "`" + column->name + "`")
        .Param("eventType", "\"" + data::SqlTypeName(*column->type) + "\"");
  }
  std::vector<Attribute> output = input->output;
  const AttributeId id = column->id;
  for (Attribute& attribute : output) {
    if (attribute.id == id) {
      attribute.watermark_delay = delay;
    } else {
      attribute.watermark_delay.reset();
    }
  }
  return MakePlan(EventTimeWatermark{id, delay}, {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Deduplicate(PlanPtr input,
                                         std::span<const std::string> columns,
                                         bool within_watermark) const {
  std::vector<AttributeId> keys;
  for (const std::string& name : columns) {
    bool found = false;
    for (const Attribute& attribute : input->output) {
      if (!EqualsIgnoreCase(attribute.name, name)) continue;
      keys.push_back(attribute.id);
      found = true;
    }
    if (!found) return InvalidPlanNotAmongFields(name, *input);
  }
  if (columns.empty()) {
    for (const Attribute& attribute : input->output) {
      if (attribute.type->id() == arrow::Type::MAP) return NoSetOfMaps(attribute);
      keys.push_back(attribute.id);
    }
  }
  std::vector<Attribute> output = input->output;
  return MakePlan(plan::Deduplicate{std::move(keys), within_watermark},
                  {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Union(PlanPtr left, PlanPtr right, bool by_name,
                                   bool allow_missing_columns) const {
  if (by_name) {
    std::vector<NamedExpr> ordered;
    std::vector<NamedExpr> completed;
    for (const Attribute& wanted : left->output) {
      completed.push_back(PassThrough(wanted));
      const auto found = std::find_if(
          right->output.begin(), right->output.end(),
          [&](const Attribute& a) { return EqualsIgnoreCase(a.name, wanted.name); });
      if (found != right->output.end()) {
        ordered.push_back(PassThrough(*found));
        continue;
      }
      if (!allow_missing_columns) {
        return NotAmongFields(wanted.name, *right);
      }
      ExprPtr null = expr::MakeNull(wanted.type);
      Attribute attribute = ToAttribute(null, wanted.name, {});
      ordered.push_back({std::move(null), std::move(attribute)});
    }
    for (const Attribute& extra : right->output) {
      const bool known = std::any_of(
          left->output.begin(), left->output.end(),
          [&](const Attribute& a) { return EqualsIgnoreCase(a.name, extra.name); });
      if (known) continue;
      if (!allow_missing_columns) {
        return NotAmongFields(extra.name, *left);
      }
      ordered.push_back(PassThrough(extra));
      ExprPtr null = expr::MakeNull(extra.type);
      Attribute attribute = ToAttribute(null, extra.name, {});
      completed.push_back({std::move(null), std::move(attribute)});
    }
    left = MakeProject(left, std::move(completed));
    right = MakeProject(right, std::move(ordered));
  }
  if (left->output.size() != right->output.size()) {
    return ColumnCountsDiffer("UNION", *left, *right);
  }
  std::vector<NamedExpr> left_columns;
  std::vector<NamedExpr> right_columns;
  bool widened_left = false;
  bool widened_right = false;
  std::vector<Attribute> output;
  for (size_t i = 0; i < left->output.size(); ++i) {
    const Attribute& a = left->output[i];
    const Attribute& b = right->output[i];
    const std::optional<data::TypePtr> type = expr::WidestType(a.type, b.type);
    if (!type) {
      return AnalysisError(
          "INCOMPATIBLE_COLUMN_TYPE", "42825",
          "UNION can only be performed on tables with compatible column types. "
          "The {} column of the second table is \"{}\" type which is not "
          "compatible with \"{}\" at the same column of the first table.",
          i + 1, data::SqlTypeName(*b.type), data::SqlTypeName(*a.type));
    }
    const auto widen = [&](const Attribute& from, bool* widened) -> Result<NamedExpr> {
      if (from.type->Equals(**type)) return PassThrough(from);
      *widened = true;
      MILLRACE_ASSIGN_OR_RETURN(ExprPtr cast, expr::MakeCast(from.ref(), *type));
      Attribute attribute = ToAttribute(cast, from.name, {});
      return NamedExpr{std::move(cast), std::move(attribute)};
    };
    MILLRACE_ASSIGN_OR_RETURN(NamedExpr left_column, widen(a, &widened_left));
    MILLRACE_ASSIGN_OR_RETURN(NamedExpr right_column, widen(b, &widened_right));
    Attribute merged = left_column.attribute;
    merged.nullable = merged.nullable || right_column.attribute.nullable;
    output.push_back(std::move(merged));
    left_columns.push_back(std::move(left_column));
    right_columns.push_back(std::move(right_column));
  }
  if (widened_left) left = MakeProject(left, std::move(left_columns));
  if (widened_right) right = MakeProject(right, std::move(right_columns));
  return MakePlan(plan::Union{}, {std::move(left), std::move(right)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Limit(PlanPtr input, int64_t count) const {
  MILLRACE_RETURN_IF_ERROR(CheckNotNegative(count, "limit"));
  std::vector<Attribute> output = input->output;
  return MakePlan(plan::Limit{count}, {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Tail(PlanPtr input, int64_t count) const {
  MILLRACE_RETURN_IF_ERROR(CheckNotNegative(count, "tail"));
  std::vector<Attribute> output = input->output;
  return MakePlan(plan::Tail{count}, {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::MultisetOperation(PlanPtr left, PlanPtr right,
                                               bool intersects) const {
  // A union checks and widens the inputs the same way.
  MILLRACE_ASSIGN_OR_RETURN(PlanPtr both,
                            Union(std::move(left), std::move(right), false, false));
  std::vector<Attribute> output = both->children[0]->output;
  for (size_t i = 0; intersects && i < output.size(); ++i) {
    output[i].nullable = output[i].nullable && both->children[1]->output[i].nullable;
  }
  return MakePlan(plan::MultisetOperation{intersects}, both->children, std::move(output));
}

Result<PlanPtr> PlanBuilder::Offset(PlanPtr input, int64_t count) const {
  MILLRACE_RETURN_IF_ERROR(CheckNotNegative(count, "offset"));
  std::vector<Attribute> output = input->output;
  return MakePlan(plan::Offset{count}, {std::move(input)}, std::move(output));
}

Result<PlanPtr> PlanBuilder::Sort(PlanPtr input,
                                  std::span<const UnresolvedExpr> order) const {
  ExprResolver resolver(input, conf_);
  std::vector<SortKey> keys;
  for (const UnresolvedExpr& item : order) {
    Result<ExprPtr> found = resolver.Resolve(item);
    if (IsMissingColumn(found.status())) {
      if (PlanPtr wider = WithMissingColumns(input)) {
        Result<PlanPtr> sorted = Sort(std::move(wider), order);
        if (sorted.ok()) return OnlyColumns(*std::move(sorted), input->output);
      }
    }
    MILLRACE_ASSIGN_OR_RETURN(ExprPtr resolved, std::move(found));
    const bool has_order = item.kind == Kind::kSortOrder;
    SortKey key{std::move(resolved), has_order && item.descending,
                has_order ? item.nulls_first : true};
    if (!expr::IsOrderable(*key.expr->type())) {
      return NotSortable(fmt::format("{} {} NULLS {}", PrettySql(item, resolver),
                                     key.descending ? "DESC" : "ASC",
                                     key.nulls_first ? "FIRST" : "LAST"),
                         *key.expr->type());
    }
    keys.push_back(std::move(key));
  }
  std::vector<Attribute> output = input->output;
  return MakePlan(plan::Sort{std::move(keys)}, {std::move(input)}, std::move(output));
}

}  // namespace millrace::plan
