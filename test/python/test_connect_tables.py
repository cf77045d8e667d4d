"""Tables, databases and views by name, through spark.sql, saveAsTable, writeTo and spark.catalog."""

import uuid

import pytest
from conftest import running_server
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession


@pytest.fixture
def name():
    """A table name of the test's own."""
    return f"t_{uuid.uuid4().hex}"


def rows(frame):
    return sorted([tuple(row) for row in frame.collect()], key=str)


def condition(call):
    with pytest.raises(AnalysisException) as caught:
        call()
    return caught.value.getCondition()


def test_a_table_is_there_for_other_sessions_and_after_a_restart(tmp_path, name):
    with running_server(cwd=tmp_path) as server:
        spark = SparkSession.builder.remote(server.url).create()
        spark.sql(f"CREATE TABLE {name} (a INT, b STRING) USING json PARTITIONED BY (b)")
        spark.sql(f"INSERT INTO {name} VALUES (1, 'x'), (2, NULL)")
        other = SparkSession.builder.remote(f"{server.url}/;session_id={uuid.uuid4()}").create()
        assert rows(other.table(name)) == [(1, "x"), (2, None)]
        other.stop()
        spark.stop()
        assert server.stop() == 0
    with running_server(cwd=tmp_path) as server:
        spark = SparkSession.builder.remote(server.url).create()
        assert rows(spark.sql(f"SELECT * FROM {name}")) == [(1, "x"), (2, None)]
        spark.sql(f"DROP TABLE {name}")
        assert condition(lambda: spark.table(name).count()) == "TABLE_OR_VIEW_NOT_FOUND"
        spark.stop()


@pytest.mark.parametrize("file_format", ["parquet", "json", "csv"])
def test_save_as_table_in_every_mode(spark, name, file_format):
    first = spark.createDataFrame([(1, "x")], "a int, b string")
    more = spark.createDataFrame([("y", 2)], "b string, a int")

    def save(frame, mode):
        frame.write.format(file_format).mode(mode).saveAsTable(name)

    save(first, "error")
    assert condition(lambda: save(first, "error")) == "TABLE_OR_VIEW_ALREADY_EXISTS"
    save(more, "append")  # by name
    assert rows(spark.table(name)) == [(1, "x"), (2, "y")]
    save(more, "ignore")
    assert spark.table(name).count() == 2
    save(more, "overwrite")
    assert rows(spark.table(name)) == [("y", 2)]
    assert [kind for _, kind in spark.table(name).dtypes] == ["string", "int"]
    spark.sql(f"DROP TABLE {name}")


def test_rows_are_cast_to_the_columns_of_the_table(spark, name):
    spark.sql(f"CREATE TABLE {name} (a BIGINT, b STRING, c TIMESTAMP)")
    spark.sql(f"INSERT INTO {name} SELECT 1, 2.50, DATE'2024-01-01'")
    spark.sql(f"INSERT INTO {name} (c, b, a) VALUES (NULL, 'x', 7)")
    spark.createDataFrame([(3, "z", None)], "x int, y string, w timestamp").write.insertInto(name)
    assert rows(spark.sql(f"SELECT a, b, CAST(c AS STRING) FROM {name}")) == [
        (1, "2.50", "2024-01-01 00:00:00"), (3, "z", None), (7, "x", None),
    ]  # fmt: skip
    assert (
        condition(lambda: spark.sql(f"INSERT INTO {name} VALUES (1, 'x')"))
        == "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
    )
    assert (
        condition(lambda: spark.sql(f"INSERT INTO {name} VALUES ('x', 'x', NULL)"))
        == "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST"
    )
    spark.sql(f"INSERT OVERWRITE {name} VALUES (9, 'only', NULL)")
    assert rows(spark.table(name)) == [(9, "only", None)]
    spark.sql(f"TRUNCATE TABLE {name}")
    assert spark.table(name).count() == 0
    spark.sql(f"DROP TABLE {name}")


def test_a_failed_query_makes_no_table(spark, name):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    with pytest.raises(Exception, match="CAST_INVALID_INPUT"):
        spark.sql(f"CREATE TABLE {name} AS SELECT CAST(v AS INT) FROM VALUES ('x') AS t(v)")
    assert spark.catalog.tableExists(name) is False


def test_what_a_table_is(spark, name):
    spark.sql(
        f"CREATE TABLE {name} (a INT, k STRING, b DOUBLE) USING parquet PARTITIONED BY (k) "
        "COMMENT 'of a test' TBLPROPERTIES ('owner' = 'me')"
    )
    assert [tuple(row) for row in spark.sql(f"DESCRIBE {name}").collect()] == [
        ("a", "int", None), ("b", "double", None), ("k", "string", None),
        ("# Partition Information", "", ""), ("# col_name", "data_type", "comment"),
        ("k", "string", None),
    ]  # fmt: skip
    assert rows(spark.sql(f"SHOW COLUMNS IN {name}")) == [("a",), ("b",), ("k",)]
    assert spark.sql(f"SHOW TABLES LIKE '{name[:12]}*'").collect() == [("default", name, False)]
    assert spark.catalog.getTableProperties(name)["owner"] == "me"
    table = spark.catalog.getTable(f"spark_catalog.default.{name}")
    assert (table.tableType, table.namespace, table.description) == (
        "MANAGED", ["default"], "of a test",
    )  # fmt: skip
    assert [(c.name, c.isPartition) for c in spark.catalog.listColumns(name)] == [
        ("a", False), ("b", False), ("k", True),
    ]  # fmt: skip
    text = spark.catalog.getCreateTableString(name)
    spark.catalog.dropTable(name)
    spark.sql(text)
    assert spark.catalog.getCreateTableString(name) == text
    spark.sql(f"DROP TABLE {name}")


def test_databases(spark, name):
    spark.sql(f"CREATE DATABASE {name}")
    assert condition(lambda: spark.sql(f"CREATE DATABASE {name}")) == "SCHEMA_ALREADY_EXISTS"
    spark.sql(f"USE {name}")
    assert spark.catalog.currentDatabase() == name
    spark.range(3).write.saveAsTable("numbers")
    spark.catalog.setCurrentDatabase("default")
    assert spark.table(f"{name}.numbers").count() == 3
    assert condition(lambda: spark.table("numbers").count()) == "TABLE_OR_VIEW_NOT_FOUND"
    assert condition(lambda: spark.sql(f"DROP DATABASE {name}")) == "SCHEMA_NOT_EMPTY"
    spark.sql(f"DROP DATABASE {name} CASCADE")
    assert spark.catalog.databaseExists(name) is False
    assert condition(lambda: spark.sql(f"USE {name}")) == "SCHEMA_NOT_FOUND"


def test_an_external_table_keeps_its_files(spark, name, tmp_path):
    spark.range(2).write.json(str(tmp_path / "files"))
    spark.sql(f"CREATE TABLE {name} (id BIGINT) USING json LOCATION '{tmp_path / 'files'}'")
    spark.sql(f"INSERT INTO {name} VALUES (7)")
    assert rows(spark.table(name)) == [(0,), (1,), (7,)]
    spark.sql(f"DROP TABLE {name}")
    assert spark.read.json(str(tmp_path / "files")).count() == 3


def test_a_stream_fills_a_table_and_reads_it(spark, name, tmp_path):
    spark.range(5).write.json(str(tmp_path / "in"))
    stream = spark.readStream.schema("id bigint").json(str(tmp_path / "in"))
    query = (
        stream.writeStream.trigger(availableNow=True)
        .option("checkpointLocation", str(tmp_path / "check")).toTable(name)
    )  # fmt: skip
    assert query.awaitTermination(60) is True
    assert spark.table(name).count() == 5
    again = (
        spark.readStream.table(name).writeStream.trigger(availableNow=True).format("memory")
        .queryName(f"of_{name}").start()
    )  # fmt: skip
    assert again.awaitTermination(60) is True
    assert spark.table(f"of_{name}").count() == 5
    spark.sql(f"DROP TABLE {name}")


def test_global_views_are_there_for_all_sessions(server, spark, name):
    spark.range(4).createGlobalTempView(name)
    other = SparkSession.builder.remote(f"{server.url}/;session_id={uuid.uuid4()}").create()
    assert other.table(f"global_temp.{name}").count() == 4
    assert other.catalog.tableExists(name) is False
    assert (
        condition(lambda: other.range(1).createGlobalTempView(name))
        == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    )
    assert other.catalog.dropGlobalTempView(name) is True
    assert spark.catalog.dropGlobalTempView(name) is False
    other.stop()
