"""Many clients at once, clients that disappear, and what a server needs."""

import concurrent.futures
import multiprocessing
import os
import time
import uuid

import pytest
from conftest import SANITIZED, running_server
from pyspark.sql import SparkSession

MIB = 1024


def one_query(url):
    spark = SparkSession.builder.remote(f"{url}/;session_id={uuid.uuid4()}").create()
    try:
        return spark.range(1000).count()
    finally:
        spark.stop()


def open_files(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def await_true(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_one_hundred_sessions_at_once():
    with running_server() as server:
        assert server.status("VmRSS") <= (50 if not SANITIZED else 500) * MIB
        one_query(server.url)
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            assert list(pool.map(one_query, [server.url] * 100)) == [1000] * 100
            files, threads = open_files(server), server.status("Threads")
            assert list(pool.map(one_query, [server.url] * 100)) == [1000] * 100
        await_true(lambda: open_files(server) <= files, "file descriptors leak")
        await_true(lambda: server.status("Threads") <= threads, "threads leak")
        assert server.stop() == 0


def disappear(url, started):
    """Starts a query and an endless stream, then ends without saying goodbye."""
    spark = SparkSession.builder.remote(url).create()
    query = spark.readStream.format("rate").load().writeStream.format("noop").start()
    started.set()
    query.awaitTermination()


def test_a_client_that_disappears_harms_nobody(server, spark):
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    client = context.Process(target=disappear, args=[server.url, started])
    client.start()
    assert started.wait(60)
    client.kill()
    client.join()
    assert spark.range(10).count() == 10
    files = open_files(server)
    assert one_query(server.url) == 1000
    await_true(lambda: open_files(server) <= files, "file descriptors leak")


def test_a_stopped_server_stops_its_queries(tmp_path):
    with running_server() as server:
        spark = SparkSession.builder.remote(server.url).create()
        query = (
            spark.readStream.format("rate").load().writeStream.format("parquet")
            .option("path", str(tmp_path / "out"))
            .option("checkpointLocation", str(tmp_path / "check")).start()
        )  # fmt: skip
        query.processAllAvailable()
        assert server.stop() == 0
        commits = sorted(os.listdir(tmp_path / "check" / "commits"))
        assert commits == sorted(os.listdir(tmp_path / "check" / "offsets"))
        assert "0" in commits  # each batch that was begun was finished


def test_users_do_not_share_queries_or_tables(server):
    first, second = (SparkSession.builder.remote(server.url).create() for _ in range(2))
    query = first.readStream.format("rate").load().writeStream.queryName("mine")
    query = query.format("memory").start()
    query.processAllAvailable()
    assert first.table("mine").columns == ["timestamp", "value"]
    assert [one.name for one in first.streams.active] == ["mine"]
    assert second.streams.active == []
    with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
        second.table("mine").count()
    first.stop()
    second.stop()
