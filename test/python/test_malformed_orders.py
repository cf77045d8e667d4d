"""Orders that are no JSON, or not what was promised: each one's fate is Spark's, none gets lost."""

import uuid

import confluent_kafka
import pyarrow.parquet

# value, and what Spark makes of it under "user_id STRING, amount DOUBLE, timestamp TIMESTAMP":
# (user_id, amount, has a time), or None where no user is left and the job drops it.
VALUES = [
    (b'{"user_id":"u1","amount":1.5,"timestamp":"2026-02-01T12:00:00"}', ("u1", 1.5, True)),
    (b'{"user_id":"u2","amount":2.5,"timest', None),
    (b'{"user_id":"u2"', None),
    (b"", None),
    (None, None),
    (b"null", None),
    (b"[]", None),
    (b"17", None),
    (b"not json at all", None),
    (b'\xff\xfe{"user_id":"u3"}', None),
    (b'{"user_id":"u\xff3","amount":3.5,"timestamp":"2026-02-01T12:00:00"}', ("u\ufffd3", 3.5, True)),
    (b'{"user_id":"u4","amount":"4.5","timestamp":"2026-02-01T12:00:00"}', ("u4", None, True)),
    (b'{"user_id":"u5","amount":5.5,"timestamp":"when?"}', ("u5", 5.5, False)),
    (b'{"user_id":6,"amount":6.5,"timestamp":"2026-02-01T12:00:00"}', ("6", 6.5, True)),
    (b'{"user_id":"u7","amount":7.5,"timestamp":"2026-02-01T12:00:00","more":' + b'{"a":' * 900
     + b"1" + b"}" * 900 + b"}", ("u7", 7.5, True)),
    (b'{"user_id":"u8","amount":8.5,"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
    (b'{"user_id":"u9","amount":1e999,"timestamp":"2026-02-01T12:00:00"}', ("u9", float("inf"), True)),
]  # fmt: skip


def send(kafka, topic, values):
    producer = confluent_kafka.Producer({"bootstrap.servers": kafka})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def test_each_order_has_sparks_fate(programs, kafka, topic, tmp_path):
    send(kafka, topic, [value for value, _ in VALUES])
    programs.run("ecommerce_tracking", *programs.tracking(topic, tmp_path, "--available-now"))
    table = pyarrow.parquet.read_table(tmp_path / "lake")
    found = [
        (row["user_id"], row["amount"], row["timestamp"] is not None) for row in table.to_pylist()
    ]
    assert sorted(found, key=str) == sorted((want for _, want in VALUES if want), key=str)
