#include "state/operator_infos.h"

#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "state/state_file.h"

namespace millrace::state {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

std::string ChecksumLine(std::string_view body) {
  return fmt::format("{:016x}\n", XXH64(body.data(), body.size(), 0));
}

Result<OperatorStateInfo> ParseOperator(const Json& json, const std::string& file) {
  OperatorStateInfo info;
  try {
    info.operator_id = json.at("operatorId").get<uint32_t>();
    info.name = json.at("name").get<std::string>();
    info.key_schema = json.at("keySchema").get<std::string>();
    info.value_schema = json.at("valueSchema").get<std::string>();
  } catch (const Json::exception& error) {
    return DamagedStateFile(file, 0, "an operator", error.what());
  }
  return info;
}

// "(OperatorId: 0 -> OperatorName: dedupe), …", as Spark writes it.
std::string NameOperators(const std::vector<OperatorStateInfo>& operators) {
  std::string names;
  for (const OperatorStateInfo& info : operators) {
    if (!names.empty()) names += ", ";
    names +=
        fmt::format("(OperatorId: {} -> OperatorName: {})", info.operator_id, info.name);
  }
  return names;
}

bool Flag(const Json& json, const char* key) {
  const auto member = json.find(key);
  return member == json.end() || !member->is_boolean() || member->get<bool>();
}

/// Whether values written as Spark type `stored` can be read as `wanted`: names may
/// differ, and what was never null may be nullable
/// (DataType.equalsIgnoreNameAndCompatibleNullability).
bool IsReadableAs(const Json& stored, const Json& wanted) {
  if (!stored.is_object() || !wanted.is_object()) return stored == wanted;
  const auto both = [&](const char* key) {
    return stored.contains(key) && wanted.contains(key);
  };
  if (!both("type") || stored["type"] != wanted["type"]) return false;
  const auto nullable_allowed = [](const Json& from, const Json& to, const char* key) {
    return Flag(to, key) || !Flag(from, key);
  };
  if (stored["type"] == "struct") {
    if (!both("fields") || stored["fields"].size() != wanted["fields"].size())
      return false;
    for (size_t i = 0; i < stored["fields"].size(); ++i) {
      const Json& from = stored["fields"][i];
      const Json& to = wanted["fields"][i];
      if (!from.is_object() || !to.is_object() || !from.contains("type") ||
          !to.contains("type") || !IsReadableAs(from["type"], to["type"]) ||
          !nullable_allowed(from, to, "nullable")) {
        return false;
      }
    }
    return true;
  }
  if (stored["type"] == "array") {
    return both("elementType") &&
           IsReadableAs(stored["elementType"], wanted["elementType"]) &&
           nullable_allowed(stored, wanted, "containsNull");
  }
  if (stored["type"] == "map") {
    return both("keyType") && both("valueType") &&
           IsReadableAs(stored["keyType"], wanted["keyType"]) &&
           IsReadableAs(stored["valueType"], wanted["valueType"]) &&
           nullable_allowed(stored, wanted, "valueContainsNull");
  }
  return stored == wanted;
}

bool IsReadableAs(const std::string& stored, const std::string& wanted) {
  if (stored == wanted) return true;
  const Json from = Json::parse(stored, nullptr, /*allow_exceptions=*/false);
  const Json to = Json::parse(wanted, nullptr, /*allow_exceptions=*/false);
  return !from.is_discarded() && !to.is_discarded() && IsReadableAs(from, to);
}

// `part` is "key" or "value".
Error SchemaMismatch(std::string_view part, std::string_view error_class,
                     const OperatorStateInfo& info, const std::string& stored,
                     const std::string& declared) {
  const std::string parameter = part == "key" ? "KeySchema" : "ValueSchema";
  return Error(Fault::kUser,
               "Provided {0} schema does not match existing state {0} schema.\n"
               "Please check number and type of fields.\n"
               "Existing {0}_schema={1} and new {0}_schema={2}.\n"
               "Found at operator {3} ({4}). Undo the change of the query, or start with "
               "a new "
               "checkpoint.",
               part, stored, declared, info.operator_id, info.name)
      .Class(error_class, "XXKST")
      .Java(kUnsupportedOperationException)
      .Param("stored" + parameter, stored)
      .Param("new" + parameter, declared);
}

}  // namespace

std::string Serialize(const StateLayout& layout) {
  Json json = {
      {"version", kVersion}, {"keyGroups", layout.key_groups}, {"operators", nullptr}};
  if (layout.operators) {
    Json& operators = json["operators"] = Json::array();
    for (const OperatorStateInfo& info : *layout.operators) {
      operators.push_back({{"operatorId", info.operator_id},
                           {"name", info.name},
                           {"keySchema", info.key_schema},
                           {"valueSchema", info.value_schema}});
    }
  }
  const std::string body =
      json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return body + ChecksumLine(body);
}

Result<StateLayout> ParseStateLayout(std::string_view text, const std::string& file) {
  const size_t end = text.find('\n');
  const std::string_view body =
      text.substr(0, end == std::string_view::npos ? end : end + 1);
  if (end == std::string_view::npos || text.substr(body.size()) != ChecksumLine(body)) {
    return DamagedStateFile(file, static_cast<int64_t>(body.size()),
                            "the first line's checksum", "something else");
  }
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("version") || json["version"] != kVersion) {
    return DamagedStateFile(file, 0, fmt::format("JSON of version {}", kVersion),
                            "that of another Millrace");
  }
  StateLayout layout;
  const auto groups = json.find("keyGroups");
  if (groups == json.end() || !groups->is_number_unsigned() ||
      groups->get<uint64_t>() == 0 || groups->get<uint64_t>() >= kMixedGroups) {
    return DamagedStateFile(file, 0, "a number of key groups", "something else");
  }
  layout.key_groups = groups->get<uint32_t>();
  const auto operators = json.find("operators");
  if (operators == json.end() || operators->is_null()) return layout;
  layout.operators.emplace();
  for (const Json& entry : *operators) {
    MILLRACE_ASSIGN_OR_RETURN(layout.operators->emplace_back(),
                              ParseOperator(entry, file));
  }
  return layout;
}

Status CheckCompatible(std::vector<OperatorStateInfo> stored,
                       std::vector<OperatorStateInfo> declared) {
  std::sort(stored.begin(), stored.end());
  std::sort(declared.begin(), declared.end());
  const bool same_operators =
      std::equal(stored.begin(), stored.end(), declared.begin(), declared.end(),
                 [](const OperatorStateInfo& a, const OperatorStateInfo& b) {
                   return a.operator_id == b.operator_id && a.name == b.name;
                 });
  if (!same_operators) {
    return Error(
               Fault::kUser,
               "Streaming stateful operator name does not match with the operator in "
               "state "
               "metadata. This likely to happen when user adds/removes/changes stateful "
               "operator of existing streaming query.\n"
               "Stateful operators in the metadata: [{}]; Stateful operators in current "
               "batch: [{}].",
               NameOperators(stored), NameOperators(declared))
        .Class("STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA", "42K03")
        .Java(kSparkRuntimeException)
        .Param("OpsInMetadataSeq", NameOperators(stored))
        .Param("OpsInCurBatchSeq", NameOperators(declared));
  }
  for (size_t i = 0; i < stored.size(); ++i) {
    if (!IsReadableAs(stored[i].key_schema, declared[i].key_schema)) {
      return SchemaMismatch("key", "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE", declared[i],
                            stored[i].key_schema, declared[i].key_schema);
    }
    if (!IsReadableAs(stored[i].value_schema, declared[i].value_schema)) {
      return SchemaMismatch("value", "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE",
                            declared[i], stored[i].value_schema,
                            declared[i].value_schema);
    }
  }
  return Status::OK();
}

}  // namespace millrace::state
