// AnalyzePlan: what a client asks about a plan without running it.
#include <arrow/type.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"
#include "connect_plan/session.h"
#include "connect_plan/type_codec.h"
#include "plan/explain.h"
#include "plan/optimizer.h"

namespace millrace::connect_plan {
namespace {

namespace proto = spark::connect;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The Spark version whose protocol and semantics this is.
constexpr std::string_view kSparkVersion = "4.2.0";

// Numbers the plan ids of a message anew, in the order they come: clients give each
// DataFrame a new one, also for the same relation.
void NumberPlanIds(Message* message, std::map<int64_t, int64_t>* numbers) {
  const auto* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->name() == "plan_id" &&
        field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 && !field->is_repeated()) {
      const auto next = static_cast<int64_t>(numbers->size());
      const auto known =
          numbers->emplace(reflection->GetInt64(*message, field), next).first;
      reflection->SetInt64(message, field, known->second);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               !field->is_map()) {
      if (!field->is_repeated()) {
        NumberPlanIds(reflection->MutableMessage(message, field), numbers);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        NumberPlanIds(reflection->MutableRepeatedMessage(message, field, i), numbers);
      }
    }
  }
}

// Equal texts mean equal relations.
std::string TextOf(const proto::Relation& relation) {
  proto::Relation canonical = relation;
  std::map<int64_t, int64_t> numbers;
  NumberPlanIds(&canonical, &numbers);
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);  // the order of maps
    canonical.SerializeToCodedStream(&output);
  }
  return text;
}

// df.explain(): the analysed and optimised plan are Millrace's; the optimised one is what
// runs.
std::string ExplainText(const plan::PlanPtr& plan,
                        proto::AnalyzePlanRequest::Explain::ExplainMode mode) {
  using Explain = proto::AnalyzePlanRequest::Explain;
  const std::string optimized = plan::TreeText(plan::Optimize(plan));
  const std::string physical = "== Physical Plan ==\n" + optimized;
  switch (mode) {
    case Explain::EXPLAIN_MODE_EXTENDED: {
      const std::string analyzed = plan::TreeText(plan);
      return "== Parsed Logical Plan ==\n" + analyzed +
             "\n== Analyzed Logical Plan ==\n" + analyzed +
             "\n== Optimized Logical Plan ==\n" + optimized + "\n" + physical;
    }
    case Explain::EXPLAIN_MODE_COST:
      return "== Optimized Logical Plan ==\n" + optimized + "\n" + physical;
    case Explain::EXPLAIN_MODE_CODEGEN:
      return "Found 0 WholeStageCodegen subtrees.\n";
    default:
      return physical;
  }
}

// The lines down to `level`; each level is indented by five characters.
std::string UpToLevel(const std::string& tree, int level) {
  std::string kept;
  for (size_t begin = 0; begin < tree.size();) {
    const size_t end = std::min(tree.find('\n', begin), tree.size() - 1) + 1;
    const std::string line = tree.substr(begin, end - begin);
    const size_t mark = line.find("-- ");
    const int depth = mark == std::string::npos ? 0 : static_cast<int>(mark / 5) + 1;
    if (depth <= level) kept += line;
    begin = end;
  }
  return kept;
}

// Spark's StructType.toDDL.
std::string ToDdl(const arrow::Schema& schema) {
  std::string ddl;
  for (const auto& field : schema.fields()) {
    const bool plain =
        !field->name().empty() &&
        std::all_of(field->name().begin(), field->name().end(), [](char c) {
          return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
        });
    if (!ddl.empty()) ddl += ",";
    ddl += plain ? field->name() : "`" + field->name() + "`";
    ddl +=
        " " + data::SqlTypeName(*field->type()) + (field->nullable() ? "" : " NOT NULL");
  }
  return ddl;
}

}  // namespace

Result<plan::PlanPtr> Session::DecodePlan(const proto::Plan& plan,
                                          const plan::SessionConf& conf) {
  if (!plan.has_root()) {
    return ArgumentError("Only a relation can be analysed; the request has none.");
  }
  return Decode(plan.root(), conf);
}

Result<proto::AnalyzePlanResponse> Session::Analyze(
    const proto::AnalyzePlanRequest& request) {
  const plan::SessionConf conf = this->conf();
  proto::AnalyzePlanResponse response;
  response.set_session_id(id_);
  response.set_server_side_session_id(server_side_id_);
  switch (request.analyze_case()) {
    case proto::AnalyzePlanRequest::kSchema: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                DecodePlan(request.schema().plan(), conf));
      EncodeSchema(*plan->schema(), response.mutable_schema()->mutable_schema());
      return response;
    }
    case proto::AnalyzePlanRequest::kExplain: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                DecodePlan(request.explain().plan(), conf));
      response.mutable_explain()->set_explain_string(
          ExplainText(plan, request.explain().explain_mode()));
      return response;
    }
    case proto::AnalyzePlanRequest::kTreeString: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                DecodePlan(request.tree_string().plan(), conf));
      std::string tree = data::TreeString(*plan->schema());
      if (request.tree_string().has_level())
        tree = UpToLevel(tree, request.tree_string().level());
      response.mutable_tree_string()->set_tree_string(tree);
      return response;
    }
    case proto::AnalyzePlanRequest::kIsStreaming: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                DecodePlan(request.is_streaming().plan(), conf));
      response.mutable_is_streaming()->set_is_streaming(plan->streaming);
      return response;
    }
    case proto::AnalyzePlanRequest::kIsLocal: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                DecodePlan(request.is_local().plan(), conf));
      response.mutable_is_local()->set_is_local(
          std::holds_alternative<plan::LocalRelation>(plan->node));
      return response;
    }
    case proto::AnalyzePlanRequest::kInputFiles: {
      MILLRACE_ASSIGN_OR_RETURN(const plan::PlanPtr plan,
                                DecodePlan(request.input_files().plan(), conf));
      MILLRACE_RETURN_IF_ERROR(
          AddInputFiles(*plan, conf, response.mutable_input_files()));
      return response;
    }
    case proto::AnalyzePlanRequest::kSparkVersion:
      response.mutable_spark_version()->set_version(std::string(kSparkVersion));
      return response;
    case proto::AnalyzePlanRequest::kDdlParse: {
      const std::string& ddl = request.ddl_parse().ddl_string();
      const Result<data::SchemaPtr> schema = data::ParseSchema(ddl);
      if (schema.ok()) {
        EncodeSchema(**schema, response.mutable_ddl_parse()->mutable_parsed());
        return response;
      }
      const Result<data::TypePtr> type =
          data::ParseType(ddl);  // a single type is DDL too
      if (!type.ok()) return schema.status();
      EncodeType(**type, response.mutable_ddl_parse()->mutable_parsed());
      return response;
    }
    case proto::AnalyzePlanRequest::kJsonToDdl: {
      MILLRACE_ASSIGN_OR_RETURN(const data::SchemaPtr schema,
                                data::ParseSchema(request.json_to_ddl().json_string()));
      response.mutable_json_to_ddl()->set_ddl_string(ToDdl(*schema));
      return response;
    }
    case proto::AnalyzePlanRequest::kSameSemantics: {
      const auto& two = request.same_semantics();
      response.mutable_same_semantics()->set_result(TextOf(two.target_plan().root()) ==
                                                    TextOf(two.other_plan().root()));
      return response;
    }
    case proto::AnalyzePlanRequest::kSemanticHash:
      response.mutable_semantic_hash()->set_result(static_cast<int32_t>(
          std::hash<std::string>()(TextOf(request.semantic_hash().plan().root()))));
      return response;
    case proto::AnalyzePlanRequest::kPersist: {
      MILLRACE_RETURN_IF_ERROR(Decode(request.persist().relation(), conf).status());
      proto::StorageLevel level = request.persist().storage_level();
      if (!request.persist().has_storage_level()) {  // MEMORY_AND_DISK_DESER
        level.set_use_disk(true);
        level.set_use_memory(true);
        level.set_deserialized(true);
        level.set_replication(1);
      }
      const std::lock_guard lock(mutex_);
      storage_levels_[TextOf(request.persist().relation())] = level;
      response.mutable_persist();
      return response;
    }
    case proto::AnalyzePlanRequest::kUnpersist: {
      const std::lock_guard lock(mutex_);
      storage_levels_.erase(TextOf(request.unpersist().relation()));
      response.mutable_unpersist();
      return response;
    }
    case proto::AnalyzePlanRequest::kGetStorageLevel: {
      const std::lock_guard lock(mutex_);
      const auto found =
          storage_levels_.find(TextOf(request.get_storage_level().relation()));
      auto* level = response.mutable_get_storage_level()->mutable_storage_level();
      if (found != storage_levels_.end()) {
        *level = found->second;
      } else {
        level->set_replication(1);
      }
      return response;
    }
    default: {
      const auto* field = proto::AnalyzePlanRequest::descriptor()->FindFieldByNumber(
          static_cast<int>(request.analyze_case()));
      return UnsupportedError("Analysing {} is not supported yet.",
                              field == nullptr ? "unknown" : field->name());
    }
  }
}

// The files below a path, as Spark names them. Other sources have none.
Status Session::AddInputFiles(const plan::LogicalPlan& plan,
                              const plan::SessionConf& conf,
                              proto::AnalyzePlanResponse::InputFiles* out) const {
  for (const plan::PlanPtr& child : plan.children) {
    MILLRACE_RETURN_IF_ERROR(AddInputFiles(*child, conf, out));
  }
  const auto* scan = std::get_if<plan::Scan>(&plan.node);
  if (scan == nullptr) return Status::OK();
  connector::SourceContext context;
  context.fs = environment_.fs;
  context.clock = environment_.clock;
  context.session_time_zone = conf.time_zone();
  MILLRACE_ASSIGN_OR_RETURN(
      const std::vector<std::string> files,
      scan->provider->InputFiles(scan->options, scan->paths, context));
  for (const std::string& file : files) out->add_files("file://" + file);
  return Status::OK();
}

}  // namespace millrace::connect_plan
