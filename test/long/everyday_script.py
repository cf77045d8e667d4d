"""What a PySpark script does every day; run with each client that is supported.

Prints one line for each step that worked. Argument: a folder to write to.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

folder = sys.argv[1]
spark = SparkSession.builder.appName("everyday").getOrCreate()


def step(name, found, expected):
    assert found == expected, (name, found)
    print(name, flush=True)


step("version", spark.version, "4.2.0")
frame = spark.createDataFrame([(1, "a", 1.5), (2, "b", None)], "i int, s string, d double")
frame.show()
step("collect", [tuple(row) for row in frame.collect()], [(1, "a", 1.5), (2, "b", None)])
step("pandas", frame.toPandas()["s"].tolist(), ["a", "b"])
step("columns", frame.select(frame.i, frame["s"]).columns, ["i", "s"])
large = spark.createDataFrame([(i, "x" * 50) for i in range(30_000)], ["n", "text"])
step("large", large.groupBy((F.col("n") % 2).alias("k")).count().orderBy("k").collect(),
     [(0, 15_000), (1, 15_000)])  # fmt: skip
huge = spark.createDataFrame([("y" * 80_000_000,)], "text string")
step("huge", huge.select(F.length("text")).collect(), [(80_000_000,)])
try:
    frame.select("nope").collect()
except Exception as error:
    step("error", (type(error).__name__, error.getErrorClass(), error.getSqlState()),
         ("AnalysisException", "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"))  # fmt: skip
frame.write.mode("overwrite").json(f"{folder}/in")
stream = spark.readStream.schema("i int, s string, d double").json(f"{folder}/in")
query = stream.groupBy("s").agg(F.sum("i").alias("n")).writeStream.format("memory")
query = query.queryName("sums").outputMode("complete").start()
query.processAllAvailable()
step("memory", sorted(tuple(row) for row in spark.table("sums").collect()), [("a", 1), ("b", 2)])
step("progress", query.lastProgress["batchId"] >= 0, True)
query.stop()
step("stopped", (query.isActive, query.exception()), (False, None))


def save(batch, number):
    batch.write.mode("append").parquet(f"{FOLDER}/saved")


FOLDER = folder
query = stream.writeStream.foreachBatch(save).trigger(availableNow=True).start()
query.awaitTermination()
step("foreachBatch", spark.read.parquet(f"{folder}/saved").count(), 2)
step("interrupt", spark.interruptAll(), [])
spark.stop()
