"""An HTTP request as connectors see it: parsed, its path normalised once, its body perhaps not yet read."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

Header = tuple[bytes, bytes, bytes]


class HttpRequest(msgspec.Struct, eq=False):
    """`path` is normalised and without query; `query` is raw, without `?`. Headers are triples of lower-case name,
    name as sent, and value. `body` is None until somebody asked for it."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    query: str = ""
    headers: Iterable[Header] = ()
    body: bytes | None = None

    def header(self, name: bytes) -> str:
        """The first value of a header by its lower-case name; empty where it was not sent."""
        for lower, _, value in self.headers:
            if lower == name:
                return value.decode("latin-1")
        return ""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a header by its lower-case name."""
        return [value for lower, _, value in self.headers if lower == name]
