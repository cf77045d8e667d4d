#!/usr/bin/env python3
"""Runs all tests of a build and prints what failed; `./dev test` calls this after building.

Suites are the GoogleTest programs that ctest knows, the layers check, and the pytest folders.
They run two at a time, each with a time limit. Logs and reports stay in <build>/test-reports/.
The last line is always `N passed, M failed`; success means M = 0 and N > 0.

What a test finds in its environment:
  MILLRACE_BUILD_DIR   the build whose programs to try
  MILLRACE_TEST_KAFKA  address of a broker of this run's own, host:port; only there if a selected
                       suite's program or source mentions this name
  MILLRACE_LONG        1 with --long, when long tests should run as well
  TMPDIR               a folder that is removed at the end
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
KAFKA_VARIABLE = "MILLRACE_TEST_KAFKA"
FIRST_KAFKA_PORT = 19192
LIST_SECONDS = 60
# pytest's exit status when no test was to be run.
NOTHING_SELECTED = 5
# The most lines shown of one failure; the whole log stays in the report folder.
SHOWN_LINES = 150


@dataclasses.dataclass
class Outcome:
    """What came of one suite."""

    passed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)  # (test, text)
    seconds: float = 0.0


class Processes:
    """Runs programs, each in a process group of its own, and can end them all."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running = set()
        self._stopped = False

    def run(self, command, log, environment, seconds):
        """Returns the exit status, or None if the program took longer than `seconds`."""
        with open(log, "wb") as output:
            with self._lock:
                if self._stopped:
                    raise RuntimeError("the test run was interrupted")
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=ROOT,
                    start_new_session=True,
                )
                self._running.add(process)
            try:
                return process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                return None
            finally:
                self._kill(process)
                with self._lock:
                    self._running.discard(process)

    def stop(self):
        with self._lock:
            self._stopped = True
            for process in self._running:
                self._kill(process)

    @staticmethod
    def _kill(process):
        # The whole group, since a test may have started programs that it left behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class GTestSuite:
    """One GoogleTest program."""

    def __init__(self, program, test_filter):
        self.name = program.name
        self.program = program
        # A filter that names the program selects all its tests.
        whole = not test_filter or test_filter in self.name
        self.arguments = [] if whole else [f"--gtest_filter=*{test_filter}*"]

    def is_selected(self, environment):
        if not self.program.exists():
            return not self.arguments
        listing = subprocess.run(
            [self.program, "--gtest_list_tests", *self.arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIST_SECONDS,
        )
        # A program that cannot even list its tests is run, so that its failure is seen.
        return listing.returncode != 0 or "\n  " in listing.stdout

    def wants_kafka(self):
        if not self.program.exists():
            return False
        with open(self.program, "rb") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
                return image.find(KAFKA_VARIABLE.encode()) >= 0

    def run(self, processes, reports, environment, seconds):
        if not self.program.exists():
            return Outcome(failures=[(self.name, f"{self.program} was not built.")])
        report = reports / f"{self.name}.json"
        log = reports / f"{self.name}.log"
        report.unlink(missing_ok=True)
        command = [self.program, "--gtest_color=no", f"--gtest_output=json:{report}"]
        status = processes.run(command + self.arguments, log, environment, seconds)
        text = log.read_text(errors="replace")
        if report.exists() and status is not None:
            return self._from_report(json.loads(report.read_text()), text, status)
        return self._from_log(text, status, seconds)

    def _from_report(self, report, text, status):
        outcome = Outcome()
        for group in report["testsuites"]:
            for test in group["testsuite"]:
                name = f"{group['name']}.{test['name']}"
                if test.get("failures"):
                    outcome.failures.append((name, output_of(name, text)))
                elif test.get("result") == "SKIPPED":
                    outcome.skipped += 1
                elif test.get("status") == "RUN":
                    outcome.passed += 1
        if status != 0 and not outcome.failures:
            what = f"all tests passed, but the program ended with {describe(status)}"
            outcome.failures.append((self.name, f"{what}:\n{tail(text)}"))
        return outcome

    def _from_log(self, text, status, seconds):
        """For a program that did not live to write its report."""
        outcome = Outcome(passed=len(re.findall(r"^\[ +OK \] ", text, re.MULTILINE)))
        for name in re.findall(r"^\[  FAILED  \] (\S+?),? .*\(\d+ ms\)$", text, re.MULTILINE):
            outcome.failures.append((name, output_of(name, text)))
        started = re.findall(r"^\[ RUN      \] (\S+)$", text, re.MULTILINE)
        running = started[-1] if started else self.name
        if status is None:
            what = f"took longer than {seconds} s and was killed"
        else:
            what = f"ended the program with {describe(status)}"
        outcome.failures.append((running, f"{what}; the log ends with:\n{tail(text)}"))
        return outcome


class PytestSuite:
    """Tests written in Python."""

    def __init__(self, name, paths, test_filter):
        self.name = name
        self.paths = paths
        whole = not test_filter or test_filter in name
        self.arguments = [] if whole else ["-k", test_filter]

    def is_selected(self, environment):
        if not self.arguments:
            return True
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
        command += ["-p", "no:cacheprovider", *self.arguments, *self.paths]
        listing = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, timeout=LIST_SECONDS
        )
        return listing.returncode != NOTHING_SELECTED

    def wants_kafka(self):
        files = [file for path in self.paths for file in [path, *path.rglob("*.py")]]
        files += [path.parent / "conftest.py" for path in self.paths]
        return any(KAFKA_VARIABLE in file.read_text() for file in files if file.is_file())

    def run(self, processes, reports, environment, seconds):
        report = reports / f"{self.name}.xml"
        log = reports / f"{self.name}.log"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [f"--junitxml={report}", *self.arguments, *self.paths]
        status = processes.run(command, log, environment, seconds)
        text = log.read_text(errors="replace")
        if status is None:
            what = f"took longer than {seconds} s and was killed; the log ends with:"
            return Outcome(failures=[(self.name, f"{what}\n{tail(text)}")])
        if not report.exists():
            what = f"pytest ended with {describe(status)}:"
            return Outcome(failures=[(self.name, f"{what}\n{tail(text)}")])
        return self._from_report(xml.etree.ElementTree.parse(report).getroot(), text, status)

    def _from_report(self, report, text, status):
        outcome = Outcome()
        for case in report.iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            bad = [found for kind in ("failure", "error") for found in case.findall(kind)]
            if bad:
                outcome.failures.append((name, "\n".join(item.text or "" for item in bad)))
            elif case.find("skipped") is not None:
                outcome.skipped += 1
            else:
                outcome.passed += 1
        if status not in (0, 1, NOTHING_SELECTED) and not outcome.failures:
            what = f"pytest ended with {describe(status)}:"
            outcome.failures.append((self.name, f"{what}\n{tail(text)}"))
        return outcome


class LayersSuite:
    """The check that no module includes what it must not."""

    name = "layers"

    def is_selected(self, environment):
        del environment
        return True

    def wants_kafka(self):
        return False

    def run(self, processes, reports, environment, seconds):
        log = reports / "layers.log"
        command = [sys.executable, ROOT / "tools" / "check_layers.py"]
        if processes.run(command, log, environment, seconds) == 0:
            return Outcome(passed=1)
        return Outcome(failures=[("layers", log.read_text())])


def output_of(test, text):
    """The part of a GoogleTest program's log between a test's start and its end."""
    start = text.find(f"[ RUN      ] {test}\n")
    end = text.find(f"[  FAILED  ] {test}", start)
    return text[start : end if end >= 0 else None] if start >= 0 else tail(text)


def tail(text):
    return "\n".join(text.splitlines()[-SHOWN_LINES:])


def describe(status):
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def find_suites(build, test_filter, long_ones):
    listing = subprocess.run(
        ["ctest", "--test-dir", build, "--show-only=json-v1"],
        capture_output=True,
        text=True,
        check=True,
    )
    suites = []
    for test in json.loads(listing.stdout)["tests"]:
        if test["name"].endswith("_test"):
            suites.append(GTestSuite(build / "tests" / test["name"], test_filter))
    suites.sort(key=lambda suite: suite.name)
    if not test_filter or test_filter in LayersSuite.name:
        suites.append(LayersSuite())

    folders = [("tools", sorted((ROOT / "tools").glob("*_test.py")))]
    folders.append(("python", [ROOT / "test" / "python"]))
    if long_ones:
        folders.append(("long", [ROOT / "test" / "long"]))
    for name, paths in folders:
        paths = [path for path in paths if path.exists()]
        if paths:
            suites.append(PytestSuite(name, paths, test_filter))
    return suites


def sanitizer_options(preset):
    """Environment for the programs of the sanitizer presets."""
    folder = ROOT / "tools" / "sanitizers"
    # The sanitizers see the system's malloc, not the one that Arrow brings along.
    system_memory = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    if preset == "asan":
        return system_memory | {
            "ASAN_OPTIONS": f"suppressions={folder / 'asan.supp'}:strict_string_checks=1:"
            "detect_stack_use_after_return=1:check_initialization_order=1",
            "LSAN_OPTIONS": f"suppressions={folder / 'lsan.supp'}:print_suppressions=0",
            "UBSAN_OPTIONS": f"suppressions={folder / 'ubsan.supp'}:print_stacktrace=1",
        }
    if preset == "tsan":
        return system_memory | {
            "TSAN_OPTIONS": f"suppressions={folder / 'tsan.supp'}:second_deadlock_stack=1:"
            "history_size=4"
        }
    return {}


def free_kafka_port():
    """The first port that is free, together with the next one, which the controller takes."""
    for port in range(FIRST_KAFKA_PORT, FIRST_KAFKA_PORT + 40, 2):
        with socket.socket() as one, socket.socket() as two:
            for part in (one, two):
                part.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue
    sys.exit(f"No two ports in a row are free from {FIRST_KAFKA_PORT} on. End other test runs.")


@contextlib.contextmanager
def kafka_broker(folder):
    """Runs a broker whose data lies in `folder`; yields its address."""
    port = free_kafka_port()
    place = ["--port", str(port), "--dir", str(folder)]
    broker = ROOT / "tools" / "kafka" / "broker.sh"
    environment = os.environ | {"MILLRACE_KAFKA_HEAP": "512m"}
    try:
        # In a session of its own, so that Ctrl-C does not tear the script apart.
        subprocess.run(
            [broker, "start", *place], env=environment, check=True, start_new_session=True
        )
        yield f"127.0.0.1:{port}"
    finally:
        if folder.exists():
            subprocess.run([broker, "stop", *place], check=False, start_new_session=True)


def run_all(suites, reports, environment, seconds, jobs):
    """Runs the suites and prints a line for each; returns suite name -> Outcome."""
    processes = Processes()
    outcomes = {}

    def run_one(suite):
        start = time.monotonic()
        outcome = suite.run(processes, reports, environment, seconds)
        outcome.seconds = time.monotonic() - start
        return outcome

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # The Python suites take longest; started first they leave no core idle at the end.
        order = sorted(suites, key=lambda suite: not isinstance(suite, PytestSuite))
        running = {pool.submit(run_one, suite): suite for suite in order}
        try:
            for future in concurrent.futures.as_completed(running):
                name = running[future].name
                outcomes[name] = future.result()
                print_line(name, outcomes[name])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            raise
    return outcomes


def print_line(name, outcome):
    """Prints how a suite went and what failed; nothing if the filter selected none of its tests."""
    if not (outcome.passed or outcome.failures or outcome.skipped):
        return
    parts = [f"{outcome.passed} passed"]
    if outcome.failures:
        parts.append(f"{len(outcome.failures)} failed")
    if outcome.skipped:
        parts.append(f"{outcome.skipped} skipped")
    mark = "FAILED" if outcome.failures else "ok"
    print(f"{mark:>6}  {name:<32} {', '.join(parts):<36} {outcome.seconds:6.1f} s", flush=True)
    for test, _ in outcome.failures:
        print(f"          {test}", flush=True)


def print_failures(outcomes, reports):
    for name, outcome in outcomes.items():
        for test, text in outcome.failures:
            lines = text.strip().splitlines()
            print(f"\n----- {name}: {test}")
            print("\n".join(lines[:SHOWN_LINES]))
            if len(lines) > SHOWN_LINES:
                print(f"… {len(lines) - SHOWN_LINES} more lines in {reports}")


def select(suites, environment, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        selected = pool.map(lambda suite: suite.is_selected(environment), suites)
        return [suite for suite, wanted in zip(suites, list(selected)) if wanted]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--preset", default="dev", help="which sanitizer options to set")
    parser.add_argument("--filter", default="", help="part of the names of suites or tests")
    parser.add_argument("--long", action="store_true", help="also test/long")
    parser.add_argument("--jobs", type=int, default=2, help="suites that run at a time")
    parser.add_argument("--timeout", type=int, help="seconds that one suite may take")
    return parser.parse_args()


def interrupt(number, frame):
    del number, frame
    raise KeyboardInterrupt


def main():
    arguments = parse_arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    build = arguments.build_dir.resolve()
    seconds = arguments.timeout or (7200 if arguments.long else 1800)
    reports = build / "test-reports"
    reports.mkdir(exist_ok=True)

    with contextlib.ExitStack() as stack:
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="millrace-test-"))
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        (scratch / "tmp").mkdir()
        environment = os.environ | sanitizer_options(arguments.preset)
        environment["MILLRACE_BUILD_DIR"] = str(build)
        environment["TMPDIR"] = environment["TEST_TMPDIR"] = str(scratch / "tmp")
        environment.pop(KAFKA_VARIABLE, None)
        environment.pop("MILLRACE_LONG", None)
        if arguments.long:
            environment["MILLRACE_LONG"] = "1"

        suites = find_suites(build, arguments.filter, arguments.long)
        suites = select(suites, environment, arguments.jobs)
        if not suites:
            sys.exit(f"No test or suite has '{arguments.filter}' in its name.")
        if any(suite.wants_kafka() for suite in suites):
            environment[KAFKA_VARIABLE] = stack.enter_context(kafka_broker(scratch / "kafka"))
        outcomes = run_all(suites, reports, environment, seconds, arguments.jobs)

    print_failures(outcomes, reports)
    passed = sum(outcome.passed for outcome in outcomes.values())
    failed = sum(len(outcome.failures) for outcome in outcomes.values())
    print(f"\n{passed} passed, {failed} failed", flush=True)
    sys.exit(0 if passed > 0 and failed == 0 else 1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("The test run was interrupted.")
