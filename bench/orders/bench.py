"""The orders job over a backlog, both sinks together: Millrace, a real Spark local[2], and a bare
librdkafka consumer as the limit. Compares the results as well."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from measuring import BUILD, DEPS, PYTHON, ROOT, measured, median, write_report

import orders.compare as compare

PORT = 19392
KAFKA = f"127.0.0.1:{PORT}"


def add_arguments(parser):
    parser.add_argument("--count", type=int, default=10_000_000, help="orders in the backlog")
    parser.add_argument("--runs", type=int, default=3, help="runs of Millrace and librdkafka")
    parser.add_argument("--spark-runs", type=int, default=1)


def broker(action, folder):
    subprocess.run(
        [ROOT / "tools/kafka/broker.sh", action, "--port", str(PORT), "--dir", folder],
        check=True,
    )


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
            [PYTHON, ROOT / "bench/orders/spark_orders.py",
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


def print_table(runs):
    print(f"\n{'program':12} {'M orders/s':>10} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
    for run in runs:
        print(
            f"{run['program']:12} {run['orders_per_second'] / 1e6:10.3f} "
            f"{run['wall_seconds']:8.1f} {run['cpu_seconds']:8.1f} {run['peak_mib']:9}"
        )


def run(options):
    """Whether the results were equal."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        kafka = folder + "/kafka"
        broker("start", kafka)
        try:
            bench = OrdersBench(options, folder)
            equal = bench.execute()
        finally:
            broker("stop", kafka)
    print_table(bench.runs)
    print(f"\nresults equal: {equal}")
    ratios = {}
    for rival in ("spark", "librdkafka"):
        if bench.rate(rival):
            ratios[f"both/{rival}"] = round(bench.rate("millrace") / bench.rate(rival), 2)
    write_report("orders", results_equal=equal, runs=bench.runs, ratios=ratios)
    return equal in (True, None)
