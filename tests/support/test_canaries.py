"""The search finds what it must find."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.canaries import files, sightings

SECRET = "sk-proj-canary_0123456789"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, bytes.hex, bytes])
def test_encoded_anywhere(before: str, encode: object) -> None:
    text = encode(f"{before}{SECRET}:rest".encode())  # type: ignore[operator]
    found = sightings({"key": SECRET}, [("log", text if isinstance(text, bytes) else text.encode())])
    assert found == ["key in log"]


def test_percent_encoded() -> None:
    escaped = "".join(f"%{byte:02X}" for byte in SECRET.encode())
    assert sightings({"key": SECRET}, [("log", quote("x=", safe="").encode() + escaped.encode())])


def test_nothing_found_in_something_else() -> None:
    assert sightings({"key": SECRET}, [("log", SECRET[:-1].encode())]) == []


def test_databases_are_read_as_text_too(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table t (v)")
        database.execute("insert into t values (?)", (SECRET,))
    database.close()
    assert "key in a.db (as text)" in sightings({"key": SECRET}, files(tmp_path))
