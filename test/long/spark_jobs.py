"""Spark programs the long tests run, each in a process of its own."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

LAKE_JOB = """
import os, sys, pathlib
from pyspark.sql import SparkSession, functions as F
jars, servers, topic, folder = sys.argv[1:]
spark = (SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(map(str, sorted(pathlib.Path(jars).glob("*.jar")))))
    .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
orders = (spark.readStream.format("kafka").option("kafka.bootstrap.servers", servers)
    .option("subscribe", topic).option("startingOffsets", "earliest").load()
    .select(F.from_json(F.col("value").cast("string"),
        "user_id STRING, amount DOUBLE, timestamp TIMESTAMP").alias("order"))
    .select("order.*").filter(F.col("user_id").isNotNull()))
query = (orders.writeStream.format("parquet").option("path", folder + "/lake")
    .option("checkpointLocation", folder + "/checkpoints/refined_orders")
    .trigger(availableNow=True).start())
query.awaitTermination()
os._exit(0)
"""

READ_LAKE = """
import os, sys
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
rows = spark.read.parquet(sys.argv[1]).select("user_id", "amount", "timestamp").collect()
for row in rows:
    print("row", row.user_id, repr(row.amount), row.timestamp.timestamp())
sys.stdout.flush()
os._exit(0)
"""


WATCH_LAKE = """
import os, sys
from pyspark.sql import SparkSession, functions as F
spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
lake, wanted = sys.argv[1], int(sys.argv[2])
sizes = set()
while len(sizes) < wanted:
    orders = spark.read.parquet(lake).groupBy("user_id", "amount", "timestamp").count()
    seen = orders.agg(F.sum("count").alias("rows"), F.max("count").alias("most")).first()
    print("seen", seen.rows, seen.most, flush=True)
    sizes.add(seen.rows)
os._exit(0)
"""


def run_spark(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True, text=True, timeout=600, env={**os.environ, "TZ": "UTC"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def write_lake_with_spark(kafka, topic, folder):
    run_spark(LAKE_JOB, ROOT / ".deps" / "spark" / "libs", kafka, topic, folder)


def read_lake_with_spark(lake):
    """Sorted (user_id, amount, seconds since 1970)."""
    rows = [line.split()[1:] for line in run_spark(READ_LAKE, lake).splitlines()
            if line.startswith("row ")]
    return sorted((user, float(amount), float(when)) for user, amount, when in rows)


def replay_with_spark(kafka, topic, folder, limit):
    """The console output of the windowed orders job over the whole topic."""
    command = [sys.executable, ROOT / "bench" / "orders" / "spark_orders.py"]
    command += ["--bootstrap-servers", kafka, "--topic", topic, "--folder", folder]
    command += ["--jars", ROOT / ".deps" / "spark" / "libs", "--sinks", "window"]
    if limit:
        command += ["--max-offsets-per-trigger", str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def watch_lake_with_spark(lake, sizes):
    """What Spark finds again and again until the lake had that many different sizes: how many rows
    there are, and how often the most frequent one is there."""
    return [
        tuple(map(int, line.split()[1:]))
        for line in run_spark(WATCH_LAKE, lake, sizes).splitlines()
        if line.startswith("seen ")
    ]
