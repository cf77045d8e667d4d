"""Reads a topic with a client of its own, independent of the engine."""

import datetime
import json

import confluent_kafka


def read_messages(kafka, topic):
    """All messages there are, those of a partition in their order."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": kafka, "group.id": "reader-" + topic, "enable.auto.commit": False}
    )
    partitions = [
        confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
        for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions
    ]
    total = sum(consumer.get_watermark_offsets(one, timeout=10)[1] for one in partitions)
    consumer.assign(partitions)
    seen = 0
    while seen < total:
        for message in consumer.consume(min(10_000, total - seen), timeout=10):
            assert message.error() is None, message.error()
            seen += 1
            yield message
    consumer.close()


def read_orders(kafka, topic):
    """All orders with a user, as sorted (user_id, amount, timestamp) tuples."""
    orders = (parse_order(message.value()) for message in read_messages(kafka, topic))
    return sorted(order for order in orders if order is not None)


def parse_order(value):
    try:
        order = json.loads(value)
    except ValueError:  # truncated on purpose
        return None
    if order.get("user_id") is None:
        return None
    time = datetime.datetime.fromisoformat(order["timestamp"])
    return order["user_id"], order["amount"], time.replace(tzinfo=datetime.timezone.utc)
