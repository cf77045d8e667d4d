#!/usr/bin/env python3
"""Writes the protocol definitions of Spark Connect, as a FileDescriptorSet for protoc.

The definitions come out of the installed `pyspark` package (spark/connect/*.proto) and
`googleapis-common-protos` (google/rpc: what Spark's errors carry), which hold them as descriptors.
So no .proto file is copied into the tree, and the version is the one that
tools/requirements.txt pins.

Leaves the output file alone if it would not change, so that the build does not redo what follows.
"""

import argparse
import importlib
import pathlib
import sys
import warnings

from google.protobuf import descriptor_pb2

SPARK_MODULES = [
    f"pyspark.sql.connect.proto.{name}_pb2"
    for name in (
        "base",
        "catalog",
        "commands",
        "common",
        "expressions",
        "ml",
        "ml_common",
        "pipelines",
        "relations",
        "types",
    )
]
RPC_MODULES = ["google.rpc.status_pb2", "google.rpc.error_details_pb2"]


def collect(module_names):
    """Returns a FileDescriptorSet of the modules' files, dependencies before their users."""
    result = descriptor_pb2.FileDescriptorSet()
    seen = set()

    def add(file):
        if file.name in seen:
            return
        seen.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        file.CopyToProto(result.file.add())

    for name in module_names:
        add(importlib.import_module(name).DESCRIPTOR)
    return result


def write_if_different(path, content):
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()

    # pyspark warns about versions of packages that play no part here.
    warnings.simplefilter("ignore")
    try:
        descriptors = collect(SPARK_MODULES + RPC_MODULES)
    except ImportError as error:
        sys.exit(
            f"Cannot read Spark Connect's definitions with {sys.executable}: {error}. "
            "Run ./dev build, which installs the packages of tools/requirements.txt."
        )
    write_if_different(arguments.output, descriptors.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
