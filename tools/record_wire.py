#!/usr/bin/env python3
"""Records what the wire scripts print on a real Spark 4.2, in test/wire/answers.

Argument: the address of a Kafka broker. Starts a local Spark Connect server of its own.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import pyspark

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test"))

from wire import wire  # noqa: E402


def spark_connect(folder):
    """A server's process and address, when it takes requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = pathlib.Path(pyspark.__file__).parent
    jars = ",".join(map(str, sorted((ROOT / ".deps" / "spark" / "libs").glob("*.jar"))))
    command = [home / "bin" / "spark-submit", "--master", "local[2]", "--jars", jars]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    for setting in (
        "spark.ui.enabled=false", "spark.connect.grpc.binding.address=127.0.0.1",
        f"spark.connect.grpc.binding.port={port}", "spark.sql.shuffle.partitions=1",
        "spark.sql.session.timeZone=UTC",
    ):  # fmt: skip
        command += ["--conf", setting]
    log = pathlib.Path(folder) / "spark.log"
    server = subprocess.Popen(
        [*command, "spark-internal"], stdin=subprocess.DEVNULL, stdout=open(log, "w"),
        stderr=subprocess.STDOUT, cwd=folder,
        env={**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable},
    )  # fmt: skip
    while "Spark Connect server started" not in log.read_text():
        assert server.poll() is None, log.read_text()[-3000:]
        time.sleep(0.5)
    return server, f"sc://127.0.0.1:{port}"


def main():
    kafka = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        server, url = spark_connect(folder)
        try:
            for script in wire.SCRIPTS:
                work = pathlib.Path(folder) / script
                work.mkdir()
                lines = wire.run(script, url, kafka, work)
                wire.answer(script).write_text("".join(line + "\n" for line in lines))
                print(f"{script}: {len(lines)} lines", flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
