"""Tests of check_layers.py: each rule on a tree that breaks it, and one that does not."""

import pathlib

import pytest

import check_layers


@pytest.fixture
def complaints_of(tmp_path):
    """Returns a function: files of a tree (path -> text) -> the complaints about it."""

    def check(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        checker = check_layers.Checker(tmp_path)
        checker.check_tree()
        return checker.complaints

    return check


def include(*headers):
    return "".join(f'#include "{header}"\n' for header in headers)


TREE = {
    "include/millrace/status.h": "#include <string>\n",
    "include/millrace/session.h": include("millrace/status.h"),
    "src/base/error.h": include("millrace/status.h"),
    "src/data/batch.h": include("base/error.h") + "#include <arrow/type_fwd.h>\n",
    "src/connector/source.h": include("data/batch.h"),
    "src/connectors/rate/rate.h": include("connector/source.h"),
    "src/connectors/kafka/kafka.cc": include("base/error.h") + "#include <librdkafka/rdkafka.h>",
    "src/expr/json.cc": include("base/error.h") + "#include <simdjson.h>\n",
    "src/plan/plan_test.cc": include("data/batch.h") + "#include <gtest/gtest.h>\n",
    "src/app/main.cc": include("connectors/rate/rate.h", "millrace/session.h"),
    "src/plan/CMakeLists.txt": "millrace_module(plan\n  DEPS expr connector\n  SOURCES a.cc)\n",
    "apps/orders/main.cc": include("millrace/session.h", "order.h") + "#include <CLI/CLI.hpp>",
    "apps/orders/order.h": "#include <sys/types.h>\n",
}


def test_a_tree_that_respects_the_layers(complaints_of):
    assert complaints_of(TREE) == []


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("src/base/x.cc", include("data/batch.h"), "Module base may use no other module"),
        ("src/expr/x.cc", include("connector/source.h"), "Module expr may use data, base"),
        ("src/connectors/file/x.cc", include("connectors/rate/rate.h"), "may use connector"),
        ("src/streaming/x.cc", include("connectors/rate/rate.h"), "may use exec"),
        ("src/plan/x.h", "#include <librdkafka/rdkafka.h>", "fenced"),
        ("src/exec/x.cc", "#include <google/protobuf/any.pb.h>", "fenced"),
        ("src/connect_plan/x.cc", "#include <spark/connect/base.grpc.pb.h>", "fenced"),
        ("src/client/x.cc", "#include <parquet/file_reader.h>", "fenced"),
        ("src/data/x.h", "#include <absl/time/time.h>", "for .cc files only"),
        ("src/data/x.cc", "#include <gtest/gtest.h>", "only tests may"),
        ("src/data/x.cc", "#include <boost/any.hpp>", "neither ours nor"),
        ("src/data/x.cc", include("batch.h"), "relative path"),
        ("src/data/x.cc", include("millrace/session.h"), "users of the C++ API"),
        ("src/util/x.cc", "", "lies in no module"),
        ("include/millrace/x.h", "#include <arrow/api.h>", "fenced"),
        ("include/millrace/x.h", include("base/error.h"), "public headers only"),
        ("apps/orders/x.cc", include("base/error.h"), "public headers only"),
        ("src/data/CMakeLists.txt", "millrace_module(data DEPS base expr)", "DEPS of data"),
        ("src/data/CMakeLists.txt", "millrace_module(date DEPS base)", "names its module date"),
    ],
)
def test_a_breach_is_found(complaints_of, path, text, complaint):
    complaints = complaints_of(TREE | {path: text})
    assert len(complaints) == 1
    assert complaints[0].startswith(f"{path}:1: ")
    assert complaint in complaints[0]


def test_every_row_names_rows_of_lower_levels_only():
    rows = list(check_layers.MODULES)
    for row, used in check_layers.MODULES.items():
        assert all(rows.index(name) < rows.index(row) for name in used), row


def test_the_table_covers_every_folder_of_this_tree():
    root = pathlib.Path(check_layers.__file__).resolve().parent.parent
    folders = [folder for folder in (root / "src").iterdir() if folder.is_dir()]
    assert folders
    for folder in folders:
        assert folder.name == "connectors" or check_layers.row_of(folder.name), folder
