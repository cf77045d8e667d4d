"""The promise of exactly-once under many kills."""

from test_lake_readers import with_pyarrow
from test_recovery import assert_same_windows, expected_windows, kill_loop, last_windows
from topic_reader import read_orders


def test_fifty_kills_lose_and_double_nothing(programs, kafka, topic, tmp_path, background):
    output = kill_loop(programs, kafka, topic, tmp_path, background, rounds=50, seed=50)
    orders = read_orders(kafka, topic)
    assert sorted(with_pyarrow(tmp_path / "lake")) == orders
    assert_same_windows(last_windows(output), expected_windows(orders))
