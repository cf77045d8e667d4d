"""What the tests share: the programs under test, a broker, and a fresh topic for each test."""

import os
import pathlib
import signal
import subprocess
import uuid

import pytest


class Programs:
    """Runs the programs of the build under test against the broker of this run."""

    def __init__(self, folder, kafka):
        self._folder = pathlib.Path(folder)
        self._kafka = kafka

    def _command(self, name, arguments):
        return [str(self._folder / name), *map(str, arguments)]

    def run(self, name, *arguments, env=None, check=True, timeout=300, **more):
        """Runs to the end; the completed process with its output as text."""
        done = subprocess.run(
            self._command(name, arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            **more,
        )
        if check:
            assert done.returncode == 0, f"{name} failed:\n{done.stdout}\n{done.stderr}"
        return done

    def start(
        self, name, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ):
        return subprocess.Popen(self._command(name, arguments), stdout=stdout, stderr=stderr)

    def produce(self, topic, count, *arguments, partitions=4):
        """Sends `count` orders as fast as it goes."""
        return self.run(
            "orders_producer", "--bootstrap-servers", self._kafka, "--topic", topic,
            "--create-topic", "--partitions", partitions, "--rate", 0, "--count", count,
            "--seed", 7, *arguments,
        )

    def tracking(self, topic, folder, *arguments):
        """The arguments of the orders job with its data in `folder`."""
        return [
            "--bootstrap-servers", self._kafka, "--topic", topic,
            "--checkpoint", folder / "checkpoints", "--output", folder / "lake", *arguments,
        ]


@pytest.fixture(scope="session")
def kafka():
    return os.environ["MILLRACE_TEST_KAFKA"]


@pytest.fixture(scope="session")
def programs(kafka):
    return Programs(os.environ["MILLRACE_BUILD_DIR"], kafka)


@pytest.fixture
def topic():
    return f"orders-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def background():
    """Starts processes that are ended with the test."""
    running = []

    def add(process):
        running.append(process)
        return process

    yield add
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
