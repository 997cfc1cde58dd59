"""The installation that the clients of the matrix share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.matrix.installation import Installation, installed
from tests.matrix.vendors import Gate, others
from tests.support import doubles


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for each test process."""
    gate = Gate()
    with (
        doubles.running(tmp_path_factory.mktemp("matrix-vendors"), others(gate)) as vendors,
        installed(tmp_path_factory.mktemp("matrix"), vendors, gate) as running,
    ):
        yield running
