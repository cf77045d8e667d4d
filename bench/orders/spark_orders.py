"""The orders job on a real Spark, over all there is in a topic: the rival and the oracle."""

import argparse
import json
import os
import pathlib
import re
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def jvm_usage(spark):
    """CPU seconds and peak resident MiB of the JVM, which does the work, from /proc."""
    pid = spark._jvm.java.lang.ProcessHandle.current().pid()
    proc = pathlib.Path(f"/proc/{pid}")
    fields = (proc / "stat").read_text().rpartition(") ")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
    peak = re.search(r"VmHWM:\s+(\d+) kB", (proc / "status").read_text())
    return {
        "cpu_seconds": ticks / os.sysconf("SC_CLK_TCK"),
        "peak_mib": int(peak[1]) // 1024,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--jars", required=True, help="folder of the Kafka connector's jars")
    parser.add_argument("--sinks", default="both", choices=["window", "lake", "both"])
    parser.add_argument("--max-offsets-per-trigger")
    options = parser.parse_args()

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    jars = sorted(map(str, pathlib.Path(options.jars).glob("*.jar")))
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.jars", ",".join(jars))
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.streaming.numRecentProgressUpdates", "100000")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", options.bootstrap_servers)
        .option("subscribe", options.topic)
        .option("startingOffsets", "earliest")
    )
    if options.max_offsets_per_trigger:
        reader = reader.option("maxOffsetsPerTrigger", options.max_offsets_per_trigger)
    refined = (
        reader.load()
        .select(
            F.from_json(
                F.col("value").cast("string"),
                "user_id STRING, amount DOUBLE, timestamp TIMESTAMP",
            ).alias("order")
        )
        .select("order.*")
        .filter(F.col("user_id").isNotNull())
    )
    queries = []
    if options.sinks != "lake":
        queries.append(
            refined.withWatermark("timestamp", "2 minutes")
            .groupBy(F.window("timestamp", "1 minute"))
            .agg(F.sum("amount").alias("revenue"), F.count("*").alias("orders"))
            .writeStream.queryName("window")
            .outputMode("update")
            .format("console")
            .option("truncate", "false")
            .option("numRows", "1000000")
            .option("checkpointLocation", options.folder + "/checkpoints/window")
            .trigger(availableNow=True)
            .start()
        )
    if options.sinks != "window":
        queries.append(
            refined.writeStream.queryName("lake")
            .format("parquet")
            .option("path", options.folder + "/lake")
            .option("checkpointLocation", options.folder + "/checkpoints/lake")
            .trigger(availableNow=True)
            .start()
        )
    for query in queries:
        query.awaitTermination()
        for progress in query.recentProgress:
            line = progress.json if hasattr(progress, "json") else json.dumps(progress)
            print("progress", line, file=sys.stderr)
    print("jvm", json.dumps(jvm_usage(spark)), file=sys.stderr)
    sys.stdout.flush()
    os._exit(0)  # stopping the JVM in order takes seconds that are not the job's


if __name__ == "__main__":
    main()
