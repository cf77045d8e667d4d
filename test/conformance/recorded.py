"""The answers of a real Spark, and what each case used of the API."""

import json

from conformance.cases import FOLDER


def _path(topic):
    return FOLDER / "results" / f"{topic}.jsonl"


def read(topic):
    """Text of a case -> its recorded answer; `uses` holds the names of what it called."""
    if not _path(topic).exists():
        return {}
    lines = _path(topic).read_text(encoding="utf-8").splitlines()
    return {entry.pop("case"): entry for entry in map(json.loads, lines)}


def write(topic, answers):
    lines = [json.dumps({"case": text, **one}, ensure_ascii=False) for text, one in answers.items()]
    _path(topic).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
