#include "plan/explain.h"

#include <fmt/format.h>

#include "base/overloaded.h"
#include "connector/explained_source.h"

namespace millrace::plan {
namespace {

std::string Name(const Attribute& attribute) {
  return fmt::format("{}#{}", attribute.name, attribute.id);
}

std::string Names(const std::vector<Attribute>& attributes) {
  std::string text;
  for (const Attribute& attribute : attributes) {
    text += (text.empty() ? "" : ", ") + Name(attribute);
  }
  return "[" + text + "]";
}

std::string Columns(const std::vector<NamedExpr>& columns) {
  std::string text;
  for (const NamedExpr& column : columns) {
    if (!text.empty()) text += ", ";
    const std::string expression = column.expr->ToString();
    const std::string name = Name(column.attribute);
    text += expression == name ? name : expression + " AS " + name;
  }
  return "[" + text + "]";
}

// How a source reads, where it has something to say of that.
std::string Note(const Scan& scan) {
  const auto* source = dynamic_cast<const connector::ExplainedSource*>(scan.provider);
  const std::string note = source == nullptr ? "" : source->ReadNote(scan.options);
  return note.empty() ? "" : ", " + note;
}

std::string Headline(const LogicalPlan& plan) {
  return std::visit(
      Overloaded{
          [&](const Scan& scan) {
            return fmt::format("{} {}{}{}",
                               plan.streaming ? "StreamingRelation" : "Relation",
                               scan.provider->name(), Names(plan.output), Note(scan));
          },
          [&](const LocalRelation&) { return "LocalRelation " + Names(plan.output); },
          [](const Project& node) { return "Project " + Columns(node.columns); },
          [](const Filter& node) { return "Filter " + node.condition->ToString(); },
          [&](const EventTimeWatermark& node) {
            const int index = plan.IndexOf(node.event_time);
            return fmt::format("EventTimeWatermark {}, {} ms",
                               index < 0 ? "?" : Name(plan.output[index]),
                               node.delay.count() / 1000);
          },
          [](const TimeWindow& node) {
            return fmt::format(
                "TimeWindow {} AS {}, width {} us, slide {} us, start {} us",
                node.time->ToString(), Name(node.window), node.width.count(),
                node.slide.count(), node.start.count());
          },
          [](const SessionWindow& node) {
            return fmt::format("SessionWindow {} AS {}, gap {}", node.time->ToString(),
                               Name(node.window), node.gap->ToString());
          },
          [](const Aggregate& node) {
            std::string calls;
            for (const AggregateCall& call : node.calls) {
              if (!calls.empty()) calls += ", ";
              calls += Name(call.attribute);
            }
            return fmt::format("Aggregate {}, [{}]", Columns(node.keys), calls);
          },
          [](const Deduplicate& node) {
            return std::string(node.within_watermark ? "DeduplicateWithinWatermark"
                                                     : "Deduplicate");
          },
          [](const Join& node) {
            std::string text =
                std::string("Join ") + std::string(JoinTypeName(node.type));
            for (size_t i = 0; i < node.left_keys.size(); ++i) {
              text += fmt::format(
                  "{} ({} {} {})", i == 0 ? "," : " AND", node.left_keys[i]->ToString(),
                  node.null_safe[i] ? "<=>" : "=", node.right_keys[i]->ToString());
            }
            for (const ExprPtr& condition :
                 {node.left_condition, node.right_condition, node.condition}) {
              if (condition != nullptr) text += ", " + condition->ToString();
            }
            return text;
          },
          [](const MultisetOperation& node) {
            return std::string(node.intersects ? "Intersect All true"
                                               : "Except All true");
          },
          [](const Expand& node) {
            return fmt::format("Expand {}, {} sets", Columns(node.keys),
                               node.left_out.size());
          },
          [](const Generate& node) {
            return fmt::format("Generate {}{}, {}", node.outer ? "outer " : "",
                               node.elements->ToString(), Names(node.generated));
          },
          [](const Tail& node) { return fmt::format("Tail {}", node.count); },
          [](const WindowFunctions& node) {
            std::string text = "Window [";
            for (const WindowCall& call : node.calls) {
              if (text.size() > 8) text += ", ";
              text += Name(call.attribute);
            }
            text += "], [";
            for (size_t i = 0; i < node.partition.size(); ++i) {
              text += (i > 0 ? ", " : "") + node.partition[i]->ToString();
            }
            return text + "]";
          },
          [](const Union&) { return std::string("Union"); },
          [](const Limit& node) { return fmt::format("Limit {}", node.count); },
          [](const Offset& node) { return fmt::format("Offset {}", node.count); },
          [](const Sort& node) {
            std::string keys;
            for (const SortKey& key : node.keys) {
              if (!keys.empty()) keys += ", ";
              keys += key.expr->ToString() + (key.descending ? " DESC" : " ASC") +
                      (key.nulls_first ? " NULLS FIRST" : " NULLS LAST");
            }
            return "Sort [" + keys + "], true";
          },
      },
      plan.node);
}

void Append(const LogicalPlan& plan, const std::string& first, const std::string& rest,
            std::string* out) {
  *out += first + Headline(plan) + "\n";
  for (size_t i = 0; i < plan.children.size(); ++i) {
    const bool last = i + 1 == plan.children.size();
    Append(*plan.children[i], rest + (last ? "+- " : ":- "),
           rest + (last ? "   " : ":  "), out);
  }
}

}  // namespace

std::string TreeText(const PlanPtr& plan) {
  std::string text;
  Append(*plan, "", "", &text);
  return text;
}

}  // namespace millrace::plan
