// Batch queries: the same columns and rows as a real Spark 4.2, or the same error.
// Queries: relation_cases.txt; plans and results: relation_results.json, made by
// tools/record_relations.py.
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/clock.h"
#include "base/mem_file_system.h"
#include "client/connection.h"
#include "golden_values.h"
#include "local/local_transport.h"

namespace millrace::golden {
namespace {

using Json = nlohmann::json;
namespace proto = spark::connect;

const Json& Results() {
  static const Json results = [] {
    std::ifstream file(std::string(MILLRACE_SOURCE_DIR) +
                       "/test/golden/relation_results.json");
    return Json::parse(file);
  }();
  return results;
}

std::vector<std::string> Ids() {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : Results().items()) ids.push_back(id);
  return ids;
}

class RelationCase : public testing::TestWithParam<std::string> {
 protected:
  RelationCase()
      : clock_(EpochMillis(std::chrono::milliseconds(1'750'000'000'000))),
        connection_(local::MakeLocalTransport({&connectors_, &disk_, &clock_})) {
    proto::ConfigRequest::Operation set;
    auto* zone = set.mutable_set()->add_pairs();
    zone->set_key("spark.sql.session.timeZone");
    zone->set_value("UTC");
    EXPECT_TRUE(connection_.Config(set).ok());
  }

  plan::Connectors connectors_;
  MemFileSystem disk_;
  ManualClock clock_;
  detail::Connection connection_;
};

TEST_P(RelationCase, GivesSparksResult) {
  const Json& entry = Results()[GetParam()];
  SCOPED_TRACE(entry["code"].get<std::string>());
  proto::Relation relation;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(entry["plan"].dump(), &relation);
  ASSERT_TRUE(parsed.ok()) << parsed.ToString();
  const Result<std::vector<data::Batch>> result = connection_.Execute(relation);
  if (entry.contains("error")) {
    const std::string message = entry["error"];
    ASSERT_FALSE(result.ok()) << "Spark says: " << message;
    // Up to the SQLSTATE: what follows draws Spark's plan.
    EXPECT_THAT(result.status().ToString(),
                testing::HasSubstr(message.substr(0, message.find(" SQLSTATE"))));
    return;
  }
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_FALSE(result->empty());
  std::string schema;
  for (const data::FieldPtr& field : (*result)[0]->schema()->fields()) {
    schema += (schema.empty() ? "" : ",") + field->name() + ":" +
              data::SimpleTypeName(*field->type());
  }
  EXPECT_EQ("struct<" + schema + ">", entry["schema"].get<std::string>());
  std::vector<Json> rows;
  for (const data::Batch& batch : *result) {
    for (Json& row : RowsToJson(batch)) rows.push_back(std::move(row));
  }
  const bool ordered =
      entry["code"].get<std::string>().find(".orderBy(") != std::string::npos;
  EXPECT_TRUE(SameRows(rows, {entry["rows"].begin(), entry["rows"].end()}, ordered))
      << "got " << Json(rows).dump() << "\nSpark gave " << entry["rows"].dump();

  proto::AnalyzePlanRequest request;
  *request.mutable_schema()->mutable_plan()->mutable_root() = relation;
  const auto analyzed = connection_.Analyze(request);
  ASSERT_TRUE(analyzed.ok());
  std::vector<bool> nullable;
  for (const auto& field : analyzed->schema().schema().struct_().fields()) {
    nullable.push_back(field.nullable());
  }
  EXPECT_EQ(nullable, entry["nullable"].get<std::vector<bool>>());
}

INSTANTIATE_TEST_SUITE_P(Spark, RelationCase, testing::ValuesIn(Ids()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace millrace::golden
