// Uses the server at argv[1] as a user's program would, with a scratch folder argv[2]
// that the server sees too, and prints what it got. The last line of an undisturbed run
// is "done".
#include <cstdio>
#include <fstream>
#include <string>

#include "millrace/millrace.h"

using namespace millrace;             // NOLINT
using namespace millrace::functions;  // NOLINT

namespace {

Status Batch(const SparkSession& spark) {
  const DataFrame grouped =
      spark.Range(0, 25'000)
          .GroupBy((Col("id") % 3).Alias("rest"))
          .Agg(Count(Col("*")).Alias("rows"), Sum(Col("id")).Alias("total"))
          .OrderBy("rest");
  MILLRACE_ASSIGN_OR_RETURN(const std::string shown, grouped.ShowString(20, 20));
  std::fputs(shown.c_str(), stdout);
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                            spark.Range(0, 25'000).Collect());
  std::printf("collected %zu rows\n", rows.size());
  return Status::OK();
}

void WrongColumn(const SparkSession& spark) {
  const auto wrong = spark.Range(0, 1).Select(Col("idd")).Collect();
  std::printf("%s %s\n", wrong.status().error().error_class.c_str(),
              wrong.status().error().sql_state.c_str());
  std::printf("%s\n", wrong.status().ToString().c_str());
}

Status Stream(const SparkSession& spark, const std::string& folder) {
  std::ofstream(folder + "/in/orders.json") << R"({"user": "a", "amount": 1.5})"
                                            << "\n"
                                            << R"({"user": null, "amount": 9.0})"
                                            << "\n"
                                            << R"({"user": "b", "amount": 2.5})"
                                            << "\n";
  MILLRACE_ASSIGN_OR_RETURN(const StreamingQuery query,
                            spark.ReadStream()
                                .Schema("user STRING, amount DOUBLE")
                                .Json(folder + "/in")
                                .Filter(Col("user").IsNotNull())
                                .WriteStream()
                                .Format("parquet")
                                .QueryName("orders")
                                .Option("checkpointLocation", folder + "/checkpoint")
                                .Trigger(Trigger::AvailableNow())
                                .Start(folder + "/lake"));
  MILLRACE_RETURN_IF_ERROR(query.AwaitTermination().status());
  MILLRACE_ASSIGN_OR_RETURN(const int64_t count,
                            spark.Read().Parquet(folder + "/lake").Count());
  std::printf("the lake has %ld rows\n", static_cast<long>(count));
  return Status::OK();
}

Status Run(const std::string& url, const std::string& folder) {
  MILLRACE_ASSIGN_OR_RETURN(const SparkSession spark,
                            SparkSession::Builder()
                                .Remote(url)
                                .Config("spark.sql.session.timeZone", "UTC")
                                .GetOrCreate());
  MILLRACE_RETURN_IF_ERROR(Batch(spark));
  WrongColumn(spark);
  return Stream(spark, folder);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const Status status = Run(argv[1], argv[2]);
  std::puts(status.ok() ? "done" : status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
