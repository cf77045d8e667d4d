#!/usr/bin/env python3
"""Runs the statements of test/sql/queries.txt in Apache Spark; writes test/sql/cases.jsonl.

Each line of the result is a statement with what Spark answered: the schema as printSchema() shows
it, without nullability, and the rows as texts (CAST … AS STRING; null for NULL); or the error's
class, SQLSTATE and message. Of messages the place in the text and the plan are cut that analysis
and running queries put behind them; the parser's are whole.

With --new, answers that are recorded stay as they are; only statements without one are run, and
those that make views.

Needs the Python packages of tools/requirements.txt and Java.
"""

import argparse
import collections
import json
import pathlib
import re
import sys

from pyspark.errors import ParseException, PySparkException
from pyspark.sql import SparkSession

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test" / "sql"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.warehouse.dir": "/tmp/spark-warehouse",
}


def statements():
    for line in (FOLDER / "queries.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.replace("⏎", "\n")


def message_of(error):
    text = str(error).split("\n\nJVM stacktrace")[0].lstrip("\n")
    if isinstance(error, ParseException):
        return text
    text = re.sub(r"(SQLSTATE: \w{5});?.*", r"\1", text, flags=re.DOTALL)
    return text


def answer(spark, sql):
    try:
        frame = spark.sql(sql)
        schema = re.sub(r" \((nullable|containsNull|valueContainsNull) = \w+\)", "", frame._jdf.schema().treeString())
        names = [f"c{i}" for i in range(len(frame.columns))]
        texts = frame.toDF(*names).selectExpr(*[f"CAST({name} AS STRING)" for name in names])
        rows = [list(row) for row in texts.collect()]
        return {"schema": schema, "rows": rows}
    except PySparkException as error:
        return {"error": error.getCondition() or "", "message": message_of(error)}


def recorded():
    path = FOLDER / "cases.jsonl"
    answers = collections.defaultdict(collections.deque)  # a statement may occur twice
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        case = json.loads(line)
        answers[case.pop("sql")].append(case)
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--new", action="store_true", help="keep what is recorded")
    known = recorded() if parser.parse_args().new else {}
    builder = SparkSession.builder.master("local[1]")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    lines = []
    for sql in statements():
        case = known[sql].popleft() if known.get(sql) else None
        if case is None or sql.startswith("CREATE"):
            case = answer(spark, sql)
        lines.append(json.dumps({"sql": sql, **case}, ensure_ascii=False))
    (FOLDER / "cases.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} statements, {sum('error' in json.loads(line) for line in lines)} errors")


if __name__ == "__main__":
    sys.exit(main())
