"""The servers that searches and pages are asked of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.search.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "authority.pem")
    yield server
    server.close()
