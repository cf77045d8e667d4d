"""Kafka brokers of a test's own, for what cannot be done to the broker all tests share."""

import pathlib
import random
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BROKER = ROOT / "tools" / "kafka" / "broker.sh"


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on, none of them among those the
    system gives to outgoing connections: a broker that restarts wants its port back."""
    while True:
        port = random.randrange(20_000, 32_000)
        try:
            for candidate in range(port, port + count):
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", candidate))
            return port
        except OSError:
            continue


class Broker:
    """One broker, which can be stopped and started again with its data."""

    def __init__(self, folder, port=None):
        self.folder = folder
        self.port = port or free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self.properties = None  # a file with more settings

    def start(self):
        more = ["--properties", self.properties] if self.properties else []
        self._command("start", *more)

    def stop(self):
        self._command("stop")

    def _command(self, action, *more):
        done = subprocess.run(
            [BROKER, action, "--port", str(self.port), "--dir", self.folder, *more],
            capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
