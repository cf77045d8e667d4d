"""What it costs to begin: a script from its submission to its end, and a Spark Connect server until
it answers, with the memory it then holds. Millrace beside a real Spark."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

import pyspark
from measuring import BUILD, PYTHON, measured, median, write_report

SCRIPTS = {
    "empty": "",
    "session": """
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("startup").getOrCreate()
assert spark.range(10).count() == 10
spark.stop()
""",
}
SPARK_SUBMIT = pathlib.Path(pyspark.__file__).parent / "bin/spark-submit"
SPARK_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


def add_arguments(parser):
    parser.add_argument("--runs", type=int, default=5, help="runs of each program")


def environment():
    return os.environ | {"PYSPARK_PYTHON": str(PYTHON), "SPARK_LOCAL_IP": "127.0.0.1"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def memory_mib(pid):
    """What a process and those below it hold."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)  # nothing where it has ended
    own = int(resident[1]) / 1024 if resident else 0
    return own + sum(memory_mib(child) for child in children)


def serve(command, port, log):
    """Seconds until a server takes connections, and the MiB it holds a moment later."""
    start = time.monotonic()
    with open(log, "w") as out:
        server = subprocess.Popen(
            [str(part) for part in command],
            stdout=out, stderr=out, env=environment(), start_new_session=True,
        )  # fmt: skip
    try:
        while not answers(port):
            if server.poll() is not None:
                raise SystemExit(f"{command[0]} ended:\n{pathlib.Path(log).read_text()[-3000:]}")
            time.sleep(0.001)
        seconds = time.monotonic() - start
        time.sleep(1)
        return {"wall_seconds": round(seconds, 3), "idle_mib": round(memory_mib(server.pid))}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def submissions(folder):
    """What is submitted, and how: (what, program, command)."""
    for what, text in SCRIPTS.items():
        script = folder / f"{what}.py"
        script.write_text(text)
        yield f"submit {what}", "millrace", [BUILD / "millrace", "submit", script]
        yield f"submit {what}", "spark", [SPARK_SUBMIT, "--master", "local[2]", script]


def servers():
    port = free_port()
    yield "millrace", port, [BUILD / "millrace", "serve", "--port", port]
    port = free_port()
    yield (
        "spark", port,
        [SPARK_SUBMIT, "--master", "local[2]", "--conf", "spark.ui.enabled=false",
         "--conf", f"spark.connect.grpc.binding.port={port}", "--class", SPARK_SERVER,
         "spark-internal"],
    )  # fmt: skip


def run(options):
    runs = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        folder = pathlib.Path(name)
        out, err = folder / "out", folder / "err"
        for number in range(options.runs):
            print(f"round {number + 1} of {options.runs} …", flush=True)
            for what, program, command in submissions(folder):
                result = measured(command, out, err, environment())
                runs.append({"what": what, "program": program, **result})
            for program, port, command in servers():
                result = serve(command, port, out)
                runs.append({"what": "server", "program": program, **result})

    def middle(what, program, figure):
        return median(
            [one[figure] for one in runs if (one["what"], one["program"]) == (what, program)]
        )

    rows = [(f"submit {what}", "wall_seconds", "s") for what in SCRIPTS]
    rows += [("server", "wall_seconds", "s"), ("server", "idle_mib", "MiB")]
    ratios = {}
    print(f"\n{'median of':28} {'millrace':>12} {'spark':>12} {'ratio':>8}")
    for what, figure, unit in rows:
        ours, theirs = middle(what, "millrace", figure), middle(what, "spark", figure)
        label = what if unit == "s" else f"{what}, idle"
        ratios[f"{label}: spark/millrace"] = round(theirs / ours, 1)
        print(f"{label + ', ' + unit:28} {ours:12.3f} {theirs:12.3f} {theirs / ours:8.1f}")
    write_report("startup", runs=runs, ratios=ratios)
    return True
