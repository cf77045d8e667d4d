#!/usr/bin/env python3
"""Records what a real Spark gives for the batch queries of test/golden/relation_cases.txt.

Starts a local Spark Connect server, builds each query with its PySpark client, and writes its plan
(protobuf JSON), the schema and the rows, or the error, to test/golden/relation_results.json.
"""

import datetime
import decimal
import json
import os
import pathlib
import time
from datetime import timedelta

os.environ["TZ"] = "UTC"
time.tzset()

from google.protobuf import json_format  # noqa: E402
from pyspark.sql import SparkSession, Window  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.connect import plan as P  # noqa: E402
from pyspark.sql.connect.dataframe import DataFrame  # noqa: E402

FOLDER = pathlib.Path(__file__).parent.parent / "test" / "golden"


def frames(spark):
    a = spark.createDataFrame([(1, "x"), (2, "y"), (2, "z"), (None, "n")], "k int, v string")
    b = spark.createDataFrame(
        [(1, "p"), (2, "a"), (3, "q"), (2, "zz"), (None, "m")], "k int, w string"
    )
    nan = float("nan")
    return {
        "a": a,
        "b": b,
        "f": a.filter(a.k > 1),
        "e": spark.createDataFrame([], "k int, v string"),
        "n": spark.createDataFrame(
            [(1, 1.0, [1, 2]), (2, nan, [1, 2]), (3, -0.0, []), (4, 0.0, None), (5, nan, [None]),
             (6, None, [1])],
            "i int, d double, l array<int>",
        ),
        "t": spark.createDataFrame(
            [("1", datetime.datetime(2024, 1, 1, 0, 0)), ("2", datetime.datetime(2024, 1, 1, 0, 1)),
             ("2", datetime.datetime(2024, 3, 10, 10, 30)), (None, None)],
            "s string, ts timestamp",
        ),
        "q": spark.createDataFrame(
            [("g1", 1, 10.0, "u"), ("g1", 2, 20.0, "v"), ("g1", 2, 5.0, "u"), ("g2", 3, None, "u"),
             ("g2", None, 1.5, None), (None, 7, 7.0, "v")],
            "g string, x int, y double, c string",
        ),
        "spark": spark, "F": F, "W": Window, "P": P, "DataFrame": DataFrame, "timedelta": timedelta,
    }


def to_json(value):
    if isinstance(value, (datetime.datetime, datetime.date)):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return "D" + str(value)
    if hasattr(value, "asDict"):
        return {key: to_json(field) for key, field in zip(value.__fields__, value)}
    if isinstance(value, (list, tuple)):
        return [to_json(element) for element in value]
    if isinstance(value, dict):
        return {str(key): to_json(element) for key, element in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return "b:" + bytes(value).hex()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def record(spark, code, names):
    entry = {"code": code}
    frame = eval(code, names)
    entry["plan"] = json_format.MessageToDict(
        frame._plan.plan(spark._client), preserving_proto_field_name=True
    )
    try:
        entry["schema"] = frame.schema.simpleString()
        rows = frame.collect()
        entry["nullable"] = [field.nullable for field in frame.schema.fields]
        entry["rows"] = [[to_json(value) for value in row] for row in rows]
    except Exception as error:  # noqa: BLE001 - what Spark says is what is recorded
        message = str(error).split("\n\nJVM stacktrace")[0].split("JVM stacktrace")[0].strip()
        for cut in (";\n'", ";\n~", ";\n"):
            message = message.split(cut)[0]
        entry = {"code": code, "plan": entry["plan"], "error": message}
    return entry


def main():
    spark = (
        SparkSession.builder.remote("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.connect.serverStacktrace.enabled", "false")
        .getOrCreate()
    )
    names = frames(spark)
    results = {}
    for line in (FOLDER / "relation_cases.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, code = line.split(": ", 1)
        results[name] = record(spark, code, names)
    (FOLDER / "relation_results.json").write_text(
        json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )
    errors = sum("error" in entry for entry in results.values())
    print(f"{len(results)} cases recorded, {errors} of them errors")
    spark.stop()


if __name__ == "__main__":
    main()
