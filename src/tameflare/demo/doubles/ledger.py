"""What reached the doubles, for tests and the demo to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tameflare.demo.doubles.web import Request


@dataclass(frozen=True)
class Seen:
    """One request that reached a double. `authorised`: it held the real credential."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    authorised: bool


@dataclass
class Ledger:
    """Every request in the order of arrival. Written by the server's thread, read by others: appending is atomic."""

    _entries: list[Seen] = field(default_factory=list)

    def write(self, request: Request, authorised: bool) -> None:
        """Keep a request, without its body."""
        self._entries.append(
            Seen(
                request.method,
                request.host,
                request.path,
                request.query,
                dict(request.headers),
                authorised,
            )
        )

    def entries(self, host: str | None = None) -> tuple[Seen, ...]:
        """All entries, or those for one host."""
        return tuple(entry for entry in list(self._entries) if host in (None, entry.host))

    def since(self, mark: int) -> tuple[Seen, ...]:
        """Entries written after `mark`, which is an earlier `len(ledger)`."""
        return tuple(self._entries[mark:])

    def __len__(self) -> int:
        return len(self._entries)
