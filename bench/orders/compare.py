"""Whether two runs of the orders job gave the same: windows, sums and the lake's rows."""

import re

import pyarrow.compute as pc
import pyarrow.parquet

ROW = re.compile(r"^\|\{(.+?), .+?\}\|\s*(\S+?)\s*\|\s*(\d+)\s*\|$")


def windows(console):
    """start -> (revenue, orders): the last that was printed of each window."""
    found = {}
    for line in console.splitlines():
        if match := ROW.match(line):
            found[match[1]] = (float(match[2]), int(match[3]))
    return found


def lake_rows(folder):
    """The lake's rows in one order, so that equal multisets are equal tables."""
    table = pyarrow.parquet.read_table(folder / "lake", columns=["user_id", "amount", "timestamp"])
    keys = [("timestamp", "ascending"), ("user_id", "ascending"), ("amount", "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=keys)).combine_chunks()


def same_results(ours, theirs):
    """`ours` and `theirs` are (data folder, console text)."""
    a, b = windows(ours[1]), windows(theirs[1])
    if not a or a.keys() != b.keys():
        print(f"windows differ: {len(a)} and {len(b)}")
        return False
    for start, (revenue, orders) in a.items():
        other_revenue, other_orders = b[start]
        if orders != other_orders or abs(revenue - other_revenue) > 1e-9 * abs(other_revenue):
            print(f"window {start} differs: {a[start]} and {b[start]}")
            return False
    mine, other = lake_rows(ours[0]), lake_rows(theirs[0])
    if mine.num_rows != other.num_rows:
        print(f"lake rows differ: {mine.num_rows} and {other.num_rows}")
        return False
    for name in mine.column_names:
        if not mine[name].cast(other[name].type).equals(other[name]):
            print(f"lake column {name} differs")
            return False
    return True
