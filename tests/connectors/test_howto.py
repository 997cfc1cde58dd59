"""The how-to's table is real: it compiles and names what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tameflare.connectors import naming
from tameflare.connectors.trie import Trie

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-connector.md"


def _table() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["ROUTES"]


def test_the_example_names_a_change_that_does_two_deeds() -> None:
    found = Trie(_table()).find("PATCH", "/v1/boards/7")
    assert found is not None
    routes = naming.discriminate(found[0], {"state": "archived", "name": "x"})
    assert [route.type for route in routes] == ["acme.board.archive", "acme.board.update"]


def test_the_files_that_the_page_names_exist() -> None:
    rooms = [PAGE.parents[2], PAGE.parents[2] / "src" / "tameflare" / "connectors"]
    for name in re.findall(r"`((?:[\w/]+/)?\w+\.py)`", PAGE.read_text()):
        assert any((room / name).exists() for room in rooms), name
