"""Kafka brokers of a test's own, for what cannot be done to the broker all tests share."""

import contextlib
import pathlib
import random
import socket
import subprocess
import threading

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


class Proxy:
    """Stands between a broker, whose advertised address it is, and its clients; can cut all
    connections in the middle of an answer."""

    def __init__(self, port, broker_port):
        self.address = f"127.0.0.1:{port}"
        self._broker = ("127.0.0.1", broker_port)
        self._lock = threading.Lock()
        self._open = []
        self._left = None  # bytes from the broker until the cut; None: no end
        self._cut = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, count):
        with self._lock:
            self._cut.clear()
            self._left = count

    def wait_for_cut(self, timeout):
        return self._cut.wait(timeout)

    def pass_all(self):
        with self._lock:
            self._left = None
            self._cut.clear()

    def close(self):
        self._listener.close()
        with self._lock:
            self._end_all()

    def _end_all(self):
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection(self._broker) as broker:
            with self._lock:
                if self._cut.is_set():
                    return
                self._open += [client, broker]
            asking = threading.Thread(target=self._pump, args=(client, broker, False), daemon=True)
            asking.start()
            self._pump(broker, client, True)
            asking.join()

    def _pump(self, source, target, counted):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(self._passed(data) if counted else data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _passed(self, data):
        """What of an answer's bytes still gets through."""
        with self._lock:
            if self._left is None:
                return data
            data = data[: self._left]
            self._left -= len(data)
            if self._left == 0:
                self._cut.set()
                self._end_all()
            return data
