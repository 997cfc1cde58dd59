"""Every client does what its row in the table says."""

from __future__ import annotations

import pytest
from tests.matrix import clients
from tests.matrix.clients import Client
from tests.matrix.confirming import confirmed
from tests.matrix.installation import Installation

CLIENTS = [(module, client) for module in clients.modules() for client in clients.of(module)]


@pytest.mark.parametrize(("module", "client"), CLIENTS, ids=[f"{module}-{client.name}" for module, client in CLIENTS])
def test_client(matrix: Installation, module: str, client: Client) -> None:
    confirmed(matrix, module, client)
