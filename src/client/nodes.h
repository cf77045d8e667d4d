// What the public types hold: Spark Connect messages, built up step by step.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/connection.h"
#include "millrace/column.h"
#include "millrace/streaming.h"
#include "spark/connect/commands.pb.h"
#include "spark/connect/expressions.pb.h"
#include "spark/connect/relations.pb.h"

namespace millrace::detail {

struct ColumnNode {
  spark::connect::Expression expression;
};

struct PlanNode {
  std::shared_ptr<Connection> connection;
  spark::connect::Relation relation;
};

struct ReadSpec {
  bool streaming = false;
  std::string format;
  std::string schema;
  std::map<std::string, std::string> options;
};

struct WriteSpec {
  PlanPtr plan;
  spark::connect::WriteOperation write;
  Status error;  // of a wrong mode; told by Save
};

struct WriteStreamSpec {
  PlanPtr plan;
  spark::connect::WriteStreamOperationStart start;
};

inline const spark::connect::Expression& ExpressionOf(const Column& column) {
  return column.node()->expression;
}

/// unresolved_function `name` over `args`.
Column MakeCall(std::string_view name, const std::vector<Column>& args,
                bool distinct = false);

/// A new relation over `input`, with a plan id; `fill` sets its kind.
template <typename Fill>
PlanPtr MakeRelation(const std::shared_ptr<Connection>& connection, Fill&& fill) {
  auto node = std::make_shared<PlanNode>();
  node->connection = connection;
  node->relation.mutable_common()->set_plan_id(connection->NextPlanId());
  fill(node->relation);
  return node;
}

/// How Spark writes option values: true as "true".
inline std::string OptionText(bool value) { return value ? "true" : "false"; }
inline std::string OptionText(int64_t value) { return std::to_string(value); }

}  // namespace millrace::detail
