"""The text of docs/compatibility.md, from what the suite shows."""

import collections

from conformance import coverage

HEAD = """# Compatibility with Apache Spark 4.2

Written by `./dev compatibility` from the conformance suite (`test/conformance`); do not edit. Every
case was run on a real Spark 4.2 and is run on Millrace through the unmodified PySpark client;
schemas with nullability, rows and errors are compared.

**{same} of {total} cases agree ({share:.1f} %)**; {differ} differ, {not_yet} use something that
Millrace does not have yet and refuses by name.

What names the same cases is counted in each of its rows. *same*: all its cases agree. *differs*:
some do not, see below. *not yet*: Millrace refuses all, or some, of its cases.
"""


def _state(outcomes):
    """The states of the cases of one row, in words."""
    counts = collections.Counter(one.state for one in outcomes)
    if not outcomes:
        return "no case"
    if counts["same"] == len(outcomes):
        return "same"
    parts = []
    if counts["differs"]:
        hows = sorted({one.how for one in outcomes if one.state == "differs"})
        parts.append(f"differs in {counts['differs']}: {', '.join(hows)}")
    if counts["not yet"] == len(outcomes):
        parts.append("not yet")
    elif counts["not yet"]:
        parts.append(f"not yet in {counts['not yet']}")
    return "; ".join(parts)


def _table(title, rows):
    lines = [f"\n## {title}\n", "| name | cases | state |", "|---|---|---|"]
    return lines + [f"| {name} | {len(found)} | {_state(found)} |" for name, found in rows]


def _escape(text):
    return text.replace("|", "\\|").replace("⏎", "\\n")


def text(outcomes, reasons):
    """The page. `outcomes` are those of all cases; `reasons` says why cases differ."""
    counts = collections.Counter(one.state for one in outcomes)
    lines = [
        HEAD.format(
            same=counts["same"], differ=counts["differs"], not_yet=counts["not yet"],
            total=len(outcomes), share=100 * counts["same"] / len(outcomes),
        )
    ]  # fmt: skip
    users, features = collections.defaultdict(list), collections.defaultdict(list)
    for one in outcomes:
        for name in one.uses:
            users[name].append(one)
        if one.case.feature:
            features[f"{one.case.topic}: {one.case.feature}"].append(one)
    lines += _table("Features", features.items())
    names = coverage.functions()
    lines += _table("Functions", [(f"`{name}`", users[f"F.{name}"]) for name in names])
    names = coverage.methods()
    lines += _table("Methods", [(f"`{name}`", users[name]) for name in names if users[name]])
    lines.append("\nNo case calls: " + ", ".join(f"`{n}`" for n in names if not users[n]) + ".")
    lines += ["\n## What differs\n", "| case | how | why |", "|---|---|---|"]
    for one in outcomes:
        if one.state == "differs":
            why = reasons.get(one.name, "")
            lines.append(f"| `{_escape(one.name)}` | {one.how} | {_escape(why)} |")
    return "\n".join(lines) + "\n"
