"""The wire scripts with the pinned client; test/long runs them with older ones."""

import pytest
from python.conftest import running_server
from wire import wire


@pytest.mark.parametrize("script", wire.SCRIPTS)
def test_a_script_prints_what_it_prints_on_spark(script, kafka, tmp_path):
    with running_server(cwd=tmp_path) as server:
        found = wire.run(script, server.url, kafka, tmp_path)
    assert found == wire.answer(script).read_text().splitlines()
