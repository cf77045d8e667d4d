"""Runs the wire scripts, and leaves of their output what must be the same everywhere."""

import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

FOLDER = pathlib.Path(__file__).parent
OLDER_CLIENTS = FOLDER.parent.parent / ".deps" / "clients"
PINNED = "4.2.0"
SCRIPTS = ["wire_basic", "wire_streaming_kafka", "wire_client_4_2"]
MESSAGE = re.compile(r"^ *(\d+\.\d+ )?[<>.!] [A-Z]\w+ ")
PLAN = re.compile(r"['~]\w+ |[:+ -]*[+:]- ")
# Of an error: where in a text it is, gRPC's own words, and how far the failed query was.
PLACE_IN_TEXT = re.compile(r"\n== SQL \(line.*?\n *\^+\n?", re.DOTALL)
DETAIL = re.compile(
    r'\t(details|debug_error_string) = |"$|Identifier:|Current |Thread State:|Logical Plan:|WriteTo'
)
REPLACED = [
    (re.compile(r"; line \d+ pos \d+;$"), ""),
    (re.compile(r";\\n['~].*|\\n$"), ""),
    (re.compile(r" \|  \| "), " | None | "),  # an error without a class, in 4.0
    (re.compile(r"(SQLSTATE: \w{5}) [A-Z_.]+ \w{5}$"), r"\1"),  # what a script prints behind
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"0x[0-9a-f]+"), "<address>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"\\?n?=== Streaming Query ===.*"), ""),
    (re.compile(r"127\.0\.0\.1:\d+"), "<kafka>"),
]
# Lines that differ: docs/known-differences.md; and older clients do not know realTime.
KNOWN = (
    "ERR non-time window", "ERR continuous agg",
    "AnalysisException [UNSUPPORTED_FEATURE] trigger(realTime",
    "TypeError DataStreamWriter.trigger() got an unexpected keyword argument 'realTime'",
)  # fmt: skip


def run(script, url, kafka, folder, client=PINNED):
    """What is to be compared of the output of a script, run with a client of that version."""
    topic = f"wire-{uuid.uuid4().hex[:12]}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "PYSPARK"))}
    environment |= {
        "WIRE_URL": url, "WIRE_FOLDER": str(folder), "WIRE_KAFKA": kafka, "WIRE_TOPIC": topic,
        "PYTHONPATH": "" if client == PINNED else str(OLDER_CLIENTS / client), "TZ": "UTC",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "ignore", FOLDER / "scripts" / f"{script}.py"],
        capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = lines_of(done.stdout.replace(topic, "<topic>").replace(str(folder), "<folder>"))
    return [PINNED if line == client else line for line in lines]


def answer(script):
    """The file with what it printed on Spark, with the pinned client."""
    return FOLDER / "answers" / f"{script}.txt"


def lines_of(output):
    """The lines that a script prints itself, without plans, stacks and what differs by run."""
    lines = []
    skipping = False
    for line in PLACE_IN_TEXT.sub("", output).splitlines():
        if line.startswith("====="):
            skipping = False
        if line.startswith(("== Physical Plan", "JVM stacktrace")):
            skipping = True
        if skipping or any(one.match(line) for one in (PLAN, MESSAGE, DETAIL)):
            continue
        line = plain(line)
        if not line.strip() or line == "LST idle" or line.startswith(KNOWN):  # idle: by chance
            continue
        lines.append(line)
        if line.startswith("|"):  # rows come in any order
            begin = len(lines) - 1
            while begin > 0 and lines[begin - 1].startswith("|"):
                begin -= 1
            lines[begin:] = sorted(lines[begin:])
    return lines


def plain(line):
    if line.startswith("{"):
        try:
            return json.dumps(shape(json.loads(line)), sort_keys=True)
        except json.JSONDecodeError:
            pass  # a dict as Python prints it
    for pattern, stands_for in REPLACED:
        line = pattern.sub(stands_for, line)
    return line


def shape(value):
    """A progress without its figures: keys and types."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("durationMs", "customMetrics", "droppedRows")}
        return {key: shape(one) for key, one in kept.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return "number" if isinstance(value, (int, float)) else type(value).__name__
