"""Reading a topic and forgetting it: the native read path beside a bare librdkafka consumer, CPU time
and wall time a message, for each codec. What a message costs includes what the program's start does."""

import pathlib
import subprocess
import tempfile

from measuring import BUILD, ROOT, measured, median, write_report

PORT = 19396
KAFKA = f"127.0.0.1:{PORT}"


def add_arguments(parser):
    parser.add_argument("--count", type=int, default=5_000_000, help="orders in each topic")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--codecs", nargs="+", default=["uncompressed", "lz4", "zstd"])


def broker(action, folder, *more):
    subprocess.run(
        [ROOT / "tools/kafka/broker.sh", action, "--port", str(PORT), "--dir", folder, *more],
        check=True,
    )


def produce(topic, count):
    subprocess.run(
        [
            BUILD / "orders_producer", "--bootstrap-servers", KAFKA, "--topic", topic,
            "--create-topic", "--partitions", "4", "--rate", "0", "--count", str(count),
            "--seed", "1", "--start-time", "2026-02-01T12:00:00", "--step-micros", "400",
        ],
        check=True,
    )  # fmt: skip


def programs(topic, count):
    native = [BUILD / "fetch_bench", "--bootstrap-servers", KAFKA, "--topic", topic]
    return {
        "native": native,
        "native, 2 threads": [*native, "--threads", "2"],
        "librdkafka": [BUILD / "consume_bench", KAFKA, topic, count],
    }


def measure(name, command, codec, options, folder):
    out = folder / "out"
    result = measured(command, out, folder / "err")
    assert out.read_text() == f"{options.count} messages\n", out.read_text()
    per_message = 1e9 / options.count
    return {
        "program": name, "codec": codec,
        "wall_ns": round(result["wall_seconds"] * per_message, 1),
        "cpu_ns": round(result["cpu_seconds"] * per_message, 1),
    }  # fmt: skip


def run(options):
    runs = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        folder = pathlib.Path(folder)
        for codec in options.codecs:
            # The broker compresses what the producer did not.
            settings = folder / "broker.properties"
            settings.write_text(f"compression.type={codec}\n")
            broker("start", folder / codec, "--properties", settings)
            try:
                produce("bench-fetch", options.count)
                for _ in range(options.runs):
                    for name, command in programs("bench-fetch", options.count).items():
                        runs.append(measure(name, command, codec, options, folder))
            finally:
                broker("stop", folder / codec)
    ratios = {}
    print(f"\n{'codec':14} {'program':20} {'CPU ns':>8} {'wall ns':>8}")
    for codec in options.codecs:
        medians = {}
        for name in programs("", 0):
            mine = [r for r in runs if (r["program"], r["codec"]) == (name, codec)]
            medians[name] = {k: median([r[k] for r in mine]) for k in ("cpu_ns", "wall_ns")}
            print(f"{codec:14} {name:20} " + " ".join(f"{v:8}" for v in medians[name].values()))
        for figure in ("cpu_ns", "wall_ns"):
            ratios[f"librdkafka/native, {codec}, {figure}"] = round(
                medians["librdkafka"][figure] / medians["native"][figure], 2
            )
    write_report("fetch", runs=runs, ratios=ratios)
    return True
