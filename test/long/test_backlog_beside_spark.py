"""Ten million orders replayed at three batch sizes: Millrace counts and drops what Spark does."""

import datetime
import uuid

import backlog
import pytest
from spark_jobs import replay_with_spark

COUNT = 10_000_000
HOUR = datetime.timedelta(hours=1)
LAGS = {"aligned": datetime.timedelta(), "lagging": HOUR}


@pytest.fixture(scope="module", params=LAGS)
def topic_of_ten_million(kafka, request):
    topic = f"{request.param}-{uuid.uuid4().hex[:8]}"
    backlog.produce_backlog(kafka, topic, COUNT, LAGS[request.param])
    return topic


@pytest.mark.parametrize("limit", [100_000, 1_000_000, None])
def test_same_rows_as_spark(programs, kafka, topic_of_ten_million, tmp_path, limit):
    topic = topic_of_ten_million
    ours, progress = backlog.replay(programs, kafka, topic, tmp_path / "ours", limit)
    theirs = backlog.windows_of(replay_with_spark(kafka, topic, tmp_path / "spark", limit))
    assert ours == theirs
    assert sum(ours.values()) + backlog.dropped_as_late(progress) == COUNT

    every_row, progress = backlog.replay(
        programs, kafka, topic, tmp_path / "every", limit, "partition-min"
    )
    assert sum(every_row.values()) == COUNT
    assert backlog.dropped_as_late(progress) == 0
    print(f"{topic}, limit {limit}: Spark and Millrace counted {sum(ours.values())}")
