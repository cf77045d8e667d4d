#!/usr/bin/env python3
"""Runs the conformance suite on Millrace and writes docs/compatibility.md.

MILLRACE_BUILD_DIR names the build. Cases that differ and are not in differences.txt are printed.
"""

import os
import pathlib
import sys
import tempfile
import time

os.environ["TZ"] = "UTC"
time.tzset()
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "test" / "python"), str(ROOT / "test")]

from conformance import page, run  # noqa: E402
from python.conftest import running_server  # noqa: E402


def main():
    with tempfile.TemporaryDirectory() as scratch, running_server(cwd=scratch) as server:
        outcomes = run.everything(server.url)
    reasons = run.reasons()
    for one in outcomes:
        if one.state == "differs" and one.name not in reasons:
            print(f"{one.how}\n  {one.name}\n  Spark {one.wanted}\n  here  {one.found}")
    text = page.text(outcomes, reasons)
    (ROOT / "docs" / "compatibility.md").write_text(text, encoding="utf-8")
    print(text.split("\n\n")[2])
    sys.stdout.flush()
    os._exit(0)  # threads of clients whose server is gone would go on for minutes


if __name__ == "__main__":
    main()
