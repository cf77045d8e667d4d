#include "millrace/functions.h"

#include "client/nodes.h"

namespace millrace::functions {
namespace {

using detail::MakeCall;

Column Text(std::string_view text) { return Column(std::string(text)); }

// Spark hands options over as a map of texts.
std::vector<Column> WithOptions(std::vector<Column> args,
                                const std::map<std::string, std::string>& options) {
  if (options.empty()) return args;
  std::vector<Column> entries;
  for (const auto& [key, value] : options) {
    entries.push_back(Text(key));
    entries.push_back(Text(value));
  }
  args.push_back(MakeCall("map", entries));
  return args;
}

std::vector<Column> WithFormat(const Column& column, std::string_view format) {
  if (format.empty()) return {column};
  return {column, Text(format)};
}

}  // namespace

Column Col(std::string_view name) {
  auto node = std::make_shared<detail::ColumnNode>();
  if (name == "*") {
    node->expression.mutable_unresolved_star();
  } else if (name.ends_with(".*")) {
    node->expression.mutable_unresolved_star()->set_unparsed_target(std::string(name));
  } else {
    node->expression.mutable_unresolved_attribute()->set_unparsed_identifier(
        std::string(name));
  }
  return Column(std::move(node));
}

Column Lit(const Column& value) { return value; }
Column Expr(std::string_view sql) {
  auto node = std::make_shared<detail::ColumnNode>();
  node->expression.mutable_expression_string()->set_expression(std::string(sql));
  return Column(std::move(node));
}
Column CallFunction(std::string_view name, const std::vector<Column>& args) {
  return MakeCall(name, args);
}

Column Window(const Column& time, std::string_view width, std::string_view slide,
              std::string_view start) {
  std::vector<Column> args = {time, Text(width)};
  if (!slide.empty() || !start.empty())
    args.push_back(Text(slide.empty() ? width : slide));
  if (!start.empty()) args.push_back(Text(start));
  return MakeCall("window", args);
}
Column SessionWindow(const Column& time, const Column& gap) {
  return MakeCall("session_window", {time, gap});
}
Column WindowTime(const Column& window) { return MakeCall("window_time", {window}); }
Column CurrentTimestamp() { return MakeCall("current_timestamp", {}); }
Column CurrentDate() { return MakeCall("current_date", {}); }
Column ToTimestamp(const Column& text, std::string_view format) {
  return MakeCall("to_timestamp", WithFormat(text, format));
}
Column ToDate(const Column& text, std::string_view format) {
  return MakeCall("to_date", WithFormat(text, format));
}
Column DateFormat(const Column& time, std::string_view format) {
  return MakeCall("date_format", {time, Text(format)});
}
Column DateTrunc(std::string_view unit, const Column& time) {
  return MakeCall("date_trunc", {Text(unit), time});
}
Column UnixTimestamp(const Column& time, std::string_view format) {
  return MakeCall("unix_timestamp", {time, Text(format)});
}
Column Year(const Column& time) { return MakeCall("year", {time}); }
Column Month(const Column& time) { return MakeCall("month", {time}); }
Column DayOfMonth(const Column& time) { return MakeCall("dayofmonth", {time}); }
Column Hour(const Column& time) { return MakeCall("hour", {time}); }
Column Minute(const Column& time) { return MakeCall("minute", {time}); }
Column Second(const Column& time) { return MakeCall("second", {time}); }

Column FromJson(const Column& json, std::string_view schema,
                const std::map<std::string, std::string>& options) {
  return MakeCall("from_json", WithOptions({json, Text(schema)}, options));
}
Column ToJson(const Column& value, const std::map<std::string, std::string>& options) {
  return MakeCall("to_json", WithOptions({value}, options));
}
Column Struct(const std::vector<Column>& fields) { return MakeCall("struct", fields); }
Column Array(const std::vector<Column>& elements) { return MakeCall("array", elements); }
Column CreateMap(const std::vector<Column>& keys_and_values) {
  return MakeCall("map", keys_and_values);
}
Column Size(const Column& collection) { return MakeCall("size", {collection}); }
Column SortArray(const Column& array, bool ascending) {
  return MakeCall("sort_array", {array, ascending});
}
Column ArrayContains(const Column& array, const Column& value) {
  return MakeCall("array_contains", {array, value});
}

Column When(const Column& condition, const Column& value) {
  return MakeCall("when", {condition, value});
}
Column Coalesce(const std::vector<Column>& columns) {
  return MakeCall("coalesce", columns);
}
Column IsNull(const Column& column) { return column.IsNull(); }
Column IsNotNull(const Column& column) { return column.IsNotNull(); }
Column Greatest(const std::vector<Column>& columns) {
  return MakeCall("greatest", columns);
}
Column Least(const std::vector<Column>& columns) { return MakeCall("least", columns); }

Column Upper(const Column& text) { return MakeCall("upper", {text}); }
Column Lower(const Column& text) { return MakeCall("lower", {text}); }
Column Trim(const Column& text) { return MakeCall("trim", {text}); }
Column Length(const Column& text) { return MakeCall("length", {text}); }
Column Concat(const std::vector<Column>& texts) { return MakeCall("concat", texts); }
Column ConcatWs(std::string_view separator, const std::vector<Column>& texts) {
  std::vector<Column> args = {Text(separator)};
  args.insert(args.end(), texts.begin(), texts.end());
  return MakeCall("concat_ws", args);
}
Column Substring(const Column& text, int position, int length) {
  return MakeCall("substring", {text, position, length});
}
Column Split(const Column& text, std::string_view pattern) {
  return MakeCall("split", {text, Text(pattern)});
}
Column RegexpReplace(const Column& text, std::string_view pattern,
                     std::string_view replacement) {
  return MakeCall("regexp_replace", {text, Text(pattern), Text(replacement)});
}

Column Abs(const Column& number) { return MakeCall("abs", {number}); }
Column Round(const Column& number, int scale) {
  return MakeCall("round", {number, scale});
}
Column Floor(const Column& number) { return MakeCall("floor", {number}); }
Column Ceil(const Column& number) { return MakeCall("ceil", {number}); }

Column Count(const Column& column) { return MakeCall("count", {column}); }
Column CountDistinct(const std::vector<Column>& columns) {
  return MakeCall("count", columns, true);
}
Column Sum(const Column& column) { return MakeCall("sum", {column}); }
Column Avg(const Column& column) { return MakeCall("avg", {column}); }
Column Min(const Column& column) { return MakeCall("min", {column}); }
Column Max(const Column& column) { return MakeCall("max", {column}); }
Column First(const Column& column, bool ignore_nulls) {
  return MakeCall("first", {column, ignore_nulls});
}
Column Last(const Column& column, bool ignore_nulls) {
  return MakeCall("last", {column, ignore_nulls});
}
Column ApproxCountDistinct(const Column& column) {
  return MakeCall("approx_count_distinct", {column});
}
Column CollectList(const Column& column) { return MakeCall("collect_list", {column}); }
Column CollectSet(const Column& column) { return MakeCall("collect_set", {column}); }

}  // namespace millrace::functions
