"""Reads a topic with a client of its own, independent of the engine."""

import datetime
import json
import time

import confluent_kafka

PATIENCE = 60
# Of a topic that is new, and of a broker that has just come up.
PASSING = {
    confluent_kafka.KafkaError.LEADER_NOT_AVAILABLE,
    confluent_kafka.KafkaError.NOT_LEADER_FOR_PARTITION,
    confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART,
    confluent_kafka.KafkaError._TRANSPORT,
}


def patiently(ask):
    """What `ask` gives, asked again while there is a passing error."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except confluent_kafka.KafkaException as refused:
            if refused.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise


def partitions_of(consumer, topic):
    metadata = consumer.list_topics(topic, timeout=PATIENCE).topics[topic]
    if metadata.error is not None:
        raise confluent_kafka.KafkaException(metadata.error)
    return metadata.partitions


def read_messages(kafka, topic):
    """All messages there are, those of a partition in their order."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": kafka, "group.id": "reader-" + topic, "enable.auto.commit": False}
    )
    partitions = [
        confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
        for number in patiently(lambda: partitions_of(consumer, topic))
    ]
    total = sum(
        patiently(lambda one=one: consumer.get_watermark_offsets(one, timeout=PATIENCE))[1]
        for one in partitions
    )
    consumer.assign(partitions)
    seen = 0
    while seen < total:
        for message in consumer.consume(min(10_000, total - seen), timeout=PATIENCE):
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
