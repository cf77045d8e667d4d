"""Runs cases on a server and judges the answers by the recorded ones."""

import dataclasses

from conformance import answers, cases, frames, recorded


@dataclasses.dataclass
class Outcome:
    case: cases.Case
    uses: list  # names of what it calls: F.upper, DataFrame.select
    state: str  # same, differs, not yet
    how: str  # it differs
    wanted: dict
    found: dict

    @property
    def name(self):
        return f"{self.case.topic}: {self.case.text}"


def topic(url, name):
    """The outcomes of a topic's cases; KeyError if one has no recorded answer."""
    known = recorded.read(name)
    names = frames.make(url)
    outcomes = []
    for case in cases.read(name):
        wanted = dict(known[case.text])
        uses = wanted.pop("uses")
        found = answers.of(case, names)
        how = answers.difference(case, wanted, found)
        refused = how and answers.is_not_yet(wanted, found)
        state = "not yet" if refused else "differs" if how else "same"
        outcomes.append(Outcome(case, uses, state, how, wanted, found))
    names["spark"].stop()
    return outcomes


def everything(url):
    """The outcomes of all cases, in their order."""
    return [one for name in cases.topics() for one in topic(url, name)]


def reasons():
    """Name of a case that differs -> why, from differences.txt."""
    found, why = {}, ""
    for line in (cases.FOLDER / "differences.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            why = line[2:]
        elif line:
            found[line] = why
    return found
