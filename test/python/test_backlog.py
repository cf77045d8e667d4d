"""What the watermark drops when a backlog is replayed, under both policies."""

import collections
import datetime
import uuid

import backlog
import pytest

COUNT = 40_000
DELAY = datetime.timedelta(minutes=2)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def lagging_topic(kafka):
    topic = f"lagging-{uuid.uuid4().hex[:8]}"
    backlog.produce_backlog(kafka, topic, COUNT, HOUR)
    return topic


def counted_by_spark(progress):
    """Window start -> orders, by Spark's rules applied to the batches that were run."""
    epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    late, watermark, largest = epoch, epoch, epoch
    windows = collections.Counter()
    for batch in progress:
        ranges = backlog.offset_ranges(batch)
        times = [
            backlog.order_time(partition, offset, COUNT, HOUR)
            for partition, offsets in enumerate(ranges) for offset in offsets
        ]
        for time in times:
            window = time.replace(second=0, microsecond=0)
            if window + MINUTE > late:
                windows[window.strftime("%Y-%m-%d %H:%M:%S")] += 1
        largest = max([largest, *times])
        late, watermark = watermark, max(watermark, largest - DELAY)
    return dict(windows)


@pytest.mark.parametrize("limit", [400, 4_000, None])
def test_spark_policy_drops_what_spark_drops(programs, kafka, lagging_topic, tmp_path, limit):
    windows, progress = backlog.replay(programs, kafka, lagging_topic, tmp_path, limit)
    assert sum(batch["sources"][0]["numInputRows"] for batch in progress) == COUNT
    assert windows == counted_by_spark(progress)
    assert sum(windows.values()) + backlog.dropped_as_late(progress) == COUNT
    lost = COUNT - sum(windows.values())
    assert lost > COUNT // 10 if limit else lost == 0


@pytest.mark.parametrize("limit", [400, 4_000, None])
def test_partition_min_counts_every_row(programs, kafka, lagging_topic, tmp_path, limit):
    windows, progress = backlog.replay(
        programs, kafka, lagging_topic, tmp_path, limit, "partition-min"
    )
    expected = collections.Counter(
        backlog.order_time(partition, offset, COUNT, HOUR)
        .replace(second=0, microsecond=0).strftime("%Y-%m-%d %H:%M:%S")
        for partition in range(backlog.PARTITIONS)
        for offset in range(COUNT // backlog.PARTITIONS)
    )
    assert windows == dict(expected)
    assert backlog.dropped_as_late(progress) == 0
