#!/usr/bin/env python3
"""Records the Spark Connect plans of the golden streaming cases, without a server.

Reads test/golden/streaming_cases.json, join_cases.json and back_to_back_cases.json (PySpark text
with the inputs and outputs of a real Spark 4.2), builds each query with the pinned PySpark client, and writes its
plan as protobuf JSON to test/golden/plans.json.
"""

import json
import os
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")

import pyspark.errors.utils as pyspark_errors  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from pyspark.sql.connect import functions as F  # noqa: E402
from pyspark.sql.connect.session import SparkSession  # noqa: E402

FOLDER = pathlib.Path(__file__).parent.parent / "test" / "golden"

# What createDataFrame asks a server for; the answers are Spark's defaults.
SETTINGS = {
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.session.localRelationCacheThreshold": "1048576",
    "spark.sql.session.localRelationSizeLimit": "3221225472",
    "spark.sql.session.localRelationChunkSizeRows": "10000",
    "spark.sql.session.localRelationChunkSizeBytes": "16777216",
    "spark.sql.session.localRelationBatchOfChunksSizeBytes": "1073741824",
    "spark.sql.execution.pandas.convertToArrowArraySafely": "true",
    "spark.sql.execution.pandas.inferPandasDictAsMap": "false",
    "spark.sql.pyspark.inferNestedDictAsStruct.enabled": "false",
    "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled": "false",
    "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled": "false",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
}


def offline_session():
    """A session that never speaks to a server."""
    pyspark_errors._enable_debugging_cache = False  # else it asks the server for a setting
    spark = SparkSession("sc://127.0.0.1:1")
    spark._client.get_config_dict = lambda *keys: {key: SETTINGS[key] for key in keys}
    return spark


def record(spark, code, sources):
    """The plan of `code` as a JSON object."""
    names = {"F": F, "s": sources, "s0": sources[0], "spark": spark}
    frame = eval(code, names)
    return json_format.MessageToDict(
        frame._plan.plan(spark._client), preserving_proto_field_name=True
    )


def source(spark, schema, index, options):
    reader = spark.readStream.schema(schema)
    for key, value in options.items():
        reader = reader.option(key, value)
    return reader.json(f"/source/{index}")


def main():
    spark = offline_session()
    plans = {}
    for name in ("streaming_cases.json", "join_cases.json", "back_to_back_cases.json"):
        for case in json.loads((FOLDER / name).read_text()):
            code = case["code"]
            if "files" in case:  # back to back: one file a batch, 10 s of delay
                frames = [
                    source(spark, "v long, t timestamp", 0, {"maxFilesPerTrigger": 1})
                    .withWatermark("t", "10 seconds")
                ]
            else:
                frames = [
                    source(spark, schema, i, {}) for i, schema in enumerate(case["schemas"])
                ]
            plans[case["id"]] = {"plan": record(spark, code, frames)}
    text = json.dumps(plans, indent=1, sort_keys=True)
    (FOLDER / "plans.json").write_text(text + "\n")
    print(f"{len(plans)} plans recorded")
    sys.stdout.flush()
    os._exit(0)  # the client's threads wait for a server that is not there


if __name__ == "__main__":
    main()
