#!/usr/bin/env python3
"""Records what a real Spark answers to the cases of test/conformance/cases.

Starts a local Spark Connect server, runs every case through its PySpark client, and writes the
answers and what each case calls to test/conformance/results. With topics as arguments, only those;
with --new, only cases that have no answer yet.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time
import warnings

os.environ["TZ"] = "UTC"
time.tzset()
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test"))

from conformance import answers, cases, coverage, frames, recorded  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


# Thousands of small queries: what would make one large query fast only costs time here.
JAVA = '--driver-memory 1500m --driver-java-options "-XX:TieredStopAtLevel=1" pyspark-shell'
SETTINGS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.connect.serverStacktrace.enabled": "false",
}


def local_server(scratch):
    """Starts Spark in this process; its address."""
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", JAVA)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.remote("local[1]").config("spark.sql.warehouse.dir", scratch)
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # settings that only the server's start may set
        builder.getOrCreate()
    for name in ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE"):  # or no other session could be made
        os.environ.pop(name, None)
    return "sc://localhost"


def record(url, topic, known, seen):
    """Adds the answers that `known` lacks; returns case -> answer in the order of the cases."""
    names = frames.make(url)
    found = {}
    for case in cases.read(topic):
        if case.text not in known:
            seen.clear()
            answer = answers.of(case, names)
            known[case.text] = {"uses": sorted(seen), **answer}
        found[case.text] = known[case.text]
    names["spark"].stop()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topics", nargs="*")
    parser.add_argument("--new", action="store_true", help="keep what is recorded")
    parser.add_argument("--remote", help="a Spark Connect server that runs already")
    arguments = parser.parse_args()
    os.nice(10)  # Spark inherits it
    count = errors = 0
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        url = arguments.remote or local_server(scratch)
        with coverage.recording() as seen:
            for topic in arguments.topics or cases.topics():
                known = recorded.read(topic) if arguments.new else {}
                found = record(url, topic, known, seen)
                recorded.write(topic, found)
                count += len(found)
                errors += sum("error" in one for one in found.values())
                print(f"{topic}: {len(found)}", flush=True)
    print(f"{count} cases recorded, {errors} of them errors")


if __name__ == "__main__":
    main()
