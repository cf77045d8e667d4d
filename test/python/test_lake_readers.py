"""Independent readers of the lake agree with the topic, also while the job is running."""

import collections
import datetime
import signal
import time

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet
import pytest
from topic_reader import read_orders

COLUMNS = ["user_id", "amount", "timestamp"]


def with_pyarrow(lake):
    table = pyarrow.parquet.read_table(lake, columns=COLUMNS)
    return list(zip(*(table[name].to_pylist() for name in COLUMNS)))


def with_polars(lake):
    return polars.read_parquet(f"{lake}/**/*.parquet").select(COLUMNS).rows()


def with_duckdb(lake):
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    rows = connection.execute(
        f"SELECT user_id, amount, epoch_us(timestamp) FROM read_parquet('{lake}/*.parquet')"
    ).fetchall()
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return [(u, a, epoch + datetime.timedelta(microseconds=t)) for u, a, t in rows]


READERS = [with_pyarrow, with_polars, with_duckdb]


def test_readers_agree_with_the_topic(programs, kafka, topic, tmp_path):
    programs.produce(topic, 20_000, "--malformed", 0.01)
    programs.run(
        "ecommerce_tracking", *programs.tracking(topic, tmp_path, "--available-now")
    )
    expected = read_orders(kafka, topic)
    assert 19_000 < len(expected) < 20_000
    for reader in READERS:
        assert sorted(reader(tmp_path / "lake")) == expected, reader.__name__


def test_lake_has_spark_types(programs, topic, tmp_path):
    programs.produce(topic, 10)
    programs.run(
        "ecommerce_tracking", *programs.tracking(topic, tmp_path, "--available-now")
    )
    schema = pyarrow.parquet.read_table(tmp_path / "lake").schema
    assert schema.field("user_id").type == pa.string()
    assert schema.field("amount").type == pa.float64()
    assert schema.field("timestamp").type == pa.timestamp("us", tz="UTC")


def test_readers_see_each_row_once_while_the_job_runs(
    programs, kafka, topic, tmp_path, background
):
    programs.produce(topic, 5_000)
    arguments = programs.tracking(topic, tmp_path, "--trigger", "200 milliseconds")
    job = background(programs.start("ecommerce_tracking", *arguments))
    producer = background(
        programs.start(
            "orders_producer", "--bootstrap-servers", kafka, "--topic", topic,
            "--rate", 2_000,
        )
    )
    lake = tmp_path / "lake"
    snapshots = []  # (reader, rows)
    deadline = time.monotonic() + 120
    while len({len(rows) for _, rows in snapshots}) < 5:
        assert time.monotonic() < deadline
        if not list(lake.glob("*.parquet")):
            assert job.poll() is None
            continue
        for reader in READERS:
            snapshots.append((reader.__name__, reader(lake)))
    producer.send_signal(signal.SIGINT)
    assert producer.wait(timeout=60) == 0
    expected = read_orders(kafka, topic)
    while len(with_pyarrow(lake)) < len(expected):
        assert time.monotonic() < deadline and job.poll() is None
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=60) == 0
    for reader in READERS:
        assert sorted(reader(lake)) == expected, reader.__name__
    # Nobody saw a row twice, a row that was no order, or less than somebody before.
    orders = collections.Counter(expected)
    for name, rows in snapshots:
        assert collections.Counter(rows) <= orders, name
    sizes = [len(rows) for _, rows in snapshots]
    assert sizes == sorted(sizes), "rows vanished while the job was running"


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_order_timestamps_mean_utc_whatever_the_machine_thinks(
    programs, kafka, topic, tmp_path, zone
):
    programs.produce(topic, 100)
    programs.run(
        "ecommerce_tracking",
        *programs.tracking(topic, tmp_path, "--available-now"),
        env={"TZ": zone},
    )
    assert sorted(with_pyarrow(tmp_path / "lake")) == read_orders(kafka, topic)
