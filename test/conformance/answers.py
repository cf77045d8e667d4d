"""What a Spark answers to a case, as plain data that can be recorded and compared."""

import datetime
import decimal
import json
import re
import shutil
import tempfile

from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import types as T
from pyspark.sql.connect.column import Column
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.conversion import ArrowTableToRowsConversion

from conformance import frames

ERROR_PARTS = {
    "condition": "another error",
    "error": "another Python class",
    "sqlstate": "another SQLSTATE",
    "message": "another message",
    "parameters": "other message parameters",
}
# Ids of queries and runs, the names of tables that frames.py makes of such, and addresses.
MADE_UP = re.compile(
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\bt[0-9a-f]{32}\b|(?<= at )0x[0-9a-f]{8,}(?=>)"
)
# Error classes by which Millrace says that it does not have something.
NOT_YET = re.compile(r"UNSUPPORTED|UNRESOLVED_ROUTINE|NOT_IMPLEMENTED|NOT_SUPPORTED")


def describe(kind):
    """A type as DDL, with what may not be null."""
    if isinstance(kind, T.StructType):
        fields = (f"{f.name}:{describe(f.dataType)}{required(f.nullable)}" for f in kind.fields)
        return f"struct<{','.join(fields)}>"
    if isinstance(kind, T.ArrayType):
        return f"array<{describe(kind.elementType)}{required(kind.containsNull)}>"
    if isinstance(kind, T.MapType):
        value = f"{describe(kind.valueType)}{required(kind.valueContainsNull)}"
        return f"map<{describe(kind.keyType)},{value}>"
    return kind.simpleString()


def required(nullable):
    return "" if nullable else " not null"


def plain(value):
    if isinstance(value, (Row, list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return f"D{value}"
    if isinstance(value, (bytes, bytearray)):
        return f"x{bytes(value).hex()}"
    if isinstance(value, T.DataType):
        return describe(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def of(case, names):
    """The answer to a case: {schema, rows}, {value} or {error, …}.

    `names` is what frames.make() gave for the session.
    """
    spark = names["spark"]
    folder = tempfile.mkdtemp(prefix="conformance-")
    old = {key: spark.conf.get(key, None) for key in case.settings}
    try:
        for key, value in case.settings.items():
            spark.conf.set(key, value)
        answer = _result(_evaluate(case, names, folder), names)
    except Exception as error:  # noqa: BLE001 - what it says is the answer
        answer = _error(error)
    finally:
        for key, value in old.items():
            spark.conf.unset(key) if value is None else spark.conf.set(key, value)
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(answer, ensure_ascii=False).replace(folder, "<tmp>")
    return json.loads(MADE_UP.sub("<id>", text))


def _evaluate(case, names, folder):
    if "sql" in case.text:
        names["views"].make_for(case.code)
    if case.source == "sql":
        return names["spark"].sql(case.code)
    tmp = frames.Scratch(folder)
    streams = frames.Streams(names["spark"], folder)
    value = eval(case.code, {**names, "tmp": tmp, "streams": streams})
    if case.source is None:
        return value
    columns = value if isinstance(value, (tuple, list)) else [value]
    return names[case.source].select(*columns)


def _result(value, names):
    if isinstance(value, Column):
        value = names["one"].select(value)
    if not isinstance(value, DataFrame):
        return {"value": plain(value)}
    # What collect() does; but it does not give the schema, and asking for it is another request.
    table, schema = value._to_table()
    rows = ArrowTableToRowsConversion.convert(table, schema, binary_as_bytes=True)
    return {"schema": describe(schema), "rows": [plain(row) for row in rows]}


def _error(error):
    text = str(error).split("JVM stacktrace")[0].strip()
    text = re.sub(r"(SQLSTATE: \w{5}).*", r"\1", text, flags=re.DOTALL)
    text = re.sub(r";?\n(?='|~|\+-|\w+ ).*", "", text, flags=re.DOTALL) if "SQLSTATE" not in text else text
    text = re.sub(r"#\d+L?", "#", text)
    found = {"error": type(error).__name__, "message": text}
    if isinstance(error, PySparkException):
        found["condition"] = error.getCondition()
        found["sqlstate"] = error.getSqlState()
        found["parameters"] = error.getMessageParameters() or {}
    return found


def difference(case, wanted, found):
    """How an answer differs from the recorded one; "" if it does not."""
    if "error" in wanted or "error" in found:
        if "error" not in found:
            return "a result instead of the error"
        if "error" not in wanted:
            return f"{found.get('condition') or found['error']} instead of the result"
        for part, what in ERROR_PARTS.items():
            if wanted.get(part) != found.get(part):
                return what
        return ""
    if "value" in wanted or "value" in found:
        return "" if _same(wanted, found) else "another value"
    if wanted["schema"] != found["schema"]:
        one, other = (answer["schema"].replace(" not null", "") for answer in (wanted, found))
        return "another nullability" if one == other else "other names or types"
    return "" if _same(_rows(case, wanted), _rows(case, found)) else "other rows"


def is_not_yet(wanted, found):
    """Whether Millrace refuses what Spark does, by an error that says so."""
    says_so = bool(NOT_YET.search(f"{found.get('condition')} {found.get('error')}"))
    return says_so and wanted.get("condition") != found.get("condition")


def _rows(case, answer):
    rows = answer["rows"]
    return rows if case.is_ordered else sorted(rows, key=json.dumps)


def _same(one, other):
    return json.dumps(one) == json.dumps(other)
