"""A disk that is really full, or cannot be written: an error that says so, and once there is room
again the job goes on and every order is in the lake once."""

import contextlib
import os
import resource
import signal
import subprocess

import pytest
from test_lake_readers import with_pyarrow
from test_recovery import assert_same_windows, expected_windows, last_windows
from topic_reader import read_orders

DISK_BYTES = 8 << 20
ROOM_BYTES = 64 << 10


class Disk:
    """A small disk of its own where mounting is allowed. Elsewhere a folder in which this process
    gets no file beyond a size, or which it may not write to."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder]
        self.mounted = subprocess.run(mount, capture_output=True).returncode == 0

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", self.folder], check=True)

    @contextlib.contextmanager
    def full(self):
        """Gives the system's words for what is wrong meanwhile."""
        if self.mounted:
            balloon = self.folder / "balloon"
            with open(balloon, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            os.truncate(balloon, balloon.stat().st_size - ROOM_BYTES)
            yield "No space left on device"
            balloon.unlink()
            return
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # children may inherit it
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, limits[1]))
        yield "File too large"
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    @contextlib.contextmanager
    def read_only(self):
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
            yield "Read-only file system"
            subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)
            return
        os.chmod(self.folder, 0o555)
        yield "Permission denied"
        os.chmod(self.folder, 0o755)


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.remove()


def produce_in_order(programs, topic, count, start="2026-02-01T12:00:00"):
    programs.produce(topic, count, "--start-time", start, "--step-micros", 1000)


def test_a_full_disk_costs_nothing_but_time(programs, kafka, topic, disk):
    arguments = programs.tracking(topic, disk.folder, "--available-now")
    lake = disk.folder / "lake"
    produce_in_order(programs, topic, 1_000)
    first = programs.run("ecommerce_tracking", *arguments)
    produce_in_order(programs, topic, 50_000, start="2026-02-01T12:00:01")
    with disk.full() as words:
        failed = programs.run(
            "ecommerce_tracking", *arguments, check=False, restore_signals=disk.mounted
        )
        assert failed.returncode == 1
        assert words in failed.stderr
        assert str(disk.folder) in failed.stderr  # which file
        assert len(with_pyarrow(lake)) == 1_000
    last = programs.run("ecommerce_tracking", *arguments)
    orders = read_orders(kafka, topic)
    assert len(orders) == 51_000
    assert sorted(with_pyarrow(lake)) == orders
    output = first.stdout + failed.stdout + last.stdout
    assert_same_windows(last_windows(output), expected_windows(orders))


def test_a_disk_that_cannot_be_written_is_named(programs, kafka, topic, tmp_path, disk):
    produce_in_order(programs, topic, 100)
    lake, checkpoints = disk.folder / "lake", disk.folder / "checkpoints"
    elsewhere = tmp_path / "elsewhere"
    servers = ["--bootstrap-servers", kafka, "--topic", topic, "--available-now"]
    with disk.read_only() as words:
        for named, arguments in [
            (checkpoints, ["--checkpoint", checkpoints, "--output", elsewhere / "lake"]),
            (disk.folder, ["--checkpoint", elsewhere / "checkpoints", "--output", lake]),
        ]:
            failed = programs.run("ecommerce_tracking", *servers, *arguments, check=False)
            assert failed.returncode == 1
            assert words in failed.stderr
            assert str(named) in failed.stderr
    programs.run(
        "ecommerce_tracking", *servers, "--checkpoint", elsewhere / "checkpoints", "--output", lake
    )
    assert sorted(with_pyarrow(lake)) == read_orders(kafka, topic)
