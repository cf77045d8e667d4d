"""Orders from Kafka: revenue per minute to the console, every refined order to a Parquet lake.

The same program as ecommerce_tracking.cc, in PySpark: `millrace submit ecommerce_tracking.py`.
"""

import argparse
import signal

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json, sum, window
from pyspark.sql.types import DoubleType, StringType, StructField, StructType, TimestampType

ORDER = StructType(
    [
        StructField("user_id", StringType()),
        StructField("amount", DoubleType()),
        StructField("timestamp", TimestampType()),
    ]
)


def track(options):
    spark = (
        SparkSession.builder.appName("ecommerce_tracking")
        .master("local[*]")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )

    orders = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", options.bootstrap_servers)
        .option("subscribe", options.topic)
        .option("startingOffsets", "earliest")
        .load()
    )

    refined = (
        orders.select(from_json(col("value").cast("string"), ORDER).alias("order"))
        .select("order.*")
        .filter(col("user_id").isNotNull())
    )

    revenue = (
        refined.withWatermark("timestamp", "2 minutes")
        .groupBy(window(col("timestamp"), "1 minute"))
        .agg(sum(col("amount")).alias("revenue"))
    )

    console = (
        revenue.writeStream.queryName("revenue_per_minute")
        .outputMode("update")
        .format("console")
        .option("truncate", False)
        .option("checkpointLocation", f"{options.checkpoint}/revenue_per_minute")
    )
    lake = (
        refined.writeStream.queryName("refined_orders")
        .format("parquet")
        .option("path", options.output)
        .option("checkpointLocation", f"{options.checkpoint}/refined_orders")
    )
    if options.available_now:
        queries = [one.trigger(availableNow=True).start() for one in (console, lake)]
    else:
        queries = [console.start(), lake.trigger(processingTime=options.trigger).start()]
    run_until_signal(spark, queries, options.available_now)


def run_until_signal(spark, queries, to_the_end):
    def end(signum, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        if to_the_end:
            for query in queries:
                query.awaitTermination()
        else:
            spark.streams.awaitAnyTermination()
    except KeyboardInterrupt:
        for query in queries:
            query.stop()
    spark.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap-servers", default="127.0.0.1:9092")
    parser.add_argument("--topic", default="orders")
    parser.add_argument("--checkpoint", default="data/checkpoints")
    parser.add_argument("--output", default="data/refined_orders")
    parser.add_argument("--trigger", default="10 seconds", help="how often the lake is written")
    parser.add_argument("--available-now", action="store_true", help="what is there now, then end")
    track(parser.parse_args())


if __name__ == "__main__":
    main()
