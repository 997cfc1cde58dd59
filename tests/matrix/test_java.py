"""The clients of the JDK."""

from __future__ import annotations

import dataclasses

import pytest
from tests.matrix import building, clients
from tests.matrix.clients import Client
from tests.matrix.confirming import confirmed
from tests.matrix.installation import Installation
from tests.matrix.judging import check

from tameflare.cli.isolating import available

CLIENTS = clients.of("java")


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
def test_client(matrix: Installation, client: Client) -> None:
    confirmed(matrix, "java", client)


def test_the_same_isolated(matrix: Installation) -> None:
    """The listener that adds the run's token is the command's own there."""
    client = dataclasses.replace(CLIENTS[0], options=("--isolate", "--show", str(building.BUILT)))
    missing = client.missing() or str(available() or "")
    if missing:
        pytest.skip(missing)
    check(client, matrix.run(client), matrix.doubled.keys)
