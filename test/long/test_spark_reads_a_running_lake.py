"""Spark reads the lake while the job writes it, and never sees half a batch or a row twice."""

import signal
import time

from spark_jobs import watch_lake_with_spark


def test_spark_reads_while_the_job_runs(programs, kafka, topic, tmp_path, background):
    # Orders a microsecond apart: no two are the same.
    times = ["--start-time", "2026-02-01T12:00:00", "--step-micros", 1]
    programs.produce(topic, 1_000, *times)
    job = background(
        programs.start(
            "ecommerce_tracking", *programs.tracking(topic, tmp_path, "--trigger", "200 milliseconds")
        )
    )
    lake = tmp_path / "lake"
    deadline = time.monotonic() + 60
    while not list(lake.glob("*.parquet")):
        assert time.monotonic() < deadline and job.poll() is None
    # Long enough for Spark to start and look several times.
    background(
        programs.start(
            "orders_producer", "--bootstrap-servers", kafka, "--topic", topic, "--rate", 200,
            "--count", 9_000, "--start-time", "2026-02-01T13:00:00", "--step-micros", 1,
        )
    )
    seen = watch_lake_with_spark(lake, 10_000)
    sizes = [rows for rows, _ in seen]
    assert len(set(sizes)) > 3
    assert sizes == sorted(sizes) and sizes[-1] == 10_000
    assert {most for _, most in seen} == {1}
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=60) == 0
