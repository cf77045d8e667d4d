"""What the program remote_probe must print, whichever Spark Connect server it uses."""

EXPECTED = """\
+----+----+---------+
|rest|rows|    total|
+----+----+---------+
|   0|8334|104170833|
|   1|8333|104154167|
|   2|8333|104162500|
+----+----+---------+
collected 25000 rows
UNRESOLVED_COLUMN.WITH_SUGGESTION 42703
"""


def assert_probe(programs, url, folder):
    (folder / "in").mkdir()
    shown = programs.run("remote_probe", url, folder).stdout
    assert shown.startswith(EXPECTED), shown
    message, count, done = shown.removeprefix(EXPECTED).rsplit("\n", 3)[:3]
    assert message.startswith("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function "
                              "parameter with name `idd` cannot be resolved."), message
    assert message.count("SQLSTATE: 42703") == 1
    assert (count, done) == ("the lake has 2 rows", "done")
