"""A real broker that is not there, or goes away while the job runs and comes back."""

import concurrent.futures
import signal
import time

import pytest
from brokers import Broker, Proxy, free_ports
from test_lake_readers import with_pyarrow
from test_recovery import assert_same_windows, expected_windows, last_windows
from topic_reader import read_orders

PATIENCE = 120


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.stop()


def await_that(what, process):
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, "the job ended"
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def produce(programs, broker, topic, count):
    """In order of event time, so that no row is late."""
    programs.run(
        "orders_producer", "--bootstrap-servers", broker.address, "--topic", topic,
        "--create-topic", "--partitions", 2, "--rate", 0, "--count", count,
        "--start-time", "2026-02-01T12:00:00", "--step-micros", 1000,
    )


def test_the_job_goes_on_when_the_broker_is_back(programs, broker, topic, tmp_path, background):
    lake = tmp_path / "lake"

    def rows():
        return len(with_pyarrow(lake)) if list(lake.glob("*.parquet")) else 0

    produce(programs, broker, topic, 2_000)
    out, log = tmp_path / "console.txt", tmp_path / "log.txt"
    with open(out, "w") as stdout, open(log, "w") as stderr:
        job = background(
            programs.start(
                "ecommerce_tracking", "--bootstrap-servers", broker.address, "--topic", topic,
                "--checkpoint", tmp_path / "checkpoints", "--output", lake,
                "--trigger", "100 milliseconds", stdout=stdout, stderr=stderr,
            )
        )
    await_that(lambda: rows() == 2_000, job)
    broker.stop()
    await_that(lambda: log.read_text().count("Kafka is away") == 2, job)  # one a query
    assert broker.address in log.read_text()
    broker.start()
    await_that(lambda: log.read_text().count("Kafka is back") == 2, job)
    produce(programs, broker, topic, 1_000)
    await_that(lambda: rows() == 3_000, job)
    orders = read_orders(broker.address, topic)
    expected = expected_windows(orders)
    # The two queries do not wait for each other.
    await_that(lambda: last_windows(out.read_text()) == pytest.approx(expected), job)
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=PATIENCE) == 0

    assert sorted(with_pyarrow(lake)) == orders
    assert_same_windows(last_windows(out.read_text()), expected)
    # The console is for results; what went wrong meanwhile is not among them.
    assert "Kafka" not in out.read_text()


def test_a_restart_in_the_middle_of_a_fetch_loses_nothing(programs, topic, tmp_path, background):
    port = free_ports(3)
    proxy = Proxy(port + 2, port)
    broker = Broker(tmp_path / "kafka", port)
    broker.properties = tmp_path / "broker.properties"
    broker.properties.write_text(f"advertised.listeners=PLAINTEXT://{proxy.address}\n")
    config = tmp_path / "client.properties"
    config.write_text(f"default.api.timeout.ms={1000 * PATIENCE}\n")
    log = tmp_path / "log.txt"
    broker.start()
    try:
        produce(programs, broker, topic, 30_000)
        orders = read_orders(broker.address, topic)
        for bytes_until_cut in (100_000, 1_500_000):
            lake = tmp_path / f"lake-{bytes_until_cut}"
            proxy.cut_after(bytes_until_cut)
            with open(log, "a") as stderr:
                job = background(
                    programs.start(
                        "ecommerce_tracking", "--bootstrap-servers", proxy.address,
                        "--command-config", config, "--topic", topic, "--available-now",
                        "--checkpoint", tmp_path / f"checkpoints-{bytes_until_cut}",
                        "--output", lake, stderr=stderr,
                    )
                )
            assert proxy.wait_for_cut(PATIENCE)
            broker.stop()
            broker.start()
            proxy.pass_all()
            assert job.wait(timeout=PATIENCE) == 0, log.read_text()
            assert sorted(with_pyarrow(lake)) == orders
    finally:
        broker.stop()
        proxy.close()


def test_no_broker_at_the_start_is_said(programs, topic, tmp_path):
    address = f"127.0.0.1:{free_ports(1)}"
    folders = ["--checkpoint", tmp_path / "checkpoints", "--output", tmp_path / "lake"]

    def run(program, *more):
        return programs.run(
            program, "--bootstrap-servers", address, "--topic", topic, *more,
            check=False, timeout=60,
        )

    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(run, "ecommerce_tracking", *folders),
            pool.submit(run, "orders_producer", "--create-topic"),
        ]
    for done in [each.result() for each in runs]:
        assert done.returncode == 1
        assert f"No Kafka broker at '{address}' answered within 10000 ms" in done.stderr
        assert "Connection refused" in done.stderr


def test_sigint_ends_the_search_for_a_broker(programs, topic, tmp_path, background):
    log = tmp_path / "log.txt"
    with open(log, "w") as stderr:
        job = background(
            programs.start(
                "ecommerce_tracking", "--bootstrap-servers", f"127.0.0.1:{free_ports(1)}",
                "--topic", topic, "--checkpoint", tmp_path / "checkpoints",
                "--output", tmp_path / "lake", stderr=stderr,
            )
        )
    # The second query has begun.
    begun = tmp_path / "checkpoints" / "refined_orders" / "metadata"
    await_that(begun.exists, job)
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=PATIENCE) == 0
    assert "No Kafka broker" not in log.read_text()


def test_an_unknown_topic_is_said(programs, kafka, topic, tmp_path):
    done = programs.run("ecommerce_tracking", *programs.tracking(topic, tmp_path), check=False)
    assert done.returncode == 1
    assert f"The topic '{topic}' does not exist" in done.stderr
    done = programs.run(
        "orders_producer", "--bootstrap-servers", kafka, "--topic", topic, check=False
    )
    assert done.returncode == 1
    assert f"Topic '{topic}' does not exist" in done.stderr
