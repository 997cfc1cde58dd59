from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.control.decision_tokens.minting import Mint


@pytest.fixture
def mint(tmp_path: Path) -> Iterator[Mint]:
    made = Mint(tmp_path)
    yield made
    made.close()
