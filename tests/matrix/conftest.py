"""The installation that the clients of the matrix share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.matrix.installation import Installation, installed


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for each test process."""
    with installed(tmp_path_factory.mktemp("matrix")) as running:
        yield running
