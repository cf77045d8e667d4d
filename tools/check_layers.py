#!/usr/bin/env python3
"""Checks that every #include, and every DEPS of a millrace_module(), respects the layers.

A module may use what MODULES says, and what those may use. LIBRARIES says the same for other
people's headers. Both tables are the truth; the code follows them. The build and the tests run
this, so that a forbidden include fails the build.

What is checked: src/, include/ and apps/. Tests beside the code obey their module's row. Tests
under test/ and benchmarks may include anything.
"""

import argparse
import fnmatch
import pathlib
import re
import sys

# Module -> what it may use. A pattern with a star stands for every folder it matches; those may
# not use each other.
MODULES = {
    # level 0
    "base": [],
    "connect_proto": [],
    # level 1
    "data": ["base"],
    "metrics": ["base"],
    # level 2
    "expr": ["data"],
    "sql": ["data", "connect_proto"],
    "checkpoint": ["base"],
    "state": ["data", "metrics"],
    "connector": ["data", "metrics"],
    # levels 3, 4, 5
    "python_worker": ["connector"],
    "plan": ["expr", "connector"],
    "exec": ["plan", "state"],
    "streaming": ["exec", "checkpoint"],
    # level 6
    "connectors/*": ["connector"],
    "connect_plan": ["streaming", "sql", "python_worker", "connect_proto"],
    "client": ["data", "connect_proto"],
    # level 7
    "spark_connect": ["connect_plan"],
    "local": ["client", "connect_plan"],
    "remote": ["client"],
    # level 8
    "app": ["spark_connect", "local", "remote", "connectors/*"],
}

# Not modules, but checked: the public headers, and the programs written against them only.
PUBLIC = "include/millrace"
APPS = "apps/*"

# Public headers that belong to all levels; the others are the client's face.
SHARED_PUBLIC_HEADERS = ["millrace/status.h", "millrace/kafka_settings.h"]
PUBLIC_HEADER_USERS = ["client", "local", "remote", "app", PUBLIC, APPS]

EVERY_MODULE = list(MODULES)
PROTOBUF_USERS = [
    "sql", "connect_plan", "client", "local", "remote", "spark_connect", "app",
]  # fmt: skip
# Tests, and helpers that only tests link.
TEST_FILES = ["*_test.cc", "*_test_*.[hc]*", "*_testing.[hc]*", "test_*.[hc]*"]

# Header pattern -> who may include it. The first pattern that matches counts. To use a library
# that is not here, or one of these in another module, change the table and say why in a decision.
LIBRARIES = [
    ("arrow/*", EVERY_MODULE),
    ("parquet/*", ["connectors/file"]),
    ("librdkafka/*", ["connectors/kafka", APPS]),
    ("*.grpc.pb.h", ["spark_connect", "remote"]),
    ("grpc/*", ["spark_connect", "remote"]),
    ("grpcpp/*", ["spark_connect", "remote"]),
    ("google/*", PROTOBUF_USERS),
    ("spark/connect/*", PROTOBUF_USERS),
    ("simdjson.h", ["expr", "connectors/file"]),
    ("re2/*", ["expr", "connectors/kafka"]),
    ("openssl/*", ["expr", "connectors/kafka"]),
    ("rocksdb/*", ["state"]),
    ("nlohmann/*", EVERY_MODULE),
    ("absl/*", EVERY_MODULE),
    ("fmt/*", EVERY_MODULE + [APPS]),
    ("spdlog/*", EVERY_MODULE),
    ("xxhash.h", EVERY_MODULE),
    ("lz4*.h", ["connectors/kafka", "state"]),
    ("snappy*.h", ["connectors/kafka", "state"]),
    ("zstd*.h", ["connectors/kafka", "state"]),
    ("zlib.h", ["connectors/kafka", "state", "spark_connect"]),
    ("CLI/*", ["app", APPS]),
]
# Kept out of our headers, so that their types do not spread.
ONLY_IN_SOURCES = ["absl/*", "nlohmann/*", "openssl/*", "re2/*", "spdlog/*"]
TEST_LIBRARIES = ["gtest/*", "gmock/*"]

# Standard C++ headers have neither a dot nor a slash; these belong to the system as well.
SYSTEM_HEADERS = [
    "*intrin.h", "arpa/*", "dirent.h", "dlfcn.h", "endian.h", "fcntl.h", "ifaddrs.h", "net/*",
    "netdb.h", "netinet/*", "poll.h", "pthread.h", "pwd.h", "sched.h", "spawn.h", "strings.h", "sys/*",
    "termios.h", "unistd.h",
]  # fmt: skip

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MODULE_CALL = re.compile(r"^\s*millrace_module\(\s*(\S+)(.*?)\)", re.MULTILINE | re.DOTALL)


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def row_of(module):
    """The key of MODULES for a module, or None."""
    return next((row for row in MODULES if fnmatch.fnmatchcase(module, row)), None)


def may_use(module):
    """The rows of MODULES that a module may use, directly or not; not its own."""
    found = []
    pending = list(MODULES[row_of(module)])
    while pending:
        row = pending.pop(0)
        if row not in found:
            found.append(row)
            pending += MODULES[row]
    return found


def module_of(path):
    """The module of a path under src/: its folder, or the two folders of a connector."""
    parts = pathlib.PurePosixPath(path).parts
    if len(parts) < 2:
        return None
    depth = 2 if parts[0] == "connectors" and len(parts) > 2 else 1
    return "/".join(parts[:depth])


class Checker:
    """Collects the complaints about one source tree."""

    def __init__(self, root):
        self.root = root
        self.complaints = []
        self.files = 0

    def complain(self, file, line, text):
        self.complaints.append(f"{file.relative_to(self.root)}:{line}: {text}")

    def check_tree(self):
        for folder in ("src", "include", "apps"):
            for file in sorted((self.root / folder).rglob("*")):
                if file.suffix in (".h", ".cc") and file.is_file():
                    self.files += 1
                    self.check_file(file)
        for file in sorted((self.root / "src").rglob("CMakeLists.txt")):
            self.check_cmake(file)

    def check_file(self, file):
        owner = self.owner_of(file)
        if owner is None:
            self.complain(
                file, 1, "lies in no module of the table in tools/check_layers.py. Move it, or "
                "give its folder a row."
            )
            return
        text = file.read_text(encoding="utf-8", errors="replace")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            self.check_include(file, line, owner, match[1] == '"', match[2])

    def owner_of(self, file):
        path = file.relative_to(self.root)
        if path.parts[0] == "include":
            return PUBLIC if path.parts[1] == "millrace" else None
        if path.parts[0] == "apps":
            return "/".join(path.parts[:2])
        module = module_of(path.relative_to("src").as_posix())
        return module if module and row_of(module) else None

    def check_include(self, file, line, owner, quoted, header):
        if (self.root / "include" / header).is_file():
            self.check_public_header(file, line, owner, header)
        elif (self.root / "src" / header).is_file():
            self.check_our_header(file, line, owner, header)
        elif owner.startswith("apps/") and quoted and (file.parent / header).is_file():
            pass  # a program's own header
        elif quoted and (file.parent / header).is_file():
            self.complain(
                file, line, f'includes "{header}" by a relative path. Write it from src/ on.'
            )
        else:
            self.check_library(file, line, owner, header)

    def check_public_header(self, file, line, owner, header):
        if header in SHARED_PUBLIC_HEADERS or matches(owner, PUBLIC_HEADER_USERS):
            return
        self.complain(
            file, line, f'includes "{header}", which is for users of the C++ API. In the engine '
            f"only these may: {', '.join(PUBLIC_HEADER_USERS)}."
        )

    def check_our_header(self, file, line, owner, header):
        used = module_of(header)
        if used == owner:
            return
        if owner == PUBLIC or owner.startswith("apps/"):
            self.complain(
                file, line, f'includes "{header}". {owner} may include public headers only '
                "(millrace/…)."
            )
        elif not matches(used, may_use(owner)):
            allowed = ", ".join(may_use(owner)) or "no other module"
            self.complain(
                file, line, f'includes "{header}". Module {owner} may use {allowed}. Move the '
                "code to a higher level, or what it needs to a lower one."
            )

    def check_library(self, file, line, owner, header):
        standard = "." not in header and "/" not in header
        if standard or matches(header, SYSTEM_HEADERS):
            return
        if matches(header, TEST_LIBRARIES):
            if not matches(file.name, TEST_FILES):
                self.complain(file, line, f"includes <{header}>, which only tests may.")
            return
        users = next((u for pattern, u in LIBRARIES if matches(header, [pattern])), None)
        if users is None:
            self.complain(
                file, line, f"includes <{header}>, which is neither ours nor a library of the "
                "table in tools/check_layers.py. Correct the name, or add the library there."
            )
        elif not matches(owner, users):
            self.complain(
                file, line, f"includes <{header}>, which is fenced. Only these may: "
                f"{', '.join(users)}; this is {owner}."
            )
        elif file.suffix == ".h" and matches(header, ONLY_IN_SOURCES):
            if not matches(file.name, TEST_FILES):
                self.complain(
                    file, line, f"includes <{header}>, which is for .cc files only. Hide it "
                    "behind a type of ours."
                )

    def check_cmake(self, file):
        text = file.read_text(encoding="utf-8")
        folder = file.parent.relative_to(self.root / "src").as_posix()
        for match in MODULE_CALL.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            name, arguments = match[1], match[2].split()
            if name != folder:
                self.complain(
                    file, line, f"names its module {name}; wanted {folder}, as its folder."
                )
            elif row_of(name) is None:
                self.complain(
                    file, line, f"makes module {name}, which has no row in "
                    "tools/check_layers.py."
                )
            else:
                for dependency in values_of("DEPS", arguments):
                    if not matches(dependency, may_use(name)):
                        self.complain(
                            file, line, f"DEPS of {name} has {dependency}. It may use "
                            f"{', '.join(may_use(name)) or 'no other module'}."
                        )


def values_of(keyword, arguments):
    """The words between a keyword and the next one in the arguments of a CMake call."""
    values, inside = [], False
    for word in arguments:
        if re.fullmatch(r"[A-Z_]+", word):
            inside = word == keyword
        elif inside:
            values.append(word)
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing when all is well")
    arguments = parser.parse_args()

    checker = Checker(arguments.root)
    checker.check_tree()
    for complaint in checker.complaints:
        print(complaint, file=sys.stderr)
    if checker.complaints:
        sys.exit(f"layers: {len(checker.complaints)} forbidden uses in {checker.files} files")
    if not arguments.quiet:
        print(f"layers: {checker.files} files, all well")


if __name__ == "__main__":
    main()
