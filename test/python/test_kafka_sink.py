"""Writing to Kafka, as a batch and as a stream, from PySpark; read back by another client."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F
from topic_reader import read_messages


def messages(kafka, topic):
    """(key, value, partition, headers) of all there is, in the order of each partition."""
    return [
        (message.key(), message.value(), message.partition(), message.headers())
        for message in read_messages(kafka, topic)
    ]


def values(kafka, topic):
    return sorted(value.decode() for _, value, _, _ in messages(kafka, topic))


def writer(frame, kafka, **options):
    return frame.write.format("kafka").options(**{"kafka.bootstrap.servers": kafka, **options})


def test_a_batch_with_every_column(spark, kafka, topic):
    frame = spark.createDataFrame(
        [("k", bytearray(b"v"), [("h", bytearray(b"x")), ("i", None)]), (None, None, None)],
        "key string, value binary, headers array<struct<key:string,value:binary>>",
    )
    writer(frame.withColumn("topic", F.lit(topic)), kafka).save()
    found = messages(kafka, topic)
    assert sorted((key, value, headers) for key, value, _, headers in found if key) == [
        (b"k", b"v", [("h", b"x"), ("i", None)])
    ]
    assert [(value, headers) for key, value, _, headers in found if not key] == [(None, None)]
    rows = (
        spark.read.format("kafka").option("kafka.bootstrap.servers", kafka)
        .option("subscribe", topic).load().select("key", "value").collect()
    )  # fmt: skip
    assert sorted(map(tuple, rows), key=str) == [(None, None), (b"k", b"v")]


@pytest.mark.parametrize(
    "schema, options, message",
    [
        ("value string", {}, "topic option required when no 'topic' attribute is present. "
                             "Use the topic option for setting a topic."),
        ("x string", {"topic": "t"}, "Required attribute 'value' not found"),
        ("value int", {"topic": "t"},
         "value attribute unsupported type int. value must be a(n) string or binary"),
        ("value string, partition bigint", {"topic": "t"},
         "partition attribute unsupported type bigint. partition must be a(n) int"),
        ("value string, headers array<string>", {"topic": "t"},
         "headers attribute unsupported type array<string>. headers must be a(n) "
         "array<struct<key:string,value:binary>>"),
    ],
)  # fmt: skip
def test_columns_that_kafka_does_not_take(spark, kafka, schema, options, message):
    with pytest.raises(AnalysisException) as error:
        writer(spark.createDataFrame([], schema), kafka, **options).save()
    assert error.value.getCondition() == "_LEGACY_ERROR_TEMP_3080"
    assert str(error.value).startswith(message)


def test_modes_and_a_missing_broker(spark, kafka):
    frame = spark.createDataFrame([("a",)], "value string")
    with pytest.raises(AnalysisException, match="Save mode Overwrite not allowed for Kafka"):
        writer(frame, kafka, topic="t").mode("overwrite").save()
    with pytest.raises(PySparkException) as error:
        frame.write.format("kafka").option("topic", "t").save()
    assert error.value.getCondition() == "MISSING_KAFKA_OPTION"
    with pytest.raises(PySparkException, match="Topic t not present in metadata after 300 ms."):
        writer(frame, "127.0.0.1:1", topic="t", **{"kafka.max.block.ms": "300"}).save()


def test_a_stream_from_topic_to_topic(spark, kafka, topic, tmp_path):
    source, target = topic + "-in", topic + "-out"

    def send(names):
        rows = [(name,) for name in names]
        writer(spark.createDataFrame(rows, "value string"), kafka, topic=source).save()

    def run():
        query = (
            spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka)
            .option("subscribe", source).option("startingOffsets", "earliest").load()
            .select(F.upper(F.col("value").cast("string")).alias("value"))
            .writeStream.format("kafka").option("kafka.bootstrap.servers", kafka)
            .option("topic", target).option("checkpointLocation", str(tmp_path))
            .trigger(availableNow=True).start()
        )  # fmt: skip
        query.awaitTermination()
        return json.loads(query.lastProgress.json)["sink"]["numOutputRows"]

    send(["a", "b"])
    assert run() == 2
    send(["c"])
    assert run() == 1
    assert values(kafka, target) == ["A", "B", "C"]


def test_a_stream_without_a_topic_fails(spark, kafka, tmp_path):
    stream = spark.readStream.format("rate").load().select(F.col("value").cast("string"))
    with pytest.raises(PySparkException, match="topic option required when no 'topic' attribute"):
        query = (
            stream.writeStream.format("kafka").option("kafka.bootstrap.servers", kafka)
            .option("checkpointLocation", str(tmp_path)).start()
        )  # fmt: skip
        query.awaitTermination()


SCRIPT = """
import sys
from pyspark.sql import SparkSession

kafka, source, target, checkpoint = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
(spark.readStream.format("kafka").option("kafka.bootstrap.servers", kafka)
 .option("subscribe", source).option("startingOffsets", "earliest")
 .option("maxOffsetsPerTrigger", 500).load().select("value")
 .writeStream.format("kafka").option("kafka.bootstrap.servers", kafka).option("topic", target)
 .option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
 .awaitTermination())
"""


def test_nothing_is_lost_when_it_is_killed(programs, kafka, topic, tmp_path):
    source, target = topic + "-in", topic + "-out"
    programs.produce(source, 20_000)
    script = tmp_path / "forward.py"
    script.write_text(textwrap.dedent(SCRIPT))
    arguments = [
        "submit", "--python", sys.executable, script, kafka, source, target, tmp_path / "ck",
    ]  # fmt: skip
    sent = {value for _, value, _, _ in messages(kafka, source)}
    killed = programs.start("millrace", *arguments)
    offsets = tmp_path / "ck" / "offsets"
    while killed.poll() is None and not (offsets / "3").exists():
        with_timeout(killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    programs.run("millrace", *arguments)
    arrived = [value for _, value, _, _ in messages(kafka, target)]
    assert set(arrived) == sent
    # A batch that was under way may come twice, no other.
    assert len(arrived) <= 20_000 + 500


def with_timeout(process):
    try:
        process.wait(0.005)
    except subprocess.TimeoutExpired:
        pass
