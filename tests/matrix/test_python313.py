"""The clients in Python 3.13."""

from __future__ import annotations

import pytest
from tests.matrix import clients
from tests.matrix.clients import Client
from tests.matrix.confirming import confirmed
from tests.matrix.installation import Installation

CLIENTS = clients.of("python313")


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
def test_client(matrix: Installation, client: Client) -> None:
    confirmed(matrix, "python313", client)
