"""The conformance suite: every case of test/conformance, beside what a real Spark answered."""

import collections
import functools

import pytest
from conformance import cases, coverage, page, run

PAGE = cases.FOLDER.parent.parent / "docs" / "compatibility.md"


@pytest.fixture(scope="module")
def outcomes_of(server):
    """Topic -> the outcomes of its cases, each run once."""
    return functools.cache(lambda topic: run.topic(server.url, topic))


@pytest.mark.parametrize("topic", cases.topics())
def test_cases(outcomes_of, topic):
    listed = run.reasons()
    wrong = []
    for one in outcomes_of(topic):
        if one.state == "differs" and one.name not in listed:
            wrong.append(f"{one.name}\n  {one.how}\n  Spark {one.wanted}\n  here  {one.found}")
        if one.state != "differs" and one.name in listed:
            wrong.append(f"{one.name}\n  is {one.state} now: take it out of differences.txt")
    assert not wrong, "\n".join(wrong)


def test_differences_are_of_cases_and_have_reasons():
    names = {f"{topic}: {case.text}" for topic in cases.topics() for case in cases.read(topic)}
    assert [name for name in run.reasons() if name not in names] == []
    assert [name for name, why in run.reasons().items() if not why] == []


def test_every_function_has_a_case(outcomes_of):
    used = {name for topic in cases.topics() for one in outcomes_of(topic) for name in one.uses}
    assert [name for name in coverage.functions() if f"F.{name}" not in used] == []


def test_the_page_is_what_the_suite_shows(outcomes_of):
    outcomes = [one for topic in cases.topics() for one in outcomes_of(topic)]
    counts = collections.Counter(one.state for one in outcomes)
    same = counts["same"]
    print(f"{len(outcomes)} cases, {same} agree ({100 * same / len(outcomes):.1f} %): {dict(counts)}")
    assert PAGE.read_text() == page.text(outcomes, run.reasons()), "run ./dev compatibility"
