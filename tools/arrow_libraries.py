#!/usr/bin/env python3
"""Makes a copy of the pyarrow wheel's C++ libraries that can share a process with others.

The wheel's libraries have simdjson and RE2 built in, in other versions than Debian's, and show
their symbols to the whole process. The loader would mix the two: our calls of simdjson end in
libparquet, and gRPC's of RE2 in libarrow_compute, both with objects of another layout. The copy
marks these symbols as hidden, so that the loader binds a library's own uses to itself and offers
them to nobody else, and gives them other names, so that the linker does not take them for ours.

Result: OUTPUT/lib with the libraries, OUTPUT/include as a link to the wheel's headers.
"""

import argparse
import os
import pathlib
import re
import shutil
import struct
import sys

LIBRARIES = ("arrow", "arrow_compute", "parquet")

# Mangled names that mention simdjson or RE2, be it as the argument of a standard template, except
# those of Arrow itself: one Arrow library calls another's functions with simdjson's types.
FOREIGN = re.compile(
    rb"_Z(?!(?:GV|GR|T[VTIS])?Z?N?[VKRO]*5arrow)"
    rb"\w*(8simdjson|19simdjson_fast_float|3re2)"
)
# Takes the place of the `_Z` that such a name starts with.
HIDDEN_PREFIX = b"_Y"

# From the ELF specification (64 bits, little endian).
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
SHT_DYNSYM = 11
SHN_UNDEF = 0
STV_HIDDEN = 2


def hide_foreign_symbols(image):
    """Hides and renames the foreign symbols in an ELF image (a bytearray); returns how many."""
    if image[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", image, 0x28)
    entry_size, count = struct.unpack_from("<HH", image, 0x3A)
    sections = [SECTION_HEADER.unpack_from(image, table + i * entry_size) for i in range(count)]

    hidden = 0
    for _, kind, _, _, offset, size, link, _, _, _ in sections:
        if kind != SHT_DYNSYM:
            continue
        names = sections[link][4]
        for at in range(offset, offset + size, SYMBOL.size):
            name_at, info, other, section, value, length = SYMBOL.unpack_from(image, at)
            start = names + name_at
            name = bytes(image[start : image.index(b"\0", start)])
            if section != SHN_UNDEF and FOREIGN.match(name):
                SYMBOL.pack_into(
                    image, at, name_at, info, other & ~3 | STV_HIDDEN, section, value, length
                )
                image[start : start + 2] = HIDDEN_PREFIX
                hidden += 1
    return hidden


def find_library(wheel, name):
    files = list(wheel.glob(f"lib{name}.so.*"))
    if len(files) != 1:
        sys.exit(f"Wanted one lib{name}.so.* in {wheel}, found {len(files)}.")
    return files[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=pathlib.Path)
    output = parser.parse_args().output

    import pyarrow  # here, so that --help needs no wheel

    wheel = pathlib.Path(pyarrow.__file__).resolve().parent
    shutil.rmtree(output, ignore_errors=True)
    (output / "lib").mkdir(parents=True)
    for name in LIBRARIES:
        file = find_library(wheel, name)
        image = bytearray(file.read_bytes())
        hidden = hide_foreign_symbols(image)
        (output / "lib" / file.name).write_bytes(image)
        print(f"{file.name}: {hidden} symbols hidden")
    (output / "include").symlink_to(os.path.relpath(wheel / "include", output.resolve()))


if __name__ == "__main__":
    main()
