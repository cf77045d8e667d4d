"""Streaming queries of an unmodified PySpark client."""

import json
import os
import queue
import sqlite3
import uuid

import pytest
from pyspark.errors import (
    AnalysisException,
    IllegalArgumentException,
    PySparkException,
    StreamingQueryException,
)
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener

SCHEMA = "k string, v long, t timestamp"


class Files:
    """A folder of JSON files that grows."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self._count = 0

    def add(self, *rows):
        self.add_json([dict(zip("kvt", row)) for row in rows])

    def add_json(self, rows):
        """Texts are written as they are: they may be no JSON."""
        number, self._count = self._count, self._count + 1
        hidden = self.folder / f".{number:05}"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        hidden.write_text("".join(line + "\n" for line in lines))
        os.utime(hidden, (1_700_000_000 + number, 1_700_000_000 + number))
        hidden.rename(self.folder / f"{number:05}.json")


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "in")


@pytest.fixture
def stream(spark, files):
    reader = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", "1")
    return reader.json(str(files.folder))


def name():
    return f"t{uuid.uuid4().hex}"


def test_a_query_from_start_to_stop(spark, stream, files, tmp_path):
    files.add(("a", 1, "2024-01-01T00:00:10"), ("b", 2, "2024-01-01T00:00:11"))
    table = name()
    query = (
        stream.withWatermark("t", "10 seconds").groupBy("k").agg(F.sum("v").alias("s"))
        .writeStream.format("memory").queryName(table).outputMode("complete")
        .option("checkpointLocation", str(tmp_path / "check")).start()
    )  # fmt: skip
    assert query.name == table
    assert spark.streams.get(query.id).runId == query.runId
    assert [one.id for one in spark.streams.active] == [query.id]
    query.processAllAvailable()
    assert sorted(spark.table(table).collect()) == [("a", 1), ("b", 2)]
    files.add(("a", 5, "2024-01-01T00:00:12"))
    query.processAllAvailable()
    assert sorted(spark.table(table).collect()) == [("a", 6), ("b", 2)]
    assert query.isActive
    assert query.awaitTermination(0.01) is False
    progress = query.recentProgress
    assert [one.batchId for one in progress if one.numInputRows != 0][:2] == [0, 1]
    assert query.lastProgress["sink"]["description"] == "MemorySink"
    assert query.lastProgress.eventTime["watermark"].startswith("20")
    query.stop()
    assert query.status["message"] == "Stopped"
    assert not query.isActive
    assert query.exception() is None
    assert query.awaitTermination(10) is True
    assert spark.streams.active == []
    assert spark.streams.get(query.id) is None


def test_triggers(stream, files, tmp_path):
    for i in range(3):
        files.add(("a", i, "2024-01-01T00:00:00"))

    def batches(**trigger):
        query = (
            stream.writeStream.format("noop").trigger(**trigger)
            .option("checkpointLocation", str(tmp_path / name())).start()
        )  # fmt: skip
        assert query.awaitTermination(60) is True
        return [(one.batchId, one.sources[0].numInputRows) for one in query.recentProgress]

    assert batches(availableNow=True) == [(0, 1), (1, 1), (2, 1)]
    assert batches(once=True) == [(0, 3)]
    with pytest.raises(AnalysisException, match="continuous"):
        batches(continuous="1 second")
    with pytest.raises(AnalysisException, match="realTime"):
        batches(realTime="5 minutes")
    with pytest.raises(PySparkException):
        batches(processingTime="nonsense")


def test_rows_in_files_and_tables(spark, stream, files, tmp_path):
    files.add(("a", 1, "2024-01-01T00:00:00"), ("b", 2, "2024-01-01T00:00:00"))
    table = name()
    writers = {
        "path": lambda writer: writer.start(str(tmp_path / "out")),
        "table": lambda writer: writer.toTable(table),
    }
    for kind, start in writers.items():
        query = start(
            stream.writeStream.partitionBy("k").trigger(availableNow=True)
            .option("checkpointLocation", str(tmp_path / kind))
        )  # fmt: skip
        assert query.awaitTermination(60)
    assert sorted(os.listdir(tmp_path / "out"))[-2:] == ["k=a", "k=b"]
    assert spark.read.parquet(str(tmp_path / "out")).count() == 2
    assert sorted(spark.table(table).select("k", "v").collect()) == [("a", 1), ("b", 2)]


def test_what_cannot_be_started(spark, stream, tmp_path):
    with pytest.raises(AnalysisException) as no_checkpoint:
        stream.writeStream.start(str(tmp_path / "x"))
    assert "checkpointLocation must be specified" in str(no_checkpoint.value)
    with pytest.raises(AnalysisException) as no_watermark:
        stream.groupBy("k").count().writeStream.format("noop").start()
    assert no_watermark.value.getCondition() == "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION"
    with pytest.raises(AnalysisException) as batch:
        spark.range(1).writeStream.format("noop").start()
    assert batch.value.getCondition() == "WRITE_STREAM_NOT_ALLOWED"
    with pytest.raises(AnalysisException):
        stream.count()
    with pytest.raises(Exception) as unknown:
        stream.writeStream.format("nothing").start()
    assert "DATA_SOURCE_NOT_FOUND" in str(unknown.value)
    table = name()
    query = stream.writeStream.format("memory").queryName(table).start()
    with pytest.raises(IllegalArgumentException, match="already active"):
        stream.writeStream.format("memory").queryName(table).start()
    query.stop()


def test_a_query_that_fails(spark, stream, files):
    files.add(("a", 1, "2024-01-01T00:00:00"))
    query = stream.select(F.lit(1) / (F.col("v") - 1)).writeStream.format("noop").start()
    with pytest.raises(StreamingQueryException) as failed:
        query.processAllAvailable()
    error = failed.value
    assert error.getCondition() == "STREAM_FAILED"
    assert error.getSqlState() == "XXKST"
    assert error.getMessageParameters()["id"] == query.id
    assert "[DIVIDE_BY_ZERO] Division by zero." in str(error)
    with pytest.raises(StreamingQueryException):
        query.awaitTermination(10)
    text = str(query.exception())  # the cause alone
    assert "[DIVIDE_BY_ZERO] Division by zero." in text and "terminated with" not in text
    assert query.status["message"].startswith("Terminated with exception: [DIVIDE_BY_ZERO]")
    with pytest.raises(StreamingQueryException):
        spark.streams.awaitAnyTermination(10)
    spark.streams.resetTerminated()
    assert spark.streams.awaitAnyTermination(0.01) is False


def test_interrupt_ends_queries(spark, stream):
    query = stream.writeStream.format("noop").start()
    spark.interruptAll()
    assert not query.isActive


def test_explain(stream, capsys):
    query = stream.writeStream.format("noop").start()
    query.explain()
    assert capsys.readouterr().out.startswith("== Physical Plan ==")
    query.stop()


class Recorder(StreamingQueryListener):
    def __init__(self):
        self.events = queue.Queue()

    def onQueryStarted(self, event):
        self.events.put(("started", event))

    def onQueryProgress(self, event):
        self.events.put(("progress", event.progress))

    def onQueryIdle(self, event):
        self.events.put(("idle", event))

    def onQueryTerminated(self, event):
        self.events.put(("terminated", event))


def test_listeners(spark, stream, files):
    recorder = Recorder()
    spark.streams.addListener(recorder)
    files.add(("a", 1, "2024-01-01T00:00:00"))
    failing = stream.select(F.lit(1) / (F.col("v") - 3))
    query = failing.writeStream.format("noop").queryName("q").start()
    kind, started = recorder.events.get(timeout=60)
    assert (kind, str(started.id), str(started.runId), started.name) == (
        "started", query.id, query.runId, "q",
    )  # fmt: skip
    assert started.timestamp.endswith("Z")
    kind, progress = recorder.events.get(timeout=60)
    assert (kind, progress.batchId, progress.numInputRows) == ("progress", 0, 1)
    assert json.loads(progress.json)["sources"][0]["endOffset"] == {"logOffset": 0}
    files.add(("a", 3, "2024-01-01T00:00:00"))
    kind, ended = recorder.events.get(timeout=60)
    assert (kind, str(ended.id)) == ("terminated", query.id)
    assert ended.exception.startswith("org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO")
    assert ended.errorClassOnException == "DIVIDE_BY_ZERO"
    stopped = stream.writeStream.format("noop").start()
    assert recorder.events.get(timeout=60)[0] == "started"
    stopped.stop()
    while (event := recorder.events.get(timeout=60))[0] != "terminated":
        pass
    assert (event[1].exception, event[1].errorClassOnException) == (None, None)
    spark.streams.removeListener(recorder)
    # The long command that carries the events has ended: the session has no running operation.
    states = spark.client._get_operation_statuses().operation_statuses
    assert states and all("RUNNING" not in str(one) for one in states)


def test_foreach_batch_writes_to_a_database(stream, files, tmp_path):
    files.add(("a", 1, "2024-01-01T00:00:00"), ("b", 2, "2024-01-01T00:00:00"))
    files.add(("c", 3, "2024-01-01T00:00:00"))
    database = str(tmp_path / "db.sqlite")
    with sqlite3.connect(database) as connection:
        connection.execute("create table orders (batch int, k text, v int)")

    def save(frame, number):
        import sqlite3

        assert not frame.isStreaming
        rows = [(number, row.k, row.v) for row in frame.select("k", "v").collect()]
        with sqlite3.connect(database) as connection:
            connection.executemany("insert into orders values (?, ?, ?)", rows)
        frame.sparkSession.range(1).count()  # the session is there as well

    query = stream.writeStream.foreachBatch(save).trigger(availableNow=True).start()
    assert query.awaitTermination(120) is True
    assert query.lastProgress["sink"]["description"] == "ForeachBatchSink"
    with sqlite3.connect(database) as connection:
        assert connection.execute("select * from orders order by k").fetchall() == [
            (0, "a", 1), (0, "b", 2), (1, "c", 3),
        ]  # fmt: skip


def test_foreach_batch_that_fails(stream, files, spark):
    files.add(("a", 1, "2024-01-01T00:00:00"))

    def fail(frame, number):
        raise ValueError(f"no batch {number}")

    query = stream.writeStream.foreachBatch(fail).start()
    with pytest.raises(StreamingQueryException) as failed:
        query.awaitTermination(120)
    text = str(failed.value)
    assert f"[PYTHON_EXCEPTION] [session: {spark.session_id}]" in text
    assert "Found error inside foreachBatch Python process: Traceback" in text
    assert "ValueError: no batch 0" in text


def test_stopping_ends_a_function_that_hangs(stream, files, tmp_path):
    files.add(("a", 1, "2024-01-01T00:00:00"))
    entered = tmp_path / "entered"

    def hang(frame, number):
        import pathlib
        import threading

        pathlib.Path(entered).touch()
        threading.Event().wait()

    query = stream.writeStream.foreachBatch(hang).start()
    while not entered.exists():
        assert query.isActive
    query.stop()
    assert not query.isActive


def test_foreach(stream, files, tmp_path):
    files.add(("a", 1, "2024-01-01T00:00:00"), ("b", 2, "2024-01-01T00:00:00"))
    files.add(("c", 3, "2024-01-01T00:00:00"))
    log = tmp_path / "log"

    class Writer:
        def open(self, partition, epoch):
            self.file = open(log, "a")
            self.file.write(f"open {partition} {epoch}\n")
            return True

        def process(self, row):
            self.file.write(f"{row.k} {row.v}\n")

        def close(self, error):
            self.file.write(f"close {error}\n")
            self.file.close()

    query = stream.writeStream.foreach(Writer()).trigger(availableNow=True).start()
    assert query.awaitTermination(120) is True
    assert log.read_text().splitlines() == [
        "open 0 0", "a 1", "b 2", "close None", "open 0 1", "c 3", "close None",
    ]  # fmt: skip

    def process(row):
        raise ValueError(row.k)

    query = stream.writeStream.foreach(process).start()
    with pytest.raises(StreamingQueryException, match="ValueError: a"):
        query.awaitTermination(120)
