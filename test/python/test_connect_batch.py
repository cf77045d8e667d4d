"""Batch DataFrames of an unmodified PySpark client."""

import datetime
import decimal
import math

import pandas
import pyarrow
import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import Row
from pyspark.sql import functions as F

ROWS = [(1, "a", 1.5), (2, None, math.nan), (None, "c", None)]
SCHEMA = "i int, s string, d double"


@pytest.fixture
def rows(spark):
    return spark.createDataFrame(ROWS, SCHEMA)


def test_version_schema_and_show(spark, capsys):
    assert spark.version == "4.2.0"
    frame = spark.range(2)
    assert frame.schema.simpleString() == "struct<id:bigint>"
    assert not frame.schema["id"].nullable
    frame.show()
    assert capsys.readouterr().out == "+---+\n| id|\n+---+\n|  0|\n|  1|\n+---+\n\n"
    frame.printSchema()
    assert capsys.readouterr().out == "root\n |-- id: long (nullable = false)\n\n"


def test_all_types_come_back_as_they_went(spark):
    row = Row(
        b=True, y=-128, h=32767, i=2**31 - 1, l=-(2**63), f=0.5, d=-0.0, s="日本\x00", n=None,
        raw=b"\x00\xff", day=datetime.date(1, 1, 1),
        at=datetime.datetime(2024, 3, 10, 2, 30, 0, 123456),
        ntz=datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
        dec=decimal.Decimal("-12345678901234567890.12345678"),
        arr=[1, None, 3], map={"k": 1.5}, nested=Row(x=[Row(y="z")]),
    )  # fmt: skip
    schema = (
        "b boolean, y tinyint, h smallint, i int, l bigint, f float, d double, s string, n void,"
        "raw binary, day date, at timestamp, ntz timestamp_ntz, dec decimal(38,8), arr array<int>,"
        "map map<string,double>, nested struct<x:array<struct<y:string>>>"
    )
    assert spark.createDataFrame([row], schema).collect() == [row]


def test_pandas_and_arrow_both_ways(spark):
    given = pandas.DataFrame({"k": ["a", "b", None], "v": [1.0, None, 3.0]})
    frame = spark.createDataFrame(given)
    assert frame.count() == 3
    assert frame.toPandas()["k"].tolist()[:2] == ["a", "b"]
    table = pyarrow.table({"x": pyarrow.array([1, 2, None], pyarrow.int32())})
    back = spark.createDataFrame(table).toArrow()
    assert back.to_pydict() == {"x": [1, 2, None]}
    assert back.schema.field("x").type == pyarrow.int32()


@pytest.mark.parametrize("count", [20_001, 60_000])
def test_large_local_rows_are_uploaded_in_chunks(spark, count):
    frame = spark.createDataFrame([(i, "x" * 60) for i in range(count)], "a long, b string")
    assert frame.agg(F.sum("a"), F.count("b")).collect() == [(count * (count - 1) // 2, count)]


def test_results_come_in_batches_of_at_most_ten_thousand(spark):
    batches = spark.range(25_000).toArrow().column("id").chunks
    assert [len(batch) for batch in batches] == [10_000, 10_000, 5_000]
    assert spark.range(0).toPandas().shape == (0, 1)


def test_everyday_relations(rows, spark):
    assert rows.dropna().collect() == [(1, "a", 1.5)]
    assert rows.dropna(how="all", subset=["s"]).count() == 2
    assert rows.dropna(thresh=2).count() == 1
    assert rows.fillna(0).collect() == [(1, "a", 1.5), (2, None, 0.0), (0, "c", 0.0)]
    assert rows.fillna({"s": "?", "i": 9}).select("i", "s").collect() == [
        (1, "a"), (2, "?"), (9, "c"),
    ]  # fmt: skip
    assert rows.replace("a", "z", "s").select("s").collect() == [("z",), (None,), ("c",)]
    assert rows.select("i").replace([1, 2], [10, 20]).collect() == [(10,), (20,), (None,)]
    two = spark.createDataFrame([(1,), (1,), (2,), (None,)], "x int")
    three = spark.createDataFrame([(1,), (None,), (3,)], "x int")
    in_order = lambda frame: sorted(frame.collect(), key=str)  # noqa: E731
    assert in_order(two.intersect(three)) == [(1,), (None,)]
    assert in_order(two.subtract(three)) == [(2,)]
    assert two.union(three).distinct().count() == 4
    assert two.unionByName(three.withColumnRenamed("x", "X")).count() == 7
    assert rows.drop("d", "none").columns == ["i", "s"]
    assert rows.toDF("a", "b", "c").columns == ["a", "b", "c"]
    assert spark.range(10).tail(3) == [(7,), (8,), (9,)]
    assert spark.range(10).offset(8).collect() == [(8,), (9,)]
    assert spark.range(3).repartition(2).hint("broadcast").coalesce(1).count() == 3
    assert rows.orderBy(F.desc("i")).select("i").collect() == [(2,), (1,), (None,)]
    assert rows.to(rows.select("s", "i").schema).columns == ["s", "i"]
    assert rows.first() == (1, "a", 1.5)
    assert rows.isEmpty() is False


def test_describe(spark):
    frame = spark.createDataFrame([(1, "a"), (3, "b")], "n int, s string")
    assert frame.describe().collect() == [
        ("count", "2", "2"), ("mean", "2.0", None), ("stddev", "1.4142135623730951", None),
        ("min", "1", "a"), ("max", "3", "b"),
    ]  # fmt: skip
    assert frame.summary("count", "max").collect() == [("count", "2", "2"), ("max", "3", "b")]
    assert frame.summary("50%", "75%").collect() == [("50%", "1", None), ("75%", "3", None)]
    with pytest.raises(AnalysisException, match="count_distinct"):
        frame.summary("count_distinct").collect()


@pytest.mark.parametrize("format", ["parquet", "json", "csv"])
def test_files_are_written_in_each_mode_and_read(spark, tmp_path, format):
    path = str(tmp_path / "out")
    frame = spark.createDataFrame([(1, "a"), (2, "b")], "i int, s string")
    frame.write.format(format).save(path)
    read = spark.read.schema("i int, s string").format(format)
    with pytest.raises(AnalysisException) as refused:
        frame.write.format(format).save(path)
    assert refused.value.getCondition() == "PATH_ALREADY_EXISTS"
    frame.write.format(format).mode("ignore").save(path)
    assert read.load(path).count() == 2
    frame.write.format(format).mode("append").save(path)
    assert read.load(path).count() == 4
    frame.write.format(format).mode("overwrite").save(path)
    assert sorted(read.load(path).collect()) == [(1, "a"), (2, "b")]
    files = read.load(path).inputFiles()
    assert files and all(one.startswith(f"file://{path}/part-") for one in files)


def test_saved_tables(spark):
    name = f"t_{spark.session_id.replace('-', '')}"
    spark.range(3).write.saveAsTable(name)
    assert spark.table(name).count() == 3
    spark.range(2).write.insertInto(name)
    assert spark.read.table(f"default.{name}").count() == 5
    with pytest.raises(AnalysisException) as missing:
        spark.table("no_such_table").count()
    assert missing.value.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"


def test_views_belong_to_their_session(spark, server):
    from pyspark.sql import SparkSession

    spark.range(3).createOrReplaceTempView("mine")
    assert spark.table("mine").count() == 3
    with pytest.raises(AnalysisException) as twice:
        spark.range(1).createTempView("mine")
    assert twice.value.getCondition() == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    other = SparkSession.builder.remote(server.url).create()
    try:
        with pytest.raises(AnalysisException):
            other.table("mine").count()
    finally:
        other.stop()


def test_what_is_asked_about_plans(spark, rows, capsys):
    assert rows.isLocal() is True
    assert rows.isStreaming is False
    assert rows.select("i").sameSemantics(rows.select("i")) is True
    assert rows.select("i").sameSemantics(rows.select("s")) is False
    assert rows.select("i").semanticHash() == rows.select("i").semanticHash()
    rows.filter("i" == "i" and F.col("i") > 1).explain()
    assert capsys.readouterr().out.startswith("== Physical Plan ==\n")
    rows.explain(extended=True)
    shown = capsys.readouterr().out
    for title in ["Parsed Logical", "Analyzed Logical", "Optimized Logical", "Physical"]:
        assert f"== {title} Plan ==" in shown
    nested = spark.createDataFrame([], "a struct<b:struct<c:int>>")
    nested.printSchema(1)
    assert capsys.readouterr().out == "root\n |-- a: struct (nullable = true)\n\n"
    assert rows.storageLevel.useMemory is False
    rows.persist()
    assert rows.storageLevel.useMemory is True
    rows.unpersist()
    assert rows.storageLevel.useMemory is False


def test_settings(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.streaming.noDataProgressEventInterval") == "10000ms"
    spark.conf.set("spark.foo.bar", "baz")
    assert spark.conf.get("spark.foo.bar") == "baz"
    spark.conf.unset("spark.foo.bar")
    assert spark.conf.get("spark.foo.bar", "none") == "none"
    with pytest.raises(Exception) as unknown:
        spark.conf.get("nope.key")
    assert type(unknown.value).__name__ == "SparkNoSuchElementException"
    assert str(unknown.value).splitlines()[0] == (
        '[SQL_CONF_NOT_FOUND] The SQL config "nope.key" cannot be found. Please verify that the '
        "config exists. SQLSTATE: 42K0I"
    )
    for key, condition in [
        ("spark.executor.memory", "CANNOT_MODIFY_CONFIG"),
        ("spark.sql.warehouse.dir", "CANNOT_MODIFY_STATIC_CONFIG"),
    ]:
        assert spark.conf.isModifiable(key) is False
        with pytest.raises(AnalysisException) as fixed:
            spark.conf.set(key, "1g")
        assert fixed.value.getCondition() == condition
        assert fixed.value.getSqlState() == "46110"


def test_errors_are_sparks(spark, rows):
    with pytest.raises(AnalysisException) as unresolved:
        rows.select("nope").collect()
    error = unresolved.value
    assert error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert error.getSqlState() == "42703"
    assert error.getMessageParameters()["objectName"] == "`nope`"
    assert "stacktrace" not in str(error).lower()
    with pytest.raises(AnalysisException) as unsupported:
        rows.sample(0.5).collect()
    assert unsupported.value.getCondition().startswith("UNSUPPORTED_FEATURE")
    assert "sample" in str(unsupported.value)
    with pytest.raises(IllegalArgumentException):
        spark.range(0, 1, 0).collect()
    long_name = "長" * 5_000  # longer than fits into a header
    with pytest.raises(AnalysisException) as long:
        rows.select(long_name).collect()
    assert long_name in str(long.value)


def test_deep_plans(spark):
    frame = spark.range(1)
    for i in range(150):
        frame = frame.withColumn(f"c{i}", F.lit(i))
    assert len(frame.collect()[0]) == 151
    for i in range(500):
        frame = frame.filter(F.col("id") >= 0)
    with pytest.raises(Exception):  # refused by the client's own limit or by the server's
        for _ in range(3):
            frame = frame.union(frame)
            for _ in range(200):
                frame = frame.filter(F.col("id") >= 0)
        frame.count()
    assert spark.range(2).count() == 2


def test_functions_of_lambdas(spark):
    frame = spark.createDataFrame(
        [(1, [3, 1, None], {"a": 1}), (2, [], {"b": 2, "c": 3}), (3, None, None)],
        "k int, xs array<int>, m map<string,int>",
    )
    arrays = frame.select(
        F.transform("xs", lambda x: x * F.col("k")).alias("times"),
        F.transform("xs", lambda x, i: i).alias("places"),
        F.filter("xs", lambda x: x.isNotNull()).alias("there"),
        F.exists("xs", lambda x: x > 2).alias("some"),
        F.forall("xs", lambda x: x > 0).alias("all"),
        F.aggregate(
            "xs", F.lit(0), lambda acc, x: acc + F.coalesce(x, F.lit(0)), lambda acc: acc * F.col("k")
        ).alias("sum"),
        F.zip_with("xs", F.array(F.lit(10)), lambda x, y: x + y).alias("zipped"),
        F.array_sort("xs", lambda x, y: F.coalesce(y, F.lit(9)) - F.coalesce(x, F.lit(9))).alias("down"),
    )
    assert [tuple(row) for row in arrays.collect()] == [
        ([3, 1, None], [0, 1, 2], [3, 1], True, None, 4, [13, None, None], [None, 3, 1]),
        ([], [], [], False, True, 0, [None], []),
        (None, None, None, None, None, None, None, None),
    ]
    maps = frame.select(
        F.transform_keys("m", lambda k, v: F.concat(k, v)).alias("keys"),
        F.transform_values("m", lambda k, v: v + F.col("k")).alias("values"),
        F.map_filter("m", lambda k, v: v > 2).alias("some"),
        F.map_zip_with("m", "m", lambda k, v, w: v * w).alias("squares"),
    )
    assert [tuple(row) for row in maps.collect()] == [
        ({"a1": 1}, {"a": 2}, {}, {"a": 1}),
        ({"b2": 2, "c3": 3}, {"b": 4, "c": 5}, {"c": 3}, {"b": 4, "c": 9}),
        (None, None, None, None),
    ]
    nested = frame.select(F.transform("xs", lambda x: F.transform("xs", lambda y: x + y)).alias("n"))
    assert nested.first().n[0] == [6, 4, None]
