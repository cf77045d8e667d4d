#include "plan/logical_plan.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <atomic>

#include <fmt/format.h>

namespace millrace::plan {
namespace {

// Spark's column metadata: what df.schema shows and what clients see.
std::string MetadataJson(const Attribute& attribute) {
  std::string members;
  const auto add = [&](std::string member) {
    if (!members.empty()) members += ',';
    members += member;
  };
  if (attribute.is_window) add("\"spark.timeWindow\":true");
  if (attribute.watermark_delay) {
    add(fmt::format("\"spark.watermarkDelayMs\":{}",
                    attribute.watermark_delay->count() / 1000));
  }
  if (attribute.metadata.size() > 2) {
    add(attribute.metadata.substr(1, attribute.metadata.size() - 2));
  }
  return members.empty() ? "" : "{" + members + "}";
}

}  // namespace

ExprPtr Attribute::ref() const {
  return std::make_shared<expr::Column>(id, name, type, nullable);
}

AttributeId NewAttributeId() {
  static std::atomic<AttributeId> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

Attribute NewAttribute(std::string name, data::TypePtr type, bool nullable) {
  Attribute attribute;
  attribute.id = NewAttributeId();
  attribute.name = std::move(name);
  attribute.type = std::move(type);
  attribute.nullable = nullable;
  return attribute;
}

std::string_view JoinTypeName(JoinType type) {
  switch (type) {
    case JoinType::kInner:
      return "Inner";
    case JoinType::kLeftOuter:
      return "LeftOuter";
    case JoinType::kRightOuter:
      return "RightOuter";
    case JoinType::kFullOuter:
      return "FullOuter";
    case JoinType::kLeftSemi:
      return "LeftSemi";
    case JoinType::kLeftAnti:
      return "LeftAnti";
  }
  return "";
}

data::SchemaPtr LogicalPlan::schema() const {
  arrow::FieldVector fields;
  fields.reserve(output.size());
  for (const Attribute& attribute : output) {
    const std::string metadata = MetadataJson(attribute);
    fields.push_back(arrow::field(
        attribute.name, attribute.type, attribute.nullable,
        metadata.empty() ? nullptr
                         : arrow::key_value_metadata({"spark.metadata"}, {metadata})));
  }
  return arrow::schema(std::move(fields));
}

int LogicalPlan::IndexOf(AttributeId id) const {
  for (size_t i = 0; i < output.size(); ++i) {
    if (output[i].id == id) return static_cast<int>(i);
  }
  return -1;
}

PlanPtr MakePlan(Node node, std::vector<PlanPtr> children, std::vector<Attribute> output,
                 bool streaming) {
  for (const PlanPtr& child : children) streaming = streaming || child->streaming;
  auto plan = std::make_shared<LogicalPlan>();
  plan->node = std::move(node);
  plan->children = std::move(children);
  plan->output = std::move(output);
  plan->streaming = streaming;
  return plan;
}

}  // namespace millrace::plan
