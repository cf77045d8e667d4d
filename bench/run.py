#!/usr/bin/env python3
"""Benchmarks, side by side with rivals in one run; `./dev bench <name>` calls this."""

import argparse
import importlib
import sys

NAMES = ["fetch", "orders", "startup"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    benchmarks = parser.add_subparsers(dest="name", required=True)
    for name in NAMES:
        module = importlib.import_module(f"{name}.bench")
        module.add_arguments(benchmarks.add_parser(name, description=module.__doc__))
    options = parser.parse_args()
    return 0 if importlib.import_module(f"{options.name}.bench").run(options) else 1


if __name__ == "__main__":
    sys.exit(main())
