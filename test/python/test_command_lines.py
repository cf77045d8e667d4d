"""Wrong words on every command line: what was wanted and found is said, and nothing is done."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent

# program, arguments, words of the error
WRONG = [
    ("orders_producer", ["--rate", "fast"], ["--rate", "fast"]),
    ("orders_producer", ["--rate", "-1"], ["--rate", "-1"]),
    ("orders_producer", ["--rate", "nan"], ["--rate", "nan"]),
    ("orders_producer", ["--count", "1.5"], ["--count", "1.5"]),
    ("orders_producer", ["--count", "99999999999999999999"], ["--count"]),
    ("orders_producer", ["--late", "1.1"], ["--late", "1.1"]),
    ("orders_producer", ["--malformed", "-0.1"], ["--malformed", "-0.1"]),
    ("orders_producer", ["--users", "0"], ["--users", "0"]),
    ("orders_producer", ["--partitions", "0"], ["--partitions", "0"]),
    ("orders_producer", ["--seed", "-5"], ["--seed", "-5", "number from 0"]),
    ("orders_producer", ["--seed", "99999999999999999999"], ["--seed", "99999999999999999999"]),
    ("orders_producer", ["--topic", ""], ["--topic", "must not be empty"]),
    ("orders_producer", ["--bootstrap-servers", ""], ["--bootstrap-servers", "must not be empty"]),
    ("orders_producer", ["--command-config", "/tmp"], ["--command-config", "Is a directory"]),
    ("orders_producer", ["--scenario", "early-data"], ["--scenario", "late-data"]),
    ("orders_producer", ["--start-time", "soon"], ["--start-time", "soon"]),
    ("orders_producer", ["--step-micros", "5"], ["--start-time"]),
    ("orders_producer", ["--command-config", "/no/such"], ["--command-config", "/no/such"]),
    ("orders_producer", ["--topic"], ["--topic"]),
    ("orders_producer", ["--nosuch"], ["--nosuch"]),
    ("ecommerce_tracking", ["--available-now", "--trigger", "1 second"], ["--trigger"]),
    ("ecommerce_tracking", ["--command-config", "/no/such"], ["--command-config", "/no/such"]),
    ("ecommerce_tracking", ["--output"], ["--output"]),
    ("ecommerce_tracking", ["--bootstrap-servers", ""], ["--bootstrap-servers", "must not be empty"]),
    ("ecommerce_tracking", ["--topic", ""], ["--topic", "must not be empty"]),
    ("ecommerce_tracking", ["--checkpoint", ""], ["--checkpoint", "must not be empty"]),
    ("ecommerce_tracking", ["--output", ""], ["--output", "must not be empty"]),
    ("ecommerce_tracking", ["--trigger", ""], ["--trigger", "must not be empty"]),
    ("ecommerce_tracking", ["more"], ["more"]),
    ("ecommerce_summary", ["--output"], ["--output"]),
    ("ecommerce_summary", ["--output", ""], ["--output", "must not be empty"]),
    ("ecommerce_summary", ["--nosuch"], ["--nosuch"]),
    ("millrace", [], ["A command is missing", "show, handover, serve, submit"]),
    ("millrace", ["shwo", "x"], ["no command 'shwo'", "show, handover, serve, submit"]),
    ("millrace", [""], ["no command ''"]),
    ("millrace", ["--nosuch", "show", "x"], ["--nosuch"]),
    ("millrace", ["show"], ["path"]),
    ("millrace", ["show", ""], ["path", "must not be empty"]),
    ("millrace", ["show", "x", "y"], ["y"]),
    ("millrace", ["show", "x", "--limit", "-1"], ["--limit", "-1"]),
    ("millrace", ["show", "x", "--limit", "many"], ["--limit", "many"]),
    ("millrace", ["show", "x", "--limit", "99999999999"], ["--limit"]),
    ("millrace", ["handover"], ["--checkpoint"]),
    ("millrace", ["handover", "--checkpoint", "c", "--lake", "l", "--to", "flink"],
     ["--to", "flink", "spark"]),
    ("millrace", ["handover", "--checkpoint", "", "--lake", "l", "--to", "spark"],
     ["--checkpoint", "must not be empty"]),
    ("millrace", ["handover", "--checkpoint", "c", "--lake", "", "--to", "spark"],
     ["--lake", "must not be empty"]),
    ("millrace", ["serve", "--port", "65536"], ["--port", "65536"]),
    ("millrace", ["serve", "--port", "http"], ["--port", "http"]),
    ("millrace", ["serve", "--host", ""], ["--host", "must not be empty"]),
    ("millrace", ["serve", "--token-file", ""], ["--token-file", "must not be empty"]),
    ("millrace", ["serve", "--tls-cert", ""], ["--tls-cert", "must not be empty"]),
    ("millrace", ["serve", "--tls-key", ""], ["--tls-key", "must not be empty"]),
    ("millrace", ["serve", "--max-sessions", "0"], ["--max-sessions", "0"]),
    ("millrace", ["serve", "--max-message-mib", "2001"], ["--max-message-mib", "2001"]),
    ("millrace", ["serve", "more"], ["more"]),
    ("millrace", ["submit"], ["submit wants a script"]),
    ("millrace", ["submit", "--nosuch", "script.py"], ["does not know the option --nosuch"]),
    ("millrace", ["submit", "--conf", "value", "script.py"], ["--conf", "key=value", "'value'"]),
    ("millrace", ["submit", "--conf", "=value", "script.py"], ["--conf", "key=value"]),
    ("millrace", ["submit", "--python", "", "script.py"], ["--python", "must not be empty"]),
]  # fmt: skip

# The words are well formed, but what they name is not there or makes no sense.
FAILING = [
    ("orders_producer", ["--bootstrap-servers", "127.0.0.1"],
     "Invalid url in bootstrap.servers: 127.0.0.1"),
    ("orders_producer", ["--bootstrap-servers", "127.0.0.1:99999"],
     "Invalid port in bootstrap.servers: 127.0.0.1:99999"),
    ("ecommerce_tracking", ["--bootstrap-servers", "127.0.0.1:99999"],
     "Invalid port in bootstrap.servers: 127.0.0.1:99999"),
    ("ecommerce_tracking", ["--topic", ","], "No topics to subscribe to"),
    ("ecommerce_tracking", ["--trigger", "often"], "INVALID_INTERVAL_FORMAT"),
    ("ecommerce_tracking", ["--trigger", "5 lightyears"], "Invalid unit lightyears"),
    ("ecommerce_tracking", ["--trigger", "-1 seconds"],
     "the interval of trigger should not be negative"),
    ("ecommerce_summary", ["--output", "/no/such"], "Path does not exist: file:/no/such"),
    ("millrace", ["show", "/no/such"], "Path does not exist: file:/no/such"),
    ("millrace", ["handover", "--checkpoint", "/no/such", "--lake", "l", "--to", "spark"],
     "There is no checkpoint in /no/such"),
    ("millrace", ["serve", "--token-file", "/no/such"], "Cannot read the file /no/such"),
    ("millrace", ["serve", "--tls-cert", "/no/such"], "Cannot read the file /no/such"),
    ("millrace", ["serve", "--tls-key", "/etc/hostname"], "TLS needs a certificate and its key"),
    ("millrace", ["serve", "--host", "0.0.0.0"], "Refusing to listen on 0.0.0.0"),
    ("millrace", ["submit", "/no/such.py"], "There is no script /no/such.py"),
]  # fmt: skip


def name_of(value):
    return " ".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("program, arguments, words", WRONG, ids=name_of)
def test_wrong_words_are_named(programs, program, arguments, words):
    done = programs.run(program, *arguments, check=False)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("program, arguments, words", FAILING, ids=name_of)
def test_what_cannot_work_is_said(programs, tmp_path, program, arguments, words):
    more = []
    if program == "ecommerce_tracking":
        more = ["--checkpoint", tmp_path / "checkpoints", "--output", tmp_path / "lake"]
    done = programs.run(program, *arguments, *more, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


DEV = [
    (["nosuch"], "There is no command 'nosuch'"),
    (["test", "--nosuch"], "does not know --nosuch"),
    (["test", "one", "two"], "takes one filter, found 'one' and 'two'"),
    (["test", "--preset", "nosuch"], "There is no preset 'nosuch'"),
    (["kafka"], "takes start, stop or status, found ''"),
    (["kafka", "nosuch"], "takes start, stop or status, found 'nosuch'"),
    (["kafka", "status", "more"], "takes nothing more, found 'more'"),
    (["fmt", "more"], "takes nothing more, found 'more'"),
    (["golden", "more"], "takes nothing more, found 'more'"),
]


@pytest.mark.parametrize("arguments, words", DEV, ids=name_of)
def test_wrong_words_to_dev(arguments, words):
    done = subprocess.run([ROOT / "dev", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("program", ["orders_producer", "ecommerce_tracking", "ecommerce_summary", "millrace"])
def test_help_is_no_error(programs, program):
    done = programs.run(program, "--help")
    assert "--help" in done.stdout
    assert done.stderr == ""
