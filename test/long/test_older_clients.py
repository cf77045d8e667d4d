"""An everyday script with every PySpark client that is supported, full and client-only."""

import os
import pathlib
import subprocess
import sys

import pytest
from python.conftest import running_server
from wire import wire

HERE = pathlib.Path(__file__).parent
CLIENTS = HERE.parent.parent / ".deps" / "clients"
STEPS = [
    "version", "collect", "pandas", "columns", "large", "huge", "error", "memory", "progress",
    "stopped", "foreachBatch", "interrupt",
]  # fmt: skip


def run(client, folder):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "PYSPARK"))}
    if client is not None:
        environment["PYTHONPATH"] = str(client)
    millrace = os.path.join(os.environ["MILLRACE_BUILD_DIR"], "millrace")
    return subprocess.run(
        [millrace, "submit", "--python", sys.executable, HERE / "everyday_script.py", folder],
        capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("client", [None, *sorted(CLIENTS.iterdir())], ids=lambda one: one and one.name)
def test_an_everyday_script(client, tmp_path):
    done = run(client, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.splitlines()
    assert [word for word in words if word in STEPS] == STEPS


@pytest.mark.parametrize("script", wire.SCRIPTS)
@pytest.mark.parametrize("client", ["4.0.1", "4.1.1"])
def test_a_wire_script(client, script, kafka, tmp_path):
    with running_server(cwd=tmp_path) as server:
        found = wire.run(script, server.url, kafka, tmp_path, client)
    assert found == wire.answer(script).read_text().splitlines()


def test_both_older_clients_are_there():
    assert len(list(CLIENTS.iterdir())) == 2
