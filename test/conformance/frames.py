"""The frames and helpers that cases use by name."""

import contextlib
import datetime
import decimal
import io
import json
import os
import pathlib
import re
import threading
import uuid

from pyspark.sql import Row, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.streaming import StreamingQueryListener

NAN, INF = float("nan"), float("inf")
D = decimal.Decimal
DATE, TIME = datetime.date, datetime.datetime

ROWS = {
    "nums": (
        "i int, j int, l bigint, d double, f float, dec decimal(10,2), big decimal(38,18), b boolean",
        [
            (1, 2, 10, 1.5, 0.5, D("1.25"), D("1.000000000000000001"), True),
            (-7, 3, -20, -2.5, -1.5, D("-7.50"), D("-99999999999999999999.5"), False),
            (0, 1, 0, 0.0, 0.0, D("0.00"), D("0"), True),
            (42, -5, 1 << 40, -0.0, -0.0, D("42.42"), D("12345678901234567890.123456789012345678"), None),
            (100, 7, 7, NAN, NAN, D("99999999.99"), D("0.5"), False),
            (5, None, None, INF, -INF, None, None, True),
            (None, 4, 4, None, None, D("0.01"), D("-0.000000000000000001"), None),
        ],
    ),
    "limits": (
        "y tinyint, h smallint, i int, l bigint, f float, d double, dec decimal(38,0), day date,"
        "at timestamp, ntz timestamp_ntz",
        [
            (-128, -(2**15), -(2**31), -(2**63), -3.4028234663852886e38, -1.7976931348623157e308,
             D("-99999999999999999999999999999999999999"), DATE(1, 1, 1), TIME(2, 1, 1),
             TIME(1, 1, 1)),
            (127, 2**15 - 1, 2**31 - 1, 2**63 - 1, 3.4028234663852886e38, 1.7976931348623157e308,
             D("99999999999999999999999999999999999999"), DATE(9999, 12, 31),
             TIME(9999, 12, 31, 23, 59, 59, 999999), TIME(9999, 12, 31, 23, 59, 59, 999999)),
            (0, 0, 0, 0, 1.401298464324817e-45, 5e-324, D("0"), DATE(1970, 1, 1),
             TIME(1969, 12, 31, 23, 59, 59, 999999), TIME(1970, 1, 1)),
            (None,) * 10,
        ],
    ),
    "texts": (
        "s string, t string, k int, raw binary",
        [
            ("Spark SQL", "a", 1, b"Spark"),
            ("", "", 0, b""),
            ("  two  words ", "wo", 3, b"\x00\xff\x80"),
            ("Straße ÄÖ ǅ", "ß", 2, "日本".encode()),
            ("日本語😀é", "語", -2, b"\xf0\x9f\x98\x80"),
            ("a,b;c,,d", ",", 10, b"a,b"),
            ("İstanbul ﬁn", "i", 4, b"x"),
            (None, "x", 1, None),
            ("x", None, None, b"\n\t"),
        ],
    ),
    "words": (
        "v string",
        [("12",), (" -7 ",), ("3.50",), ("1e3",), ("true",), ("2024-02-29",),
         ("2024-03-10 02:30:00",), ("NaN",), ("",), ("abc",), ("9223372036854775808",), (None,)],
    ),
    "times": (
        "day date, at timestamp, ntz timestamp_ntz, n int, us bigint",
        [
            (DATE(2024, 2, 29), TIME(2024, 2, 29, 12, 34, 56, 789012), TIME(2024, 2, 29, 12, 34, 56, 789012), 1, 1709210096789012),
            (DATE(2024, 3, 10), TIME(2024, 3, 10, 7, 30), TIME(2024, 3, 10, 2, 30), 12, 0),
            (DATE(2024, 11, 3), TIME(2024, 11, 3, 5, 30), TIME(2024, 11, 3, 1, 30), -1, -1),
            (DATE(2023, 12, 31), TIME(2024, 11, 3, 6, 30), TIME(2023, 12, 31, 23, 59, 59, 999999), 0, 1000),
            (DATE(1900, 1, 1), TIME(1900, 1, 1), TIME(1900, 1, 1), -13, -2208988800000000),
            (DATE(1582, 10, 4), TIME(1582, 10, 15), TIME(1582, 10, 4), 24, 253402300799999999),
            (DATE(1970, 1, 1), TIME(1970, 1, 1), None, None, None),
            (None, None, TIME(2000, 1, 1), 3, 5),
        ],
    ),
    "arrays": (
        "xs array<int>, ys array<int>, ss array<string>, ds array<double>, nested array<array<int>>, n int",
        [
            ([1, 2, 3], [3, 4], ["a", "b", "a"], [1.0, NAN, 0.0], [[1, 2], [3]], 1),
            ([], [1], [], [], [], 0),
            ([3, None, 1, 3], [None, 3], [None, "z", ""], [-0.0, 0.0, None], [[1], None], -1),
            ([5], [], ["日本", "é"], [NAN, NAN, INF], [[], [None]], 2),
            (None, [1, 2], None, None, None, 1),
            ([7, 8, 9], None, ["q"], [2.5], [[4]], None),
        ],
    ),
    "maps": (
        "m map<string,int>, o map<string,int>, k string, im map<int,string>",
        [
            ({"a": 1, "b": None}, {"c": 3}, "a", {1: "x", 2: "y"}),
            ({}, {"a": 1}, "zz", {}),
            ({"é": 5, "": 6}, {}, "", {-1: None}),
            (None, {"b": 2}, "b", None),
            ({"k": 9}, None, None, {7: "seven"}),
        ],
    ),
    "structs": (
        "id int, st struct<a:int,b:string,c:struct<x:double,y:array<int>>>, sa array<struct<a:int,b:string>>",
        [
            (1, (1, "x", (1.5, [1, 2])), [(1, "p"), (2, None)]),
            (2, (None, None, None), []),
            (3, None, None),
            (4, (4, "日本", (NAN, None)), [(None, "q"), None]),
        ],
    ),
    "docs": (
        "js string",
        [
            ('{"a":1,"b":"x","c":[1,2,{"d":null}],"e":{"f":1.50}}',),
            ('[1,"two",null,true,[3]]',),
            ('{"a":null,"b":"日本\\u00e9","dup":1,"dup":2}',),
            ('{"a":"1","t":"2024-03-10T02:30:00","big":12345678901234567890}',),
            ("{bad json",), ("",), ("null",), ('"text"',), (None,),
        ],
    ),
    "sales": (
        "g string, x int, y double, dec decimal(12,2), s string, b boolean, day date",
        [
            ("a", 1, 10.0, D("1.10"), "u", True, DATE(2024, 1, 1)),
            ("a", 2, 20.5, D("2.20"), "v", False, DATE(2024, 1, 2)),
            ("a", 2, -5.0, None, "u", None, None),
            ("b", 3, NAN, D("9999999999.99"), "w", True, DATE(2023, 12, 31)),
            ("b", None, 1.5, D("-0.01"), None, True, DATE(2024, 2, 29)),
            ("b", 7, -0.0, D("3.00"), "日本", True, DATE(2024, 1, 1)),
            ("c", None, None, None, None, None, None),
            (None, 8, 0.25, D("0.00"), "u", False, DATE(1970, 1, 1)),
            (None, -4, 3.0, D("5.55"), "", True, DATE(9999, 12, 31)),
        ],
    ),
    "left": ("k int, v string", [(1, "x"), (2, "y"), (2, "z"), (None, "n"), (5, None)]),
    "right": ("k int, w double", [(1, 0.5), (2, NAN), (3, -0.0), (2, 7.0), (None, 1.0)]),
}  # fmt: skip


class Scratch:
    """A folder of the case's own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def __call__(self, name="out"):
        return str(self.folder / name)

    def file(self, name, text):
        """Writes a file; its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def written(self, frame_writer, *how, name="out"):
        """Calls frame_writer(path); the names of what is there, without the unique parts."""
        frame_writer(self(name))
        top = self.folder / name
        found = {p.parent.relative_to(top) / p.name.split("-")[0] for p in top.rglob("*") if p.is_file()}
        return sorted(str(one) for one in found if not one.name.startswith("."))


def printed(show, *arguments, **options):
    """What a call prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        show(*arguments, **options)
    return out.getvalue()


class Streams:
    """Streaming queries over files that are written one by one."""

    def __init__(self, spark, folder):
        self.spark, self.folder = spark, pathlib.Path(folder)
        self.count = 0

    def add(self, source, rows):
        """One more file of JSON lines in the source's folder."""
        folder = self.folder / source
        folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        hidden = folder / f".{self.count:05}"
        hidden.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.utime(hidden, (1_700_000_000 + self.count,) * 2)
        hidden.rename(folder / f"{self.count:05}.json")

    def source(self, name="in", schema="k string, v int, t timestamp", **options):
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        reader = self.spark.readStream.schema(schema).options(**options)
        return reader.json(str(self.folder / name))

    def run(self, build, mode, *steps, sources=1, **options):
        """Runs build(stream, …) into a memory table; the new rows after each step.

        A step is the rows of one file (k, v, t), or {source number: rows}.
        """
        with self._query(build, mode, sources, options) as (query, table):
            results = []
            for step in steps:
                before = 0 if mode == "complete" else self.spark.table(table).count()
                self._take(query, step)
                results.append(sorted(map(str, self.spark.table(table).collect()[before:])))
            return results

    def progress(self, build, mode, *steps, sources=1, **options):
        """Like run, but what each batch reports of itself: its number, watermark and, of each state
        operator, the name and the rows in all, updated, removed and dropped.
        """
        with self._query(build, mode, sources, options) as (query, _):
            for step in steps:
                self._take(query, step)
            return [
                [one.batchId, one.eventTime.get("watermark"), [
                    [state.operatorName, state.numRowsTotal, state.numRowsUpdated,
                     state.numRowsRemoved, state.numRowsDroppedByWatermark]
                    for state in one.stateOperators
                ]]
                for one in query.recentProgress if "addBatch" in one.durationMs
            ]  # fmt: skip

    def told(self, build, mode, *steps):
        """Like run, but what a listener hears: starts, batches with rows, ends."""
        heard = Listener()
        self.spark.streams.addListener(heard)
        try:
            with self._query(build, mode, 1, {}) as (query, _):
                with contextlib.suppress(Exception):  # that is told as well
                    for step in steps:
                        self._take(query, step)
                query.stop()
                assert heard.ended.wait(60), heard.events
            return heard.events
        finally:
            self.spark.streams.removeListener(heard)

    @contextlib.contextmanager
    def _query(self, build, mode, sources, options):
        table = f"t{uuid.uuid4().hex}"
        inputs = [self.source(f"in{i}") for i in range(sources)]
        query = (
            build(*inputs).writeStream.format("memory").queryName(table).outputMode(mode)
            .option("checkpointLocation", str(self.folder / "check")).options(**options).start()
        )  # fmt: skip
        try:
            yield query, table
        finally:
            query.stop()

    def _take(self, query, step):
        for i, rows in (step if isinstance(step, dict) else {0: step}).items():
            self.add(f"in{i}", [dict(zip("kvt", row)) for row in rows])
        query.processAllAvailable()

    def finish(self, writer, *steps, then):
        """Runs a query over what is there to its end, once after each step; then()."""
        for rows in steps:
            self.add("in", [dict(zip("kvt", row)) for row in rows])
            query = writer().option("checkpointLocation", str(self.folder / "check")).start()
            query.awaitTermination()
            if query.exception():
                raise query.exception()
        return then()


class Listener(StreamingQueryListener):
    """Keeps what it is told, but for times, names and what depends on them."""

    def __init__(self):
        self.events, self.ended = [], threading.Event()

    def onQueryStarted(self, event):
        self.events.append("started")

    def onQueryProgress(self, event):
        if event.progress.numInputRows > 0:
            self.events.append(["progress", event.progress.batchId, event.progress.numInputRows])

    def onQueryIdle(self, event):
        pass

    def onQueryTerminated(self, event):
        self.events.append(["terminated", event.exception is None, event.errorClassOnException])
        self.ended.set()


class Views:
    """Temporary views of the frames, made when a case first names them."""

    def __init__(self, frames):
        self._missing = dict(frames)

    def make_for(self, code):
        for name in [name for name in self._missing if re.search(rf"\b{name}\b", code)]:
            self._missing.pop(name).createOrReplaceTempView(name)


def make(url):
    """Name -> what it means to a case, in a new session."""
    spark = SparkSession.builder.remote(f"{url}/;session_id={uuid.uuid4()}").create()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    frames = {name: spark.createDataFrame(rows, schema) for name, (schema, rows) in ROWS.items()}
    frames["empty"] = spark.createDataFrame([], ROWS["sales"][0])
    frames["one"] = spark.range(1)
    modules = {"datetime": datetime, "decimal": decimal, "uuid": uuid}
    return {
        **frames, **modules, "views": Views(frames), "spark": spark, "F": F, "W": Window, "T": T, "Row": Row, "D": D,
        "NAN": NAN, "INF": INF, "printed": printed,
    }  # fmt: skip
