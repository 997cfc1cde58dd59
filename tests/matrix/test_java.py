"""A client of the JDK in isolation."""

from __future__ import annotations

import dataclasses

import pytest
from tests.matrix import building, clients
from tests.matrix.installation import Installation
from tests.matrix.judging import check

from tameflare.cli.isolating import available


def test_isolated(matrix: Installation) -> None:
    """The listener that adds the run's token is the command's own there."""
    client = dataclasses.replace(clients.of("java")[0], options=("--isolate", "--show", str(building.BUILT)))
    missing = client.missing() or str(available() or "")
    if missing:
        pytest.skip(missing)
    check(client, matrix.run(client), matrix.doubled.keys)
