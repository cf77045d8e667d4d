#!/usr/bin/env python3
"""Records what a real Spark gives for streaming joins and session windows, batch by batch.

Runs each case below on a local Spark, adding files step by step, and writes its new rows, watermarks
and state counts to test/golden/join_cases.json, in the format of streaming_cases.json.
"""

import json
import os
import pathlib
import shutil
import tempfile
import time
from datetime import timedelta

os.environ["TZ"] = "UTC"
time.tzset()

from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from record_relations import to_json  # noqa: E402

FOLDER = pathlib.Path(__file__).parent.parent / "test" / "golden"

KEYED = "k string, v long, t timestamp"
EVENTS = "k string, gap string, t timestamp"

LEFT = "s[0].withWatermark('t','10 seconds').alias('l')"
RIGHT = "s[1].withWatermark('t','10 seconds').alias('r')"
KEYS = "(F.col('l.k') == F.col('r.k'))"
RANGE = (
    f"{KEYS} & (F.col('r.t') >= F.col('l.t'))"
    " & (F.col('r.t') <= F.col('l.t') + F.lit(timedelta(seconds=5)))"
)
BOTH = (
    "select(F.col('l.k').alias('lk'), F.col('l.v').alias('lv'),"
    " F.col('r.k').alias('rk'), F.col('r.v').alias('rv'))"
)


def at(seconds):
    return None if seconds is None else f"1970-01-01T00:{seconds // 60:02d}:{seconds % 60:02d}Z"


def keyed(*rows):
    return [{"k": k, "v": v, "t": at(t)} for k, v, t in rows]


def events(*rows):
    return [{"k": k, "gap": gap, "t": at(t)} for k, gap, t in rows]


def cases():
    for how in ("inner", "left_outer", "right_outer", "full_outer", "left_semi"):
        select = "select('l.k', 'l.v')" if how == "left_semi" else BOTH
        timed = f"{KEYS} & (F.col('l.t') == F.col('r.t'))"
        steps = [
            {0: keyed(("a", 1, 10), ("b", 2, 11)), 1: keyed(("a", 10, 10), ("c", 12, 11))},
            {0: keyed(("z", 9, 30)), 1: keyed(("z", 19, 30), ("b", 3, 11))},
            {0: keyed(("b", 3, 20), ("d", 4, 21)), 1: keyed(("d", 5, 21))},
            {0: keyed(("y", 9, 60)), 1: keyed(("y", 19, 60))},
        ]
        yield f"J_timekey_{how}", [KEYED] * 2, f"{LEFT}.join({RIGHT}, {timed}, '{how}').{select}", steps
    yield ("J_static_aggregate", [KEYED],
           "s[0].withWatermark('t','10 seconds').join(spark.createDataFrame([('a', 2), ('b', 3)],"
           " ['k', 'f']), 'k').groupBy(F.window('t', '5 seconds')).agg(F.sum(F.col('v') * F.col('f')))",
           [{0: keyed(("a", 1, 1), ("b", 2, 2), ("c", 3, 3))}, {0: keyed(("a", 5, 30))}])
    yield ("J_static_anti", [KEYED],
           "s[0].join(spark.createDataFrame([('a', 2)], ['k', 'f']), 'k', 'left_anti')"
           ".select('k', 'v')",
           [{0: keyed(("a", 1, 1), ("b", 2, 2))}, {0: keyed((None, 5, 30))}])
    yield ("J_then_dedup", [KEYED] * 2,
           f"{LEFT}.join({RIGHT}, {RANGE}).select('l.k', 'l.t').dropDuplicates(['k', 't'])",
           [{0: keyed(("a", 1, 10)), 1: keyed(("a", 2, 11), ("a", 3, 12))},
            {1: keyed(("a", 4, 13))},
            {0: keyed(("z", 1, 60)), 1: keyed(("z", 1, 61))},
            {0: keyed(("z", 1, 62)), 1: keyed(("z", 1, 64))}])
    yield ("J_outer_then_window", [KEYED] * 2,
           f"{LEFT}.join({RIGHT}, {RANGE}, 'left_outer').groupBy(F.window('l.t', '5 seconds'))"
           ".agg(F.count('*').alias('n'), F.count('r.v').alias('m'))",
           [{0: keyed(("a", 1, 10), ("b", 2, 11)), 1: keyed(("a", 2, 11))},
            {0: keyed(("z", 1, 60)), 1: keyed(("z", 1, 61))},
            {0: keyed(("y", 1, 90)), 1: keyed(("y", 1, 91))},
            {0: keyed(("x", 1, 120)), 1: keyed(("x", 1, 121))}])
    yield ("S_session", [EVENTS],
           "s[0].withWatermark('t','10 seconds').groupBy(F.session_window('t', '5 seconds'), 'k')"
           ".agg(F.count('*').alias('n'), F.max('gap').alias('m'))",
           [{0: events(("a", "", 10), ("a", "", 20), ("b", "", 13))},
            {0: events(("a", "x", 15), ("c", "", None))},
            {0: events(("a", "", 40), ("b", "", 26))},
            {0: events(("a", "", 12), ("b", "", 31), ("b", "", 24))},
            {0: events(("z", "", 90))}])
    yield ("S_session_dynamic_gap", [EVENTS],
           "s[0].withWatermark('t','10 seconds').groupBy(F.session_window('t', F.col('gap')), 'k')"
           ".count()",
           [{0: events(("a", "5 seconds", 10), ("a", "20 seconds", 12), ("b", "0 seconds", 13),
                       ("b", "-1 seconds", 14), ("b", None, 15))},
            {0: events(("a", "1 second", 30), ("b", "2 seconds", 20))},
            {0: events(("z", "1 second", 90))}])


def add(folder, number, rows):
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    hidden = folder / f".f{number:05d}"
    hidden.write_text("\n".join(lines) + "\n")
    hidden.rename(folder / f"f{number:05d}.json")


def run(spark, name, schemas, code, steps, scratch):
    folders = [scratch / name / str(i) for i in range(len(schemas))]
    for folder in folders:
        folder.mkdir(parents=True)
    sources = [
        spark.readStream.schema(schema).json(str(folder))
        for schema, folder in zip(schemas, folders)
    ]
    frame = eval(code, {"F": F, "s": sources, "spark": spark, "timedelta": timedelta})
    query = frame.writeStream.format("memory").queryName(name).outputMode("append").start()
    recorded = []
    seen = 0
    reported = 0
    for number, step in enumerate(steps):
        for source, rows in step.items():
            add(folders[source], number, rows)
        query.processAllAvailable()
        rows = [[to_json(value) for value in row] for row in spark.table(name).collect()]
        progress = query.recentProgress
        batches = []
        for entry in progress[reported:]:
            if "addBatch" not in entry["durationMs"]:
                continue
            batches.append({
                "b": entry["batchId"], "inp": entry["numInputRows"],
                "wm": (entry.get("eventTime") or {}).get("watermark"),
                "st": [[op["operatorName"], op["numRowsTotal"], op["numRowsUpdated"],
                        op["numRowsRemoved"], op["numRowsDroppedByWatermark"]]
                       for op in entry["stateOperators"]],
            })
        reported = len(progress)
        recorded.append({"add": step, "new": rows[seen:], "batches": batches})
        seen = len(rows)
    query.stop()
    return {"id": name, "schemas": schemas, "code": code, "mode": "append", "conf": {}, "note": "",
            "steps": recorded, "out_schema": frame.schema.simpleString()}


def main():
    scratch = pathlib.Path(tempfile.mkdtemp())
    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
        # Files added together are seen together.
        .config("spark.sql.streaming.pollingDelay", "1s")
        .config("spark.sql.streaming.checkpointLocation", str(scratch / "checkpoints"))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    results = []
    for case in cases():
        results.append(run(spark, *case, scratch))
        # What is there so far is of use, should a later case fail.
        (FOLDER / "join_cases.json").write_text(json.dumps(results, indent=1) + "\n")
        print("recorded", case[0], flush=True)
    spark.stop()
    shutil.rmtree(scratch)
    print(f"{len(results)} cases recorded")


if __name__ == "__main__":
    main()
