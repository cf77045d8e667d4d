"""What every benchmark needs: timing a command, medians, and the report it writes."""

import datetime
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ["MILLRACE_BUILD_DIR"])
DEPS = ROOT / ".deps"
PYTHON = DEPS / "venv/bin/python"


def measured(command, stdout, stderr, env=None):
    """Runs a command; its wall seconds, CPU seconds and peak memory, its children's included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(stdout, "w") as out, open(stderr, "w") as err:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=err, env=env
        )
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


def write_report(name, **content):
    """Writes bench/results/<name>-<date>.json: machine, versions, command and `content`."""
    report = {
        "benchmark": name,
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
        **content,
    }
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{report['date']}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"ratios: {json.dumps(content['ratios'])}\nwritten: {path.relative_to(ROOT)}")
