// The recorded streaming cases of a real Spark 4.2: same rows, watermarks and state
// counts, batch by batch. Inputs and outputs: streaming_cases.json,
// back_to_back_cases.json; plans: plans.json, made by `./dev golden`.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "app/json_parser.h"
#include "base/uuid.h"
#include "connect_plan/session.h"
#include "connectors/file/file_provider.h"
#include "connectors/memory/memory.h"
#include "golden_values.h"

namespace millrace::golden {
namespace {

using Json = nlohmann::json;
namespace proto = spark::connect;

Json ReadJson(const std::string& name) {
  std::ifstream file(std::string(MILLRACE_SOURCE_DIR) + "/test/golden/" + name);
  return Json::parse(file);
}

const Json& Plans() {
  static const Json plans = ReadJson("plans.json");
  return plans;
}

std::vector<std::string> CasesOf(const std::string& file) {
  std::vector<std::string> ids;
  for (const Json& entry : ReadJson(file)) ids.push_back(entry["id"]);
  return ids;
}

Json FindCase(const std::string& id) {
  for (const char* file :
       {"streaming_cases.json", "join_cases.json", "back_to_back_cases.json"}) {
    for (const Json& entry : ReadJson(file)) {
      if (entry["id"] == id) return entry;
    }
  }
  return nullptr;
}

// One batch as the cases record it.
struct BatchRecord {
  int64_t input_rows = 0;
  std::string watermark;                        // "" without one
  std::vector<std::vector<std::string>> state;  // name, total, updated, removed, dropped
  bool operator==(const BatchRecord&) const = default;
};

void PrintTo(const BatchRecord& record, std::ostream* out) {
  *out << "in=" << record.input_rows << " wm=" << record.watermark;
  for (const auto& op : record.state) *out << " " << testing::PrintToString(op);
}

// A session over temporary folders, one per source, and a clock that stands still: a
// query looks for files only when it is told to.
class Scene {
 public:
  explicit Scene(const std::string& id)
      : id_(id),
        folder_(std::filesystem::temp_directory_path() /
                ("millrace-golden-" + MakeUuid())),
        fs_(MakeLocalFileSystem()),
        clock_(EpochMillis(std::chrono::milliseconds(1'750'000'000'000))),
        tables_(std::make_shared<connectors::memory::MemoryTables>()) {
    connectors_.AddSource(connectors::file::MakeJsonProvider(app::MakeJsonParser));
    connectors_.AddSink(connectors::memory::MakeMemorySinkProvider(*tables_));
    connectors_.AddTables(tables_);
    session_ = std::make_unique<connect_plan::Session>(
        MakeUuid(), connect_plan::SessionEnvironment{&connectors_, fs_.get(), &clock_});
    for (int i = 0; i < 2; ++i) std::filesystem::create_directories(SourceFolder(i));
  }
  ~Scene() {
    session_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string SourceFolder(int index) const {
    return (folder_ / "source" / std::to_string(index)).string();
  }

  Status SetConf(const std::string& key, const std::string& value) {
    proto::ConfigRequest request;
    auto* pair = request.mutable_operation()->mutable_set()->add_pairs();
    pair->set_key(key);
    pair->set_value(value);
    return session_->Config(request).status();
  }

  void AddFile(int source, const Json& rows) {
    const int number = files_++;
    const std::filesystem::path path = std::filesystem::path(SourceFolder(source)) /
                                       ("f" + std::to_string(10000 + number));
    {
      std::ofstream file(path.string() + ".tmp");
      for (const Json& row : rows) {
        file << (row.is_string() ? row.get<std::string>() : row.dump()) << "\n";
      }
    }
    // One second apart, so that files are read in the order they were added.
    std::filesystem::last_write_time(path.string() + ".tmp",
                                     std::filesystem::file_time_type::clock::now() +
                                         std::chrono::seconds(number - 1000));
    std::filesystem::rename(path.string() + ".tmp", path.string() + ".json");
  }

  Status Start(const std::string& mode, bool available_now,
               const std::string& checkpoint) {
    proto::ExecutePlanRequest request;
    auto* start =
        request.mutable_plan()->mutable_command()->mutable_write_stream_operation_start();
    MILLRACE_RETURN_IF_ERROR(Plan(start->mutable_input()));
    start->set_format("memory");
    start->set_query_name(table());
    start->set_output_mode(mode);
    if (available_now) start->set_available_now(true);
    (*start->mutable_options())["checkpointLocation"] = (folder_ / checkpoint).string();
    return session_->Execute(
        request,
        [&](const proto::ExecutePlanResponse& response) {
          if (response.has_write_stream_operation_start_result()) {
            const auto& id = response.write_stream_operation_start_result().query_id();
            query_ = session_->queries().Find(id.id(), id.run_id());
          }
          return Status::OK();
        },
        std::stop_token());
  }

  // Until the query waits for data: files added from now on are seen together.
  void AwaitParked() {
    if (query_->active()) clock_.AwaitWaiter(std::stop_token());
  }

  streaming::StreamingQuery& query() { return *query_; }

  // The table's rows beyond the first `skip`.
  std::vector<Json> Rows(size_t skip = 0) const {
    std::vector<Json> rows;
    const auto content = tables_->Find(session_->id(), table());
    if (!content) return rows;
    for (const data::Batch& batch : content->batches) {
      for (Json& row : RowsToJson(batch)) rows.push_back(std::move(row));
    }
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(skip));
    return rows;
  }

  // The batches that ran, by id; those that only reported idleness are left out.
  std::map<int64_t, BatchRecord> Batches() const {
    std::map<int64_t, BatchRecord> batches;
    for (const metrics::StreamingQueryProgress& progress : query_->recent_progress()) {
      const bool ran =
          std::any_of(progress.duration_millis.begin(), progress.duration_millis.end(),
                      [](const auto& phase) { return phase.first == "addBatch"; });
      if (!ran) continue;
      BatchRecord record;
      record.input_rows = progress.input_rows();
      if (progress.event_time.watermark) {
        record.watermark = metrics::FormatInstant(*progress.event_time.watermark);
      }
      for (const metrics::StateOperatorProgress& state : progress.state_operators) {
        record.state.push_back({state.operator_name, std::to_string(state.rows_total),
                                std::to_string(state.rows_updated),
                                std::to_string(state.rows_removed),
                                std::to_string(state.rows_dropped_by_watermark)});
      }
      batches[progress.batch_id] = std::move(record);
    }
    return batches;
  }

 private:
  std::string table() const { return "t_" + id_; }

  // The recorded plan over this scene's folders.
  Status Plan(proto::Relation* relation) const {
    std::string text = Plans().at(id_)["plan"].dump();
    for (size_t at = text.find("\"/source/"); at != std::string::npos;
         at = text.find("\"/source/", at + 1)) {
      text.insert(at + 1, folder_.string());
    }
    const auto parsed = google::protobuf::util::JsonStringToMessage(text, relation);
    EXPECT_TRUE(parsed.ok()) << parsed.ToString();
    return Status::OK();
  }

  const std::string id_;
  const std::filesystem::path folder_;
  const std::unique_ptr<FileSystem> fs_;
  ManualClock clock_;
  const std::shared_ptr<connectors::memory::MemoryTables> tables_;
  plan::Connectors connectors_;
  std::unique_ptr<connect_plan::Session> session_;
  std::shared_ptr<streaming::StreamingQuery> query_;
  int files_ = 0;
};

std::vector<std::vector<std::string>> StateOf(const Json& recorded) {
  std::vector<std::vector<std::string>> state;
  for (const Json& op : recorded) {
    std::vector<std::string> parts;
    for (const Json& part : op)
      parts.push_back(part.is_string() ? part.get<std::string>() : part.dump());
    state.push_back(std::move(parts));
  }
  return state;
}

std::vector<Json> List(const Json& rows) { return {rows.begin(), rows.end()}; }

class StreamingCase : public testing::TestWithParam<std::string> {};

// One query over all steps.
TEST_P(StreamingCase, GivesSparksRowsAndWatermarks) {
  const Json golden = FindCase(GetParam());
  Scene scene(GetParam());
  for (const auto& [key, value] : golden["conf"].items()) {
    ASSERT_TRUE(scene.SetConf(key, value).ok());
  }
  const std::string mode = golden["mode"];
  // The case's error, as Spark words it, up to where it describes the query.
  std::string recorded_error;
  if (golden.contains("error")) {
    const std::string marker = "terminated with exception: ";
    recorded_error = golden["error"][1];
    recorded_error.erase(0, recorded_error.find(marker) + marker.size());
    recorded_error.resize(
        std::min(recorded_error.find(" SQLSTATE"), recorded_error.size()));
  }
  const Status started = scene.Start(mode, false, "checkpoint");
  if (!started.ok()) {
    // Some errors that Spark finds when a batch runs are found at the start here.
    ASSERT_FALSE(recorded_error.empty()) << started.ToString();
    EXPECT_THAT(started.ToString(), testing::HasSubstr(recorded_error));
    return;
  }
  std::map<int64_t, BatchRecord> expected;
  for (const Json& step : golden["steps"]) {
    SCOPED_TRACE("step " + step.dump().substr(0, 400));
    scene.AwaitParked();
    const size_t before = mode == "complete" ? 0 : scene.Rows().size();
    for (const auto& [source, rows] : step["add"].items()) {
      if (!rows.empty()) scene.AddFile(std::stoi(source), rows);
    }
    const Status processed = scene.query().ProcessAllAvailable();
    ASSERT_TRUE(processed.ok()) << processed.ToString();
    const bool ordered =
        golden["code"].get<std::string>().find("orderBy") != std::string::npos;
    const std::vector<Json> rows = scene.Rows(before);
    EXPECT_TRUE(SameRows(rows, List(step["new"]), ordered))
        << "got " << Json(rows).dump() << "\nSpark gave " << step["new"].dump();
    for (const Json& batch : step["batches"]) {
      if (batch["inp"] == 0 && batch["st"].empty()) continue;  // only reported idleness
      BatchRecord record;
      record.input_rows = batch["inp"];
      if (batch["wm"].is_string()) record.watermark = batch["wm"];
      record.state = StateOf(batch["st"]);
      expected[batch["b"]] = std::move(record);
    }
  }
  EXPECT_THAT(scene.Batches(), testing::ContainerEq(expected));
  if (recorded_error.empty()) return;
  scene.AwaitParked();
  for (const auto& [source, rows] : golden["failing_step"].items()) {
    scene.AddFile(std::stoi(source), rows);
  }
  const Status failed = scene.query().ProcessAllAvailable();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.ToString(), testing::HasSubstr(recorded_error));
}

// The same, but the query ends after each step and goes on from its checkpoint. Not for
// unions of streams: there the rows depend on how far each one's watermark had come,
// which Spark too forgets at a restart.
TEST_P(StreamingCase, GivesTheSameRowsOverRestarts) {
  const Json golden = FindCase(GetParam());
  const std::string mode = golden["mode"];
  Scene scene(GetParam());
  for (const auto& [key, value] : golden["conf"].items()) {
    ASSERT_TRUE(scene.SetConf(key, value).ok());
  }
  const bool unites =
      golden["code"].get<std::string>().find(".union(") != std::string::npos;
  for (const Json& step : golden["steps"]) {
    if (golden.contains("error") || unites) break;
    SCOPED_TRACE("step " + step.dump().substr(0, 400));
    for (const auto& [source, rows] : step["add"].items()) {
      if (!rows.empty()) scene.AddFile(std::stoi(source), rows);
    }
    const Status started = scene.Start(mode, true, "checkpoint");
    ASSERT_TRUE(started.ok()) << started.ToString();
    const Result<bool> ended = scene.query().AwaitTermination(std::nullopt);
    ASSERT_TRUE(ended.ok()) << ended.status().ToString();
    const bool ordered =
        golden["code"].get<std::string>().find("orderBy") != std::string::npos;
    const std::vector<Json> rows = scene.Rows();
    EXPECT_TRUE(SameRows(rows, List(step["new"]), ordered))
        << "got " << Json(rows).dump() << "\nSpark gave " << step["new"].dump();
  }
}

INSTANTIATE_TEST_SUITE_P(Spark, StreamingCase,
                         testing::ValuesIn(CasesOf("streaming_cases.json")),
                         [](const auto& instance) { return instance.param; });
// Joins and sessions beyond those: made by tools/record_streaming.py.
INSTANTIATE_TEST_SUITE_P(Joins, StreamingCase,
                         testing::ValuesIn(CasesOf("join_cases.json")),
                         [](const auto& instance) { return instance.param; });

class BackToBackCase : public testing::TestWithParam<std::string> {};

// All files are there at the start, one a batch: the two watermarks of a batch differ.
TEST_P(BackToBackCase, GivesSparksRowsAndWatermarks) {
  const Json golden = FindCase(GetParam());
  Scene scene(GetParam());
  for (const auto& [key, value] : golden["conf"].items()) {
    ASSERT_TRUE(scene.SetConf(key, value).ok());
  }
  for (const Json& rows : golden["files"]) scene.AddFile(0, rows);
  const Status started = scene.Start(golden["mode"], true, "checkpoint");
  ASSERT_TRUE(started.ok()) << started.ToString();
  const Result<bool> ended = scene.query().AwaitTermination(std::nullopt);
  ASSERT_TRUE(ended.ok()) << ended.status().ToString();
  const std::vector<Json> rows = scene.Rows();
  EXPECT_TRUE(SameRows(rows, List(golden["rows"]), false))
      << "got " << Json(rows).dump() << "\nSpark gave " << golden["rows"].dump();
  std::map<int64_t, BatchRecord> expected;
  for (const Json& batch : golden["batches"]) {
    BatchRecord record;
    record.input_rows = batch[1];
    record.watermark = "1970-01-01T00:" + batch[2].get<std::string>() + ".000Z";
    record.state = StateOf(batch[3]);
    expected[batch[0]] = std::move(record);
  }
  EXPECT_THAT(scene.Batches(), testing::ContainerEq(expected));
}

INSTANTIATE_TEST_SUITE_P(Spark, BackToBackCase,
                         testing::ValuesIn(CasesOf("back_to_back_cases.json")),
                         [](const auto& instance) { return instance.param; });

TEST(Golden, SaysHowManyCasesRun) {
  const size_t streaming = CasesOf("streaming_cases.json").size();
  const size_t back_to_back = CasesOf("back_to_back_cases.json").size();
  std::printf("%zu recorded streaming cases run, and %zu of joins and sessions\n",
              streaming + back_to_back, CasesOf("join_cases.json").size());
  EXPECT_EQ(streaming + back_to_back, 54U);
}

}  // namespace
}  // namespace millrace::golden
