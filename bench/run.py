#!/usr/bin/env python3
"""Benchmarks, side by side with rivals in one run; `./dev bench <name>` calls this.

orders   the orders job over a backlog, both sinks together: Millrace, a real Spark local[2], and
         a bare librdkafka consumer as the limit. Compares the results as well.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "orders"))
import compare  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ["MILLRACE_BUILD_DIR"])
DEPS = ROOT / ".deps"
PORT = 19392
KAFKA = f"127.0.0.1:{PORT}"


def broker(action, folder):
    subprocess.run(
        [ROOT / "tools/kafka/broker.sh", action, "--port", str(PORT), "--dir", folder],
        check=True,
    )


def measured(command, stdout, stderr):
    """Runs a command; its wall seconds, CPU seconds and peak memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(stdout, "w") as out, open(stderr, "w") as err:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode != 0:
        tail = pathlib.Path(stderr).read_text()[-3000:]
        sys.exit(f"{command[0]} failed with {process.returncode}:\n{tail}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


class OrdersBench:
    """One backlog, three programs."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = pathlib.Path(folder)
        self.topic = "bench-orders"
        self.runs = []

    def produce(self):
        # One order every 400 us: 10 million of them cover a bit more than an hour.
        subprocess.run(
            [
                BUILD / "orders_producer", "--bootstrap-servers", KAFKA, "--topic", self.topic,
                "--create-topic", "--partitions", "4", "--rate", "0",
                "--count", str(self.options.count), "--seed", "1",
                "--start-time", "2026-02-01T12:00:00", "--step-micros", "400",
            ],
            check=True,
        )

    def run(self, name, command, data=None):
        print(f"{name} …", flush=True)
        stdout, stderr = self.folder / f"{name}.out", self.folder / f"{name}.err"
        result = measured(command, stdout, stderr)
        result.update(
            program=name, orders=self.options.count,
            orders_per_second=round(self.options.count / result["wall_seconds"]),
            command=" ".join(pathlib.Path(str(part)).name for part in command),
        )
        # The work of Spark is done in a JVM of its own, which reports what it used.
        for line in stderr.read_text().splitlines():
            if line.startswith("jvm "):
                result.update(json.loads(line.removeprefix("jvm ")))
        self.runs.append(result)
        return stdout

    def millrace(self, number):
        data = self.folder / f"millrace-{number}"
        out = self.run(
            "millrace",
            [BUILD / "orders_bench", "--bootstrap-servers", KAFKA, "--topic", self.topic,
             "--folder", data],
        )
        return data, out.read_text()

    def spark(self, number):
        data = self.folder / f"spark-{number}"
        out = self.run(
            "spark",
            [DEPS / "venv/bin/python", ROOT / "bench/orders/spark_orders.py",
             "--bootstrap-servers", KAFKA, "--topic", self.topic, "--folder", data,
             "--jars", DEPS / "spark/libs"],
        )
        return data, out.read_text()

    def librdkafka(self):
        self.run("librdkafka", [BUILD / "consume_bench", KAFKA, self.topic, self.options.count])

    def rate(self, program):
        rates = [r["orders_per_second"] for r in self.runs if r["program"] == program]
        return median(rates) if rates else None

    def execute(self):
        self.produce()
        for number in range(self.options.runs):
            self.librdkafka()
            data, console = self.millrace(number)
            if number + 1 < self.options.runs:
                shutil.rmtree(data)
        ours = data, console
        equal = None
        for number in range(self.options.spark_runs):
            theirs = self.spark(number)
            equal = compare.same_results(ours, theirs)
        return equal


def write_report(bench, equal):
    ratios = {}
    for rival in ("spark", "librdkafka"):
        if bench.rate(rival):
            ratios[f"both/{rival}"] = round(bench.rate("millrace") / bench.rate(rival), 2)
    report = {
        "benchmark": "orders",
        "date": datetime.date.today().isoformat(),
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "memory_gib": round(
                os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
            ),
            "system": platform.platform(),
        },
        "versions": {"spark": "4.2.0", "kafka": "4.1.0", "python": platform.python_version()},
        "command": "./dev bench " + " ".join(sys.argv[1:]),
        "results_equal": equal,
        "runs": bench.runs,
        "ratios": ratios,
    }
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"orders-{report['date']}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{'program':12} {'M orders/s':>10} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
    for run in bench.runs:
        print(
            f"{run['program']:12} {run['orders_per_second'] / 1e6:10.3f} "
            f"{run['wall_seconds']:8.1f} {run['cpu_seconds']:8.1f} {run['peak_mib']:9}"
        )
    print(f"\nresults equal: {equal}\nratios: {json.dumps(ratios)}\nwritten: {path.relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=["orders"])
    parser.add_argument("--count", type=int, default=10_000_000, help="orders in the backlog")
    parser.add_argument("--runs", type=int, default=3, help="runs of Millrace and librdkafka")
    parser.add_argument("--spark-runs", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        kafka = folder + "/kafka"
        broker("start", kafka)
        try:
            bench = OrdersBench(options, folder)
            equal = bench.execute()
        finally:
            broker("stop", kafka)
        write_report(bench, equal)
    return 0 if equal in (True, None) else 1


if __name__ == "__main__":
    sys.exit(main())
