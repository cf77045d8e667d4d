// Spark's functions by Spark's names. What has no name here is reached with CallFunction.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/column.h"

namespace millrace::functions {

/// A column by name: "amount", "o.amount" for a field, "o.*" for all fields, "*" for all
/// columns.
Column Col(std::string_view name);
Column Lit(const Column& value);
/// SQL text as a column: Expr("amount * 2 AS twice").
Column Expr(std::string_view sql);
/// Any function by its Spark name.
Column CallFunction(std::string_view name, const std::vector<Column>& args);

// Time and windows
/// Windows of `width` every `slide` ("" = width), shifted by `start`: Spark's window().
/// Column "window", a struct<start, end>.
Column Window(const Column& time, std::string_view width, std::string_view slide = "",
              std::string_view start = "");
/// Windows that last until nothing comes for `gap`, a text ("5 minutes") or a column of
/// texts or intervals: Spark's session_window(). Column "session_window", a struct<start,
/// end>.
Column SessionWindow(const Column& time, const Column& gap);
Column WindowTime(const Column& window);
Column CurrentTimestamp();
Column CurrentDate();
Column ToTimestamp(const Column& text, std::string_view format = "");
Column ToDate(const Column& text, std::string_view format = "");
Column DateFormat(const Column& time, std::string_view format);
Column DateTrunc(std::string_view unit, const Column& time);
Column UnixTimestamp(const Column& time, std::string_view format = "yyyy-MM-dd HH:mm:ss");
Column Year(const Column& time);
Column Month(const Column& time);
Column DayOfMonth(const Column& time);
Column Hour(const Column& time);
Column Minute(const Column& time);
Column Second(const Column& time);

// JSON and nested values
/// Parses JSON; `schema` is DDL ("user_id STRING, amount DOUBLE") or Spark's JSON of a
/// type.
Column FromJson(const Column& json, std::string_view schema,
                const std::map<std::string, std::string>& options = {});
Column ToJson(const Column& value,
              const std::map<std::string, std::string>& options = {});
Column Struct(const std::vector<Column>& fields);
Column Array(const std::vector<Column>& elements);
Column CreateMap(const std::vector<Column>& keys_and_values);
Column Size(const Column& collection);
Column SortArray(const Column& array, bool ascending = true);
Column ArrayContains(const Column& array, const Column& value);

// Conditions
Column When(const Column& condition, const Column& value);
Column Coalesce(const std::vector<Column>& columns);
Column IsNull(const Column& column);
Column IsNotNull(const Column& column);
Column Greatest(const std::vector<Column>& columns);
Column Least(const std::vector<Column>& columns);

// Texts
Column Upper(const Column& text);
Column Lower(const Column& text);
Column Trim(const Column& text);
Column Length(const Column& text);
Column Concat(const std::vector<Column>& texts);
Column ConcatWs(std::string_view separator, const std::vector<Column>& texts);
Column Substring(const Column& text, int position, int length);
Column Split(const Column& text, std::string_view pattern);
Column RegexpReplace(const Column& text, std::string_view pattern,
                     std::string_view replacement);

// Numbers
Column Abs(const Column& number);
Column Round(const Column& number, int scale = 0);
Column Floor(const Column& number);
Column Ceil(const Column& number);

// Aggregates
Column Count(const Column& column);  // Count(Col("*")) counts rows
Column CountDistinct(const std::vector<Column>& columns);
Column Sum(const Column& column);
Column Avg(const Column& column);
Column Min(const Column& column);
Column Max(const Column& column);
Column First(const Column& column, bool ignore_nulls = false);
Column Last(const Column& column, bool ignore_nulls = false);
Column ApproxCountDistinct(const Column& column);
Column CollectList(const Column& column);
Column CollectSet(const Column& column);

}  // namespace millrace::functions
