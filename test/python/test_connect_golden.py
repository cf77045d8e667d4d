"""The recorded streaming and from_json cases of a real Spark 4.2, through its own client."""

import datetime
import decimal
import json
import math
import pathlib
import uuid
from datetime import timedelta

import pytest
from conformance.answers import describe
from pyspark.sql import Row
from pyspark.sql import functions as F
from test_connect_streaming import Files

ROOT = pathlib.Path(__file__).parent.parent.parent
GOLDEN = ROOT / "test" / "golden"


def cases(name):
    return [
        pytest.param(case, id=case["id"]) for case in json.loads((GOLDEN / name).read_text())
    ]


def plain(value):
    """A value as the recordings write it."""
    if isinstance(value, Row):
        return {key: plain(one) for key, one in value.asDict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return f"D{value}"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def in_any_order(rows):
    return sorted(json.dumps(row) for row in rows)


def wide_enough(spark, case):
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", "1000")
    for key, value in case["conf"].items():
        spark.conf.set(key, value)


def build(spark, case, sources):
    names = {"F": F, "s": sources, "s0": sources[0], "spark": spark, "timedelta": timedelta}
    return eval(case["code"], names)


def batches_of(query):
    """Batch -> rows read, watermark, state, of those that ran."""
    found = {}
    for progress in query.recentProgress:
        if "addBatch" not in progress.durationMs:
            continue
        state = [
            [one.operatorName, one.numRowsTotal, one.numRowsUpdated, one.numRowsRemoved,
             one.numRowsDroppedByWatermark]
            for one in progress.stateOperators
        ]  # fmt: skip
        rows = sum(source.numInputRows for source in progress.sources)
        found[progress.batchId] = (rows, progress.eventTime.get("watermark"), state)
    return found


@pytest.mark.parametrize("case", cases("streaming_cases.json") + cases("join_cases.json"))
def test_streaming(spark, tmp_path, case):
    wide_enough(spark, case)
    files = [Files(tmp_path / f"in{i}") for i in range(len(case["schemas"]))]
    sources = [
        spark.readStream.schema(schema).json(str(one.folder))
        for one, schema in zip(files, case["schemas"])
    ]
    table = f"t{uuid.uuid4().hex}"
    error = case.get("error", ["", ""])[1]
    error = error.partition("terminated with exception: ")[2].partition(" SQLSTATE")[0]
    query = None
    try:
        frame = build(spark, case, sources)
        assert frame.schema.simpleString() == case["out_schema"]
        query = (
            frame.writeStream.format("memory").queryName(table).outputMode(case["mode"])
            .option("checkpointLocation", str(tmp_path / "check")).start()
        )  # fmt: skip
        expected = {}
        for step in case["steps"]:
            before = 0 if case["mode"] == "complete" else spark.table(table).count()
            for index, rows in step["add"].items():
                if rows:
                    files[int(index)].add_json(rows)
            query.processAllAvailable()
            got = [plain(list(row)) for row in spark.table(table).collect()[before:]]
            if "orderBy" in case["code"]:
                assert got == step["new"]
            else:
                assert in_any_order(got) == in_any_order(step["new"])
            for batch in step["batches"]:
                if batch["inp"] or batch["st"]:
                    expected[batch["b"]] = (batch["inp"], batch["wm"], batch["st"])
        if len(files) == 1:  # with several, it is chance which files a batch finds
            assert batches_of(query) == expected
        else:
            assert batches_of(query).popitem()[1][1:] == expected.popitem()[1][1:]
        if error:
            for index, rows in case["failing_step"].items():
                files[int(index)].add_json(rows)
            query.processAllAvailable()
            pytest.fail("the query should have failed")
    except Exception as failure:
        if not error:
            raise
        assert error in str(failure)
    finally:
        if query is not None:
            query.stop()


@pytest.mark.parametrize("case", cases("back_to_back_cases.json"))
def test_back_to_back(spark, tmp_path, case):
    wide_enough(spark, case)
    files = Files(tmp_path / "in")
    for rows in case["files"]:
        files.add_json(rows)
    source = (
        spark.readStream.schema("v long, t timestamp").option("maxFilesPerTrigger", 1)
        .json(str(files.folder)).withWatermark("t", "10 seconds")
    )  # fmt: skip
    table = f"t{uuid.uuid4().hex}"
    query = (
        build(spark, case, [source]).writeStream.format("memory").queryName(table)
        .outputMode(case["mode"]).trigger(availableNow=True)
        .option("checkpointLocation", str(tmp_path / "check")).start()
    )  # fmt: skip
    assert query.awaitTermination(60) is True
    got = [plain(list(row)) for row in spark.table(table).collect()]
    assert in_any_order(got) == in_any_order(case["rows"])
    assert batches_of(query) == {
        number: (rows, f"1970-01-01T00:{watermark}.000Z", state)
        for number, rows, watermark, state in case["batches"]
    }


def test_from_json(spark):
    """All cases of one schema, options and settings in one query."""
    recorded = json.loads(
        (ROOT / "src" / "expr" / "testdata" / "from_json_cases.json").read_text()
    )
    assert len(recorded) == 190
    today = str(datetime.datetime.now(datetime.timezone.utc).date())
    differences = []
    for case in recorded:
        for key, value in {"spark.sql.session.timeZone": "UTC", **case["conf"]}.items():
            spark.conf.set(key, value)
        frame = spark.createDataFrame([(case["input"],)], "value string")
        decoded = F.from_json("value", case["schema"], case["opts"] or None)
        kind = ""
        try:
            kind = describe(frame.select(decoded.alias("d")).schema)
            ((row, text),) = (
                frame.select(decoded.alias("d"))
                .select(F.col("d").cast("string"), F.to_json(F.struct("d"))).collect()
            )  # fmt: skip
        except Exception as failure:
            first_line = str(failure).partition("\n")[0]
            row, text = "ERROR", f"{type(failure).__name__}: {first_line}"[: len(case["json"])]
            kind = case["type"]  # whether the error comes before the first row is no matter
        if "T00:00:01" in case["input"] and case["input"].startswith('{"a":"T'):
            row = row.replace(today, "2026-11-22")  # a time without a date means today
            text = text.replace(today, "2026-11-22")
        if (kind, row, text) != (case["type"], case["row"], case["json"]):
            differences.append((case, kind, row, text))
    assert differences == []
