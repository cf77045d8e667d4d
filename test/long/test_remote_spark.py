"""The C++ API runs a plan on a real Apache Spark, through its Spark Connect server."""

import contextlib
import os
import pathlib
import socket
import subprocess

import pyspark
import pytest
from remote_probe import assert_probe


@pytest.fixture
def spark_connect(background, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "spark.log"
    home = pathlib.Path(pyspark.__file__).parent
    command = [home / "bin" / "spark-submit", "--master", "local[2]"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    for setting in ("spark.ui.enabled=false", "spark.connect.grpc.binding.address=127.0.0.1",
                    f"spark.connect.grpc.binding.port={port}"):
        command += ["--conf", setting]
    server = background(subprocess.Popen(
        [*command, "spark-internal"], stdin=subprocess.DEVNULL, stdout=open(log, "w"),
        stderr=subprocess.STDOUT, env={**os.environ, "SPARK_HOME": str(home)}, cwd=tmp_path,
    ))
    while "Spark Connect server started" not in log.read_text():
        assert server.poll() is None, log.read_text()[-3000:]
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.2)
    return f"sc://127.0.0.1:{port}"


def test_the_same_plan_runs_on_apache_spark(programs, spark_connect, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    assert_probe(programs, spark_connect, folder)


def test_a_server_that_is_not_there(programs, tmp_path):
    failed = programs.run("remote_probe", "sc://127.0.0.1:1", tmp_path, check=False)
    assert failed.returncode == 1
    assert "The Spark Connect server at 127.0.0.1:1 cannot be reached" in failed.stdout
