"""A backlog of orders whose partitions are not aligned in time, and the job that replays it."""

import datetime
import json
import re

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 4
START = datetime.datetime(2026, 2, 1, 12, 0, tzinfo=datetime.timezone.utc)
WINDOW = re.compile(r"^\|\{(.+?), .+?\}\|\s*(\S+?)\s*\|\s*(\d+)\s*\|$")


def order_time(partition, offset, count, lag):
    """Event time of an order: all partitions cover 70 minutes, the last one `lag` earlier."""
    step = datetime.timedelta(minutes=70) * PARTITIONS / count
    return START + offset * step - (lag if partition == PARTITIONS - 1 else datetime.timedelta())


def produce_backlog(kafka, topic, count, lag):
    """Sends `count` orders, evenly over the partitions, each partition in order of time."""
    admin = AdminClient({"bootstrap.servers": kafka})
    for done in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
        done.result()
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": kafka,
            "linger.ms": 50,
            "queue.buffering.max.messages": 1_000_000,
            "enable.idempotence": True,
        }
    )
    failed = []
    for number in range(count):
        partition, offset = number % PARTITIONS, number // PARTITIONS
        time = order_time(partition, offset, count, lag).strftime("%Y-%m-%dT%H:%M:%S.%f")
        value = f'{{"user_id":"u{number % 7}","amount":{number % 1000}.25,"timestamp":"{time}"}}'
        while True:
            try:
                producer.produce(
                    topic, value, partition=partition,
                    on_delivery=lambda error, _: error and failed.append(error),
                )
                break
            except BufferError:
                producer.poll(0.1)
        if number % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0 and not failed, failed[:3]


def windows_of(console):
    """Window start -> orders counted: the last that the console printed of each window."""
    rows = (WINDOW.match(line) for line in console.splitlines())
    return {row[1]: int(row[3]) for row in rows if row}


def progress_of(stderr):
    return [
        json.loads(line.removeprefix("progress "))
        for line in stderr.splitlines() if line.startswith("progress ")
    ]


def replay(programs, kafka, topic, folder, limit=None, policy="spark"):
    """Runs the windowed job over the whole topic; its windows and its batches' progress."""
    arguments = ["--bootstrap-servers", kafka, "--topic", topic, "--folder", folder]
    arguments += ["--sinks", "window", "--watermark-policy", policy]
    if limit:
        arguments += ["--max-offsets-per-trigger", limit]
    done = programs.run("orders_bench", *arguments)
    return windows_of(done.stdout), progress_of(done.stderr)


def dropped_as_late(progress):
    return sum(batch.get("droppedRows", {}).get("late", 0) for batch in progress)


def offset_ranges(batch):
    """The offsets that a batch read, as a range for each partition."""
    sides = []
    for side in ("startOffset", "endOffset"):
        offsets = json.loads(batch["sources"][0][side] or "{}")
        of_topic = next(iter(offsets.values()), {})
        sides.append([of_topic.get(str(number), 0) for number in range(PARTITIONS)])
    return [range(start, end) for start, end in zip(*sides)]
