// Orders from Kafka: revenue per minute to the console, every refined order to a Parquet
// lake.
#include "tracking_options.h"

#include "millrace/millrace.h"

using namespace millrace;             // NOLINT: reads like the PySpark original
using namespace millrace::functions;  // NOLINT

Status Track(const orders::TrackingOptions& options) {
  MILLRACE_ASSIGN_OR_RETURN(const SparkSession spark,
                            SparkSession::Builder()
                                .AppName("ecommerce_tracking")
                                .Master("local[*]")
                                .Config("spark.sql.session.timeZone", "UTC")
                                .GetOrCreate());

  const DataFrame orders =
      spark.ReadStream()
          .Format("kafka")
          .Options(options.kafka)
          .Option("kafka.bootstrap.servers", options.bootstrap_servers)
          .Option("subscribe", options.topic)
          .Option("startingOffsets", "earliest")
          .Load();

  const DataFrame refined =
      orders
          .Select(FromJson(Col("value").Cast("string"),
                           "user_id STRING, amount DOUBLE, timestamp TIMESTAMP")
                      .Alias("order"))
          .Select("order.*")
          .Filter(Col("user_id").IsNotNull());

  const DataFrame revenue = refined.WithWatermark("timestamp", "2 minutes")
                                .GroupBy(Window(Col("timestamp"), "1 minute"))
                                .Agg(Sum(Col("amount")).Alias("revenue"));

  MILLRACE_ASSIGN_OR_RETURN(
      const StreamingQuery console,
      revenue.WriteStream()
          .QueryName("revenue_per_minute")
          .OutputMode("update")
          .Format("console")
          .Option("truncate", false)
          .Option("checkpointLocation", options.checkpoint + "/revenue_per_minute")
          .Trigger(options.console_trigger())
          .Start());

  MILLRACE_ASSIGN_OR_RETURN(
      const StreamingQuery lake,
      refined.WriteStream()
          .QueryName("refined_orders")
          .Format("parquet")
          .Option("path", options.output)
          .Option("checkpointLocation", options.checkpoint + "/refined_orders")
          .Trigger(options.lake_trigger())
          .Start());

  return orders::RunUntilSignal({console, lake});
}

int main(int argc, char** argv) { return orders::RunProgram(argc, argv, Track); }
