"""Lets an unmodified script find the server that `millrace submit` started for it.

Python imports this as `sitecustomize` before the script. It waits for PySpark to be imported and
then makes what only a cluster understands harmless: a master, settings of executors,
spark.sparkContext.setLogLevel. Where there is no PySpark it says what to install.
"""

import importlib.abc
import importlib.util
import os
import sys


def note(text):
    print(f"millrace: {text}", file=sys.stderr)


class Context:
    """The few things of SparkContext that scripts of a Connect session use."""

    def __init__(self, session):
        self._session = session

    version = property(lambda self: self._session.version)
    appName = property(lambda self: self._session.conf.get("spark.app.name", ""))
    applicationId = property(lambda self: self._session.session_id)
    master = property(lambda self: "local[*]")
    uiWebUrl = property(lambda self: None)
    defaultParallelism = property(lambda self: os.cpu_count() or 1)

    def setLogLevel(self, level):
        pass

    def __getattr__(self, name):
        raise AttributeError(
            f"spark.sparkContext.{name} needs a JVM; use the DataFrame API instead."
        )


def change_builder(module):
    builder = module.SparkSession.Builder
    config = builder.config

    def config_without_master(self, key=None, value=None, conf=None, *, map=None):
        if key == "spark.master":
            note(f"master {value!r} has no effect: queries run in millrace itself")
            return self
        if map is not None:
            map = {k: v for k, v in map.items() if k != "spark.master"}
        return config(self, key, value, conf, map=map)

    builder.config = config_without_master
    builder.master = lambda self, master: config_without_master(self, "spark.master", master)
    builder.enableHiveSupport = lambda self: self


def change_session(module):
    module.SparkSession.sparkContext = property(Context)


CHANGES = {
    "pyspark.sql.session": change_builder,
    "pyspark.sql.connect.session": change_session,
}


class Hook(importlib.abc.MetaPathFinder):
    """Changes a module right after it was loaded."""

    def __init__(self):
        self.active = False

    def find_spec(self, name, path, target=None):
        if self.active or name not in CHANGES:
            return None
        self.active = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.active = False
        if spec is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            CHANGES[name](module)

        spec.loader.exec_module = exec_module
        return spec


class NoPySpark(importlib.abc.MetaPathFinder):
    """Asked last: whoever is asked for PySpark here is asked for what nobody found."""

    def find_spec(self, name, path, target=None):
        if name != "pyspark":
            return None
        raise ModuleNotFoundError(
            f"{sys.executable} has no PySpark. Install it with\n"
            f"  {sys.executable} -m pip install pyspark-client==4.2.0\n"
            "or name a Python that has it, with --python or PYSPARK_PYTHON.",
            name=name,
        )


def import_the_next():
    """The sitecustomize that this one hides."""
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != folder]
    this = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ImportError:
        sys.modules["sitecustomize"] = this


sys.meta_path.insert(0, Hook())
sys.meta_path.append(NoPySpark())
import_the_next()
