"""Spark reads the lake while the job writes it, and never sees half a batch or a row twice."""

import signal
import time

from spark_jobs import watch_lake_with_spark
from test_lake_readers import with_pyarrow
from topic_reader import read_orders


def test_spark_reads_while_the_job_runs(programs, kafka, topic, tmp_path, background):
    # Orders a microsecond apart: no two are the same.
    producer = background(
        programs.start(
            "orders_producer", "--bootstrap-servers", kafka, "--topic", topic, "--create-topic",
            "--rate", 200, "--start-time", "2026-02-01T12:00:00", "--step-micros", 1,
        )
    )
    lake = tmp_path / "lake"
    deadline = time.monotonic() + 120
    job = None
    while not list(lake.glob("*.parquet")):
        assert time.monotonic() < deadline
        if job is None or job.poll() == 1:  # the topic may not be there yet
            job = background(
                programs.start(
                    "ecommerce_tracking",
                    *programs.tracking(topic, tmp_path, "--trigger", "200 milliseconds"),
                )
            )
    seen = watch_lake_with_spark(lake, sizes=5)
    producer.send_signal(signal.SIGINT)
    assert producer.wait(timeout=60) == 0
    orders = read_orders(kafka, topic)
    while len(with_pyarrow(lake)) < len(orders):
        assert time.monotonic() < deadline + 600 and job.poll() is None
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=60) == 0
    assert sorted(with_pyarrow(lake)) == orders

    sizes = [rows for rows, _ in seen]
    assert sizes == sorted(sizes)
    assert {most for _, most in seen} == {1}
