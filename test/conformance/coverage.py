"""PySpark's public API: what there is, and what of it a case calls."""

import contextlib
import functools
import inspect
import threading

from pyspark.sql import functions as F
from pyspark.sql.connect import functions as connect_functions
from pyspark.sql.connect import tvf
from pyspark.sql.connect.catalog import Catalog
from pyspark.sql.connect.column import Column
from pyspark.sql.connect.conf import RuntimeConf
from pyspark.sql.connect.dataframe import DataFrame, DataFrameNaFunctions, DataFrameStatFunctions
from pyspark.sql.connect.group import GroupedData
from pyspark.sql.connect.merge import MergeIntoWriter
from pyspark.sql.connect.readwriter import DataFrameReader, DataFrameWriter, DataFrameWriterV2
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.streaming.query import StreamingQuery, StreamingQueryManager
from pyspark.sql.connect.streaming.readwriter import DataStreamReader, DataStreamWriter
from pyspark.sql.connect.udf import UDFRegistration
from pyspark.sql.connect.window import Window, WindowSpec

CLASSES = [
    DataFrame, Column, GroupedData, DataFrameNaFunctions, DataFrameStatFunctions, Window, WindowSpec,
    SparkSession, RuntimeConf, Catalog, DataFrameReader, DataFrameWriter, DataFrameWriterV2,
    MergeIntoWriter, DataStreamReader, DataStreamWriter, StreamingQuery, StreamingQueryManager,
    UDFRegistration, tvf.TableValuedFunction,
]  # fmt: skip
# Not the server's business: kept by the client, deprecated, or of classic Spark only.
NOT_OURS = {
    "DataFrame.plot", "DataFrame.pandas_api", "DataFrame.rdd", "DataFrame.registerTempTable",
    "SparkSession.sparkContext", "SparkSession.builder", "SparkSession.Builder", "SparkSession.client",
    "SparkSession.active", "SparkSession.getActiveSession", "SparkSession.session_id",
    "SparkSession.is_stopped", "SparkSession.create", "SparkSession.stop",
    "WindowSpec.currentRow",
}  # fmt: skip


# They make functions of Python ones, which need Python workers; the suite has no cases of those.
OF_WORKERS = {"udf", "pandas_udf", "arrow_udf", "udtf", "arrow_udtf"}


def functions():
    """Names of pyspark.sql.functions, without its classes and what makes functions of Python."""
    found = (name for name in F.__all__ if not inspect.isclass(getattr(F, name)))
    return sorted(set(found) - OF_WORKERS)


def methods():
    """`Class.method` of all classes."""
    found = []
    for kind in CLASSES:
        for name in dir(kind):
            full = f"{kind.__name__}.{name}"
            if not name.startswith("_") and full not in NOT_OURS and _is_call(kind, name):
                found.append(full)
    return found


def _is_call(kind, name):
    member = inspect.getattr_static(kind, name)
    return isinstance(member, (property, staticmethod, classmethod)) or callable(member)


class Calls(threading.local):
    depth = 0


_calls = Calls()


@contextlib.contextmanager
def recording():
    """Within it, yields a set that the names of all outermost calls to PySpark are put in."""
    seen = set()
    undo = []

    def patch(place, name, label):
        member = inspect.getattr_static(place, name)
        if isinstance(member, property):
            new = property(_noting(member.fget, label, seen))
        elif isinstance(member, (staticmethod, classmethod)):
            new = type(member)(_noting(member.__func__, label, seen))
        elif inspect.isfunction(member):
            new = _noting(member, label, seen)
        else:
            return
        undo.append((place, name, member))
        setattr(place, name, new)

    for module in (F, connect_functions):
        for name in functions():
            if hasattr(module, name):
                patch(module, name, f"F.{name}")
    for kind in CLASSES:
        for name in [name for name in vars(kind) if not name.startswith("_")]:
            patch(kind, name, f"{kind.__name__}.{name}")
    try:
        yield seen
    finally:
        for place, name, member in undo:
            setattr(place, name, member)


def _noting(function, label, seen):
    @functools.wraps(function)
    def call(*arguments, **options):
        if _calls.depth == 0:
            seen.add(label)
        _calls.depth += 1
        try:
            return function(*arguments, **options)
        finally:
            _calls.depth -= 1

    return call
