"""millrace submit runs PySpark scripts that know nothing of it."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent


def command(*arguments):
    program = os.path.join(os.environ["MILLRACE_BUILD_DIR"], "millrace")
    return [program, "submit", "--python", sys.executable, *map(str, arguments)]


def environment(**more):
    """Without what would tell PySpark where to go."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "PYSPARK"))}
    return {**kept, **more}


@pytest.fixture
def submit(tmp_path):
    def run(script, *arguments, options=(), **how):
        file = tmp_path / "script.py"
        file.write_text(script)
        return subprocess.run(
            command(*options, file, *arguments),
            capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment(**how),
        )  # fmt: skip

    return run


SCRIPT = """
import sys
from pyspark.sql import SparkSession, functions as F
spark = (SparkSession.builder.appName("orders").master("local[*]")
         .config("spark.executor.memory", "8g")
         .config("spark.jars.packages", "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0")
         .enableHiveSupport().getOrCreate())
spark.sparkContext.setLogLevel("WARN")
print(sys.argv[1:], spark.version, spark.range(3).count(), spark.conf.get("spark.sql.my.key"))
"""


def test_an_unmodified_script(submit):
    done = submit(SCRIPT, "a", "--b", options=["--master", "yarn", "--conf", "spark.sql.my.key=7"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['a', '--b'] 4.2.0 3 7\n"
    assert "--master yarn has no effect" in done.stderr
    assert "master 'local[*]' has no effect" in done.stderr


def test_the_exit_code_is_the_scripts(submit, tmp_path):
    assert submit("").returncode == 0
    assert submit("raise SystemExit(7)").returncode == 7
    failed = submit("1/0")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "line 1" in failed.stderr
    assert "millrace" not in failed.stderr.replace(str(tmp_path), "")
    assert submit("import os; os.kill(os.getpid(), 9)").returncode == 128 + 9


def test_what_cannot_run(tmp_path):
    done = subprocess.run(command(tmp_path / "none.py"), capture_output=True, text=True)
    assert (done.returncode, "There is no script" in done.stderr) == (1, True)
    (tmp_path / "script.py").touch()
    words = command(tmp_path / "script.py")
    words[words.index(sys.executable)] = "/no/such/python"
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, "Cannot run /no/such/python" in done.stderr) == (1, True)


def test_a_python_without_pyspark(tmp_path):
    """It says what to install; a script that can do without PySpark runs."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)

    def run(text):
        script = tmp_path / "script.py"
        script.write_text(text)
        words = command(script)
        words[words.index(sys.executable)] = str(bare / "bin" / "python")
        return subprocess.run(words, capture_output=True, text=True, env=environment())

    done = run("from pyspark.sql import SparkSession")
    assert done.returncode == 1
    assert f"{bare}/bin/python has no PySpark" in done.stderr
    assert "pip install pyspark-client==4.2.0" in done.stderr
    assert "--python or PYSPARK_PYTHON" in done.stderr
    done = run("try:\n  import pyspark\nexcept ImportError as e:\n  print(e.name)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "pyspark\n", "")


def test_console_and_foreach_batch_share_the_terminal(submit):
    done = submit(
        """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rates = spark.readStream.format("rate").load().select("value")
query = rates.limit(0).writeStream.format("console").start()
query.processAllAvailable()
query.stop()
def show(frame, number):
    print("batch", number, frame.columns, flush=True)
query = rates.writeStream.foreachBatch(show).trigger(once=True).start()
query.awaitTermination()
"""
    )
    assert done.returncode == 0, done.stderr
    assert "-------------------------------------------\nBatch: 0\n" in done.stdout
    assert "batch 0 ['value']" in done.stdout
    assert "token" not in done.stdout + done.stderr


def test_a_signal_stops_script_and_queries(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
query = (spark.readStream.format("rate").load().writeStream.format("parquet")
         .option("path", "{tmp_path}/out").option("checkpointLocation", "{tmp_path}/check").start())
query.processAllAvailable()
print("running", flush=True)
query.awaitTermination()
"""
    )
    process = subprocess.Popen(
        command(script), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment(),
    )  # fmt: skip
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        assert process.stdout.readline() == "running\n"
        code = None
        while code is None:  # Python loses an interrupt that comes inside a finaliser
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=10)
        assert code in (1, 128 + signal.SIGINT)
    finally:
        watchdog.cancel()
        process.stdout.close()
    commits = os.listdir(tmp_path / "check" / "commits")
    assert sorted(commits) == sorted(os.listdir(tmp_path / "check" / "offsets"))


def test_the_orders_job(programs, kafka, topic, tmp_path):
    from test_lake_readers import with_pyarrow
    from topic_reader import read_orders

    programs.produce(topic, 3_000)
    job = command(
        ROOT / "apps" / "orders" / "ecommerce_tracking.py",
        *programs.tracking(topic, tmp_path, "--available-now"),
    )
    done = subprocess.run(job, capture_output=True, text=True, timeout=300, env=environment())
    assert done.returncode == 0, done.stderr
    assert "|window" in done.stdout and "|revenue" in done.stdout
    assert sorted(with_pyarrow(tmp_path / "lake")) == read_orders(kafka, topic)
