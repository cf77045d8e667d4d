"""A stateless query and its lake move between Millrace and a real Spark, whole both times."""

from spark_jobs import read_lake_with_spark, write_lake_with_spark
from topic_reader import read_orders


def as_seconds(orders):
    return sorted((user, amount, when.timestamp()) for user, amount, when in orders)


def run_job(programs, topic, folder):
    programs.run(
        "ecommerce_tracking", *programs.tracking(topic, folder, "--available-now")
    )


def handover(programs, folder, to, query="refined_orders", check=True):
    return programs.run(
        "millrace", "handover", "--checkpoint", folder / "checkpoints" / query,
        "--lake", folder / "lake", "--to", to, check=check,
    )


def test_spark_goes_on_with_a_query_of_ours(programs, kafka, topic, tmp_path):
    programs.produce(topic, 1_000)
    run_job(programs, topic, tmp_path)
    handover(programs, tmp_path, "spark")
    programs.produce(topic, 500)
    write_lake_with_spark(kafka, topic, tmp_path)
    orders = read_orders(kafka, topic)
    assert len(orders) == 1_500
    assert read_lake_with_spark(tmp_path / "lake") == as_seconds(orders)
    refused = programs.run(
        "ecommerce_tracking", *programs.tracking(topic, tmp_path, "--available-now"), check=False
    )
    assert refused.returncode == 1 and "handover" in refused.stderr


def test_we_go_on_with_a_query_of_spark(programs, kafka, topic, tmp_path):
    programs.produce(topic, 1_000)
    write_lake_with_spark(kafka, topic, tmp_path)
    programs.produce(topic, 500)
    handover(programs, tmp_path, "millrace")
    run_job(programs, topic, tmp_path)
    orders = read_orders(kafka, topic)
    assert len(orders) == 1_500
    shown = programs.run("millrace", "show", tmp_path / "lake", "--count")
    assert shown.stdout.strip() == "1500"
    assert read_lake_with_spark(tmp_path / "lake") == as_seconds(orders)


def test_a_stateful_query_is_refused(programs, topic, tmp_path):
    programs.produce(topic, 100)
    run_job(programs, topic, tmp_path)
    refused = handover(programs, tmp_path, "spark", query="revenue_per_minute", check=False)
    assert refused.returncode == 1
    assert "keeps state" in refused.stderr


def test_spark_reads_our_lake(programs, kafka, topic, tmp_path):
    programs.produce(topic, 2_000, "--malformed", 0.05)
    run_job(programs, topic, tmp_path)
    assert read_lake_with_spark(tmp_path / "lake") == as_seconds(read_orders(kafka, topic))
