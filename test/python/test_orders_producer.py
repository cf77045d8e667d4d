"""orders_producer as its user sees it."""

import collections
import datetime
import json
import re
import signal
import subprocess
import time

from topic_reader import read_messages

DELIVERED = re.compile(r"^delivered (\d+) orders to topic (\S+)$", re.MULTILINE)
RATE_LINE = re.compile(r"(\d+) orders delivered, (\d+) a second")


def read_values(kafka, topic):
    """All values of the topic, as bytes."""
    return [message.value() for message in read_messages(kafka, topic)]


def time_of(order):
    return datetime.datetime.fromisoformat(order["timestamp"])


def arguments(kafka, topic, *more):
    return ["--bootstrap-servers", kafka, "--topic", topic, "--create-topic", *more]


def test_orders_look_as_promised(programs, kafka, topic):
    done = programs.run("orders_producer", *arguments(kafka, topic, "--rate", 0, "--count", 2_000))
    assert DELIVERED.findall(done.stdout) == [("2000", topic)]
    users = collections.Counter()
    for value in read_values(kafka, topic):
        order = json.loads(value)
        assert list(order) == ["user_id", "amount", "timestamp"]
        assert 10 <= order["amount"] <= 500 and round(order["amount"], 2) == order["amount"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", order["timestamp"])
        users[order["user_id"]] += 1
    assert sorted(users) == ["u1", "u2", "u3", "u4", "u5"]
    assert min(users.values()) > 300


def test_late_and_malformed_orders_are_the_part_asked_for(programs, kafka, topic):
    programs.run(
        "orders_producer",
        *arguments(kafka, topic, "--rate", 0, "--count", 4_000, "--seed", 3, "--late", 0.25,
                   "--malformed", 0.1, "--start-time", "2026-02-01T12:00:00", "--step-micros", 1),
    )  # fmt: skip
    late = malformed = 0
    for value in read_values(kafka, topic):
        try:
            order = json.loads(value)
        except ValueError:
            malformed += 1
            continue
        behind = datetime.datetime(2026, 2, 1, 12) - time_of(order)
        if behind > datetime.timedelta(minutes=1):
            assert datetime.timedelta(minutes=2) < behind <= datetime.timedelta(minutes=10)
            late += 1
    assert 300 < malformed < 500
    assert 0.2 < late / (4_000 - malformed) < 0.3


def test_the_late_data_scenario_shows_what_the_watermark_does(programs, kafka, topic, tmp_path):
    programs.run("orders_producer", *arguments(kafka, topic, "--scenario", "late-data"))
    times = [time_of(json.loads(value)) for value in read_values(kafka, topic)]
    assert [max(times) - each for each in sorted(times, reverse=True)] == [
        datetime.timedelta(0), datetime.timedelta(minutes=1), datetime.timedelta(minutes=5),
    ]  # fmt: skip
    # All three come in the first batch, whose watermark is not there yet; sent again, the order of
    # five minutes ago is late, the one of a minute ago is not.
    run = programs.tracking(topic, tmp_path, "--available-now")
    first = programs.run("ecommerce_tracking", *run).stdout
    programs.run("orders_producer", *arguments(kafka, topic, "--scenario", "late-data"))
    second = programs.run("ecommerce_tracking", *run).stdout
    window = re.compile(r"^\|\{(.+?), .+?\}\|(\S+)\s*\|$", re.MULTILINE)
    oldest = min(window.findall(first))[0]
    assert len(window.findall(first)) == 3
    assert oldest not in [start for start, _ in window.findall(second)]
    assert len(window.findall(second)) == 2


def test_the_rate_is_kept_and_shown_and_sigint_flushes(programs, kafka, topic, tmp_path):
    log = tmp_path / "log.txt"
    begin = time.monotonic()
    with open(log, "w") as stderr:
        producer = programs.start(
            "orders_producer", *arguments(kafka, topic, "--rate", 500),
            stdout=subprocess.PIPE, stderr=stderr,
        )
    try:
        deadline = begin + 60
        while not RATE_LINE.search(log.read_text()):
            assert time.monotonic() < deadline and producer.poll() is None
            time.sleep(0.02)
        producer.send_signal(signal.SIGINT)
        output, _ = producer.communicate(timeout=60)
    finally:
        producer.kill()
    seconds = time.monotonic() - begin
    assert producer.returncode == 0
    ((delivered, _),) = DELIVERED.findall(output.decode())
    # Never more than the rate allows; how much less depends on the machine.
    assert 0 < int(delivered) <= 500 * seconds + 1
    assert len(read_values(kafka, topic)) == int(delivered)
