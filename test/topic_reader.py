"""Reads a topic of orders with a client of its own, independent of the engine."""

import datetime
import json

import confluent_kafka


def read_orders(kafka, topic):
    """All orders with a user, as sorted (user_id, amount, timestamp) tuples."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "reader-" + topic,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    metadata = consumer.list_topics(topic, timeout=10).topics[topic]
    parts = [
        confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING)
        for p in metadata.partitions
    ]
    total = sum(consumer.get_watermark_offsets(p, timeout=10)[1] for p in parts)
    consumer.assign(parts)
    orders = []
    seen = 0
    while seen < total:
        for message in consumer.consume(min(10_000, total - seen), timeout=10):
            assert message.error() is None, message.error()
            seen += 1
            order = parse_order(message.value())
            if order is not None:
                orders.append(order)
    consumer.close()
    return sorted(orders)


def parse_order(value):
    try:
        order = json.loads(value)
    except ValueError:  # truncated on purpose
        return None
    if order.get("user_id") is None:
        return None
    time = datetime.datetime.fromisoformat(order["timestamp"])
    return order["user_id"], order["amount"], time.replace(tzinfo=datetime.timezone.utc)
