"""The orders job goes on exactly where it was, however it ended."""

import random
import re
import signal
import subprocess
import time

from test_lake_readers import with_pyarrow
from topic_reader import read_orders

WINDOW = re.compile(r"^\|\{(.+?), (.+?)\}\|(\S+)\s*\|$")


def last_windows(output):
    """The last revenue printed of each window."""
    windows = {}
    for line in output.splitlines():
        if match := WINDOW.match(line):
            windows[match[1]] = float(match[3])
    return windows


def expected_windows(orders):
    windows = {}
    for _, amount, when in orders:
        start = when.replace(second=0, microsecond=0).strftime("%Y-%m-%d %H:%M:%S")
        windows[start] = windows.get(start, 0.0) + amount
    return windows


def assert_same_windows(found, expected):
    assert found.keys() == expected.keys()
    for start, revenue in expected.items():
        assert abs(found[start] - revenue) <= 1e-9 * abs(revenue), start


def test_second_run_continues(programs, kafka, topic, tmp_path):
    arguments = programs.tracking(topic, tmp_path, "--available-now")
    programs.produce(topic, 3_000)
    programs.run("ecommerce_tracking", *arguments)
    assert sorted(with_pyarrow(tmp_path / "lake")) == read_orders(kafka, topic)
    idle = programs.run("ecommerce_tracking", *arguments)
    assert last_windows(idle.stdout) == {}
    programs.produce(topic, 2_000)
    programs.run("ecommerce_tracking", *arguments)
    orders = read_orders(kafka, topic)
    assert len(orders) == 5_000
    assert sorted(with_pyarrow(tmp_path / "lake")) == orders


def kill_loop(programs, kafka, topic, folder, background, rounds, seed):
    """Kills the job `rounds` times at random moments while orders arrive; gives its output."""
    choose = random.Random(seed)
    # Two minutes of event time, in order: no row is late, however the batches fall.
    programs.produce(
        topic, 2_000 * rounds, "--start-time", "2026-02-01T12:00:00",
        "--step-micros", 120_000_000 // (2_000 * rounds),
    )
    arguments = programs.tracking(topic, folder, "--trigger", "50 milliseconds")
    output = ""
    for _ in range(rounds):
        with open(folder / "console.txt", "w") as console:
            job = background(programs.start("ecommerce_tracking", *arguments, stdout=console))
            try:
                job.wait(timeout=choose.uniform(0.02, 1.5))
            except subprocess.TimeoutExpired:
                job.send_signal(signal.SIGKILL)
                job.wait()
        output += (folder / "console.txt").read_text()
        programs.produce(
            topic, 200, "--start-time", "2026-02-01T12:02:00", "--step-micros", 1000
        )
    output += programs.run(
        "ecommerce_tracking", *programs.tracking(topic, folder, "--available-now")
    ).stdout
    return output


def test_kill_9_loses_and_doubles_nothing(programs, kafka, topic, tmp_path, background):
    output = kill_loop(programs, kafka, topic, tmp_path, background, rounds=5, seed=1)
    orders = read_orders(kafka, topic)
    assert sorted(with_pyarrow(tmp_path / "lake")) == orders
    assert_same_windows(last_windows(output), expected_windows(orders))


def test_sigint_ends_the_batch_cleanly(programs, kafka, topic, tmp_path, background):
    programs.produce(topic, 1_000)
    job = background(
        programs.start(
            "ecommerce_tracking",
            *programs.tracking(topic, tmp_path, "--trigger", "100 milliseconds"),
        )
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "lake").glob("*.parquet")):
        assert time.monotonic() < deadline and job.poll() is None
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=60) == 0
    assert sorted(with_pyarrow(tmp_path / "lake")) == read_orders(kafka, topic)


def test_second_process_is_told_who_holds_the_checkpoint(
    programs, topic, tmp_path, background
):
    programs.produce(topic, 10)
    arguments = programs.tracking(topic, tmp_path)
    job = background(programs.start("ecommerce_tracking", *arguments))
    lock = tmp_path / "checkpoints" / "revenue_per_minute" / "millrace" / "lock"
    deadline = time.monotonic() + 60
    while not lock.exists() or not lock.read_text():
        assert time.monotonic() < deadline and job.poll() is None
    second = programs.run("ecommerce_tracking", *arguments, check=False)
    assert second.returncode == 1
    assert str(job.pid) in second.stderr
    assert "revenue_per_minute" in second.stderr
