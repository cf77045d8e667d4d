"""Spark Connect servers under test, and PySpark sessions with them."""

import contextlib
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest

# PySpark shows times in the zone of the process.
os.environ["TZ"] = "UTC"
time.tzset()

# The shadow memory of a sanitizer counts as the server's.
SANITIZED = any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))
READY = re.compile(r"Spark Connect server ready at sc://(\S+):(\d+)")


class ConnectServer:
    """One `millrace serve`, from its ready line to its end."""

    def __init__(self, *arguments, cwd=None, env=None):
        program = pathlib.Path(os.environ["MILLRACE_BUILD_DIR"]).resolve() / "millrace"
        self.process = subprocess.Popen(
            [str(program), "serve", "--port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, **(env or {})},
        )
        self.lines = []
        self._arrived = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = None
        while self.port is None:
            line = self._arrived.get(timeout=60)
            assert line is not None, f"the server ended:\n{self.output()}"
            if match := READY.match(line):
                self.port = int(match[2])

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            self._arrived.put(line)
        self._arrived.put(None)

    @property
    def url(self):
        return f"sc://localhost:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return "".join(self.lines)

    def status(self, field):
        """A number of /proc/<pid>/status: VmRSS in KiB, Threads."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s*(\d+)", text, re.MULTILINE)[1])

    def alive(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.alive():
            self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self._reader.join(timeout=60)
        return status


@contextlib.contextmanager
def running_server(*arguments, **how):
    server = ConnectServer(*arguments, **how)
    try:
        yield server
    finally:
        if server.alive():
            server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests that do not need their own; it must end cleanly after them."""
    with running_server(cwd=tmp_path_factory.mktemp("server")) as one:
        yield one
        assert one.alive(), one.output()
        assert one.stop() == 0, one.output()


@pytest.fixture
def spark(server):
    """A session of its own for each test."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(f"{server.url}/;session_id={uuid.uuid4()}").create()
    yield session
    session.stop()


def pytest_sessionfinish(session, exitstatus):
    session.config.exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # A PySpark client whose server is gone goes on for minutes to release its last operation, in
    # threads that the interpreter would wait for.
    if hasattr(config, "exit_status"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.exit_status)
