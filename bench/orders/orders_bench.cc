// The orders job as the benchmark runs it: everything there is, then the end; the console
// prints all windows, so that they can be compared.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

#include "millrace/millrace.h"

using namespace millrace;             // NOLINT
using namespace millrace::functions;  // NOLINT

namespace {

struct Arguments {
  std::string bootstrap_servers;
  std::string topic;
  std::string folder;
  std::string sinks = "both";  // window, lake or both
  std::string max_offsets;
  std::string watermark_policy = "spark";
};

Status Run(const Arguments& arguments) {
  MILLRACE_ASSIGN_OR_RETURN(
      const SparkSession spark,
      SparkSession::Builder()
          .Config("spark.sql.session.timeZone", "UTC")
          .Config("millrace.streaming.watermarkPolicy", arguments.watermark_policy)
          .Config("spark.sql.streaming.numRecentProgressUpdates", "100000")
          .GetOrCreate());
  DataFrameReader reader = spark.ReadStream();
  reader.Format("kafka")
      .Option("kafka.bootstrap.servers", arguments.bootstrap_servers)
      .Option("subscribe", arguments.topic)
      .Option("startingOffsets", "earliest");
  if (!arguments.max_offsets.empty()) {
    reader.Option("maxOffsetsPerTrigger", arguments.max_offsets);
  }
  const DataFrame refined =
      reader.Load()
          .Select(FromJson(Col("value").Cast("string"),
                           "user_id STRING, amount DOUBLE, timestamp TIMESTAMP")
                      .Alias("order"))
          .Select("order.*")
          .Filter(Col("user_id").IsNotNull());
  std::vector<StreamingQuery> queries;
  if (arguments.sinks != "lake") {
    MILLRACE_ASSIGN_OR_RETURN(
        StreamingQuery query,
        refined.WithWatermark("timestamp", "2 minutes")
            .GroupBy(Window(Col("timestamp"), "1 minute"))
            .Agg(Sum(Col("amount")).Alias("revenue"), Count(Col("*")).Alias("orders"))
            .WriteStream()
            .QueryName("window")
            .OutputMode("update")
            .Format("console")
            .Option("truncate", false)
            .Option("numRows", 1'000'000)
            .Option("checkpointLocation", arguments.folder + "/checkpoints/window")
            .Trigger(Trigger::AvailableNow())
            .Start());
    queries.push_back(std::move(query));
  }
  if (arguments.sinks != "window") {
    MILLRACE_ASSIGN_OR_RETURN(
        StreamingQuery query,
        refined.WriteStream()
            .QueryName("lake")
            .Format("parquet")
            .Option("path", arguments.folder + "/lake")
            .Option("checkpointLocation", arguments.folder + "/checkpoints/lake")
            .Trigger(Trigger::AvailableNow())
            .Start());
    queries.push_back(std::move(query));
  }
  for (const StreamingQuery& query : queries) {
    MILLRACE_RETURN_IF_ERROR(query.AwaitTermination().status());
    MILLRACE_ASSIGN_OR_RETURN(const auto progress, query.RecentProgress());
    for (const StreamingQueryProgress& batch : progress) {
      std::fprintf(stderr, "progress %s\n", batch.json.c_str());
    }
  }
  return Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App program("Runs the orders job over all there is in a topic.");
  program.add_option("--bootstrap-servers", arguments.bootstrap_servers)->required();
  program.add_option("--topic", arguments.topic)->required();
  program.add_option("--folder", arguments.folder)->required();
  program.add_option("--sinks", arguments.sinks)
      ->check(CLI::IsMember({"window", "lake", "both"}));
  program.add_option("--max-offsets-per-trigger", arguments.max_offsets);
  program.add_option("--watermark-policy", arguments.watermark_policy);
  CLI11_PARSE(program, argc, argv);
  const Status status = Run(arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
