"""A client's run against the row that the table has for it."""

from __future__ import annotations

import pytest
from tests.matrix import results
from tests.matrix.clients import Client
from tests.matrix.installation import Installation
from tests.matrix.judging import played


def confirmed(matrix: Installation, module: str, client: Client) -> None:
    """Run a client; what it does is right, and is what the documentation says."""
    missing = client.missing()
    if missing:
        pytest.skip(missing)
    row, written = played(matrix, client), results.read(module).get(client.name)
    assert written is not None, f"{client.name} is in no table: python -m tests.matrix --write {client.name}"
    assert results.same(row, written, pinned=client.pinned), (
        f"{row}\nis not what docs/reference/clients.md says: {written}"
    )
