"""The cases of the suite, as their files tell them.

A file `cases/<topic>.txt` holds one case a line; a line that begins with a space goes on with the
one before. `## text` names the feature that the cases below it show, `#` begins a comment.

    texts | F.upper("s"), F.lower("s")      columns selected from a frame of frames.py
    sql | SELECT 1                          a statement
    texts.select("s").distinct()            any expression: a DataFrame or a value
    @spark.sql.ansi.enabled=false one | …   with settings of the session

What comes before `|` is a frame's name or `sql`. A case's text is its name.
"""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent
SETTING = re.compile(r"@\s?(\S+?)=(\S+)\s+")
SOURCE = re.compile(r"(\w+) \| ")
SHORT_SETTINGS = {
    "zone": "spark.sql.session.timeZone",
    "ansi": "spark.sql.ansi.enabled",
}
# What makes an order of rows that nobody may rely on; an order by comes after it or not at all.
UNORDERING = re.compile(
    r"join|group|agg\(|distinct|dropDup|drop_dup|rollup|cube|pivot|intersect|except|subtract"
    r"|\.over\(|over \(|repartition|freqItems|crosstab|union \(|minus",
    re.IGNORECASE,
)
ORDERING = re.compile(r"orderBy|\.sort\(|order by (?!.*\bover\b)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Case:
    topic: str
    feature: str  # of the heading above it; "" if there is none
    text: str

    @property
    def settings(self):
        """Setting -> value, as texts."""
        found = {}
        for name, value in SETTING.findall(self._parts()[0]):
            found[SHORT_SETTINGS.get(name, name)] = value
        return found

    @property
    def source(self):
        """The frame that columns are selected from, `sql`, or None for an expression."""
        match = SOURCE.match(self._parts()[1])
        return match[1] if match else None

    @property
    def code(self):
        return SOURCE.sub("", self._parts()[1], count=1)

    @property
    def is_ordered(self):
        return bool(ORDERING.search(self.code)) or not UNORDERING.search(self.code)

    def _parts(self):
        """The settings and the rest."""
        end = 0
        while match := SETTING.match(self.text, end):
            end = match.end()
        return self.text[:end], self.text[end:]


def topics():
    return sorted(path.stem for path in (FOLDER / "cases").glob("*.txt"))


def read(topic):
    """The cases of a topic in the order of the file; ValueError if one is there twice."""
    found, feature = [], ""
    for line in (FOLDER / "cases" / f"{topic}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            feature = line[3:].strip()
        elif line.startswith(" ") and found:
            found[-1] = Case(topic, feature, f"{found[-1].text} {line.strip()}")
        elif line and not line.startswith("#"):
            found.append(Case(topic, feature, line))
    if len(found) != len({case.text for case in found}):
        twice = sorted({c.text for c in found if sum(c.text == o.text for o in found) > 1})
        raise ValueError(f"{topic}.txt has cases twice: {twice}")
    return found
