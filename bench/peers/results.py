"""What a run has found: kept in a file, so that pages can be written from it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from tameflare.core.errors import TameFlareError


class Peer(msgspec.Struct):
    """`verifies`: whether it refused an upstream with a certificate of an unknown authority."""

    name: str
    about: str
    verifies: bool


class Results(msgspec.Struct):
    """`values` by way, name and round; `missing` and `faults` are sentences."""

    machine: str
    noise: str
    date: str
    rounds: int
    quick: bool
    peers: list[Peer] = []
    missing: list[str] = []
    faults: list[str] = []
    requests_on_record: int = 0
    values: dict[str, dict[str, list[float | None]]] = {}

    def add(self, peer: str, number: int, found: dict[str, float]) -> None:
        """What round `number`, counted from 0, has found."""
        for key, value in found.items():
            self.values.setdefault(peer, {}).setdefault(key, [None] * self.rounds)[number] = value

    def of(self, peer: str, key: str) -> list[float]:
        """One for each round in which it could be measured."""
        return [value for value in self._rounds(peer, key) if value is not None]

    def median(self, peer: str, key: str) -> float | None:
        values = self.of(peer, key)
        return median(values) if values else None

    def against(self, ours: str, other: str, key: str, how: Callable[[float, float], float]) -> list[float]:
        """`how(ours, other)` of each round that has both: what was measured one right after the other."""
        pairs = zip(self._rounds(ours, key), self._rounds(other, key), strict=True)
        return [how(one, two) for one, two in pairs if one is not None and two is not None]

    def _rounds(self, peer: str, key: str) -> list[float | None]:
        return self.values.get(peer, {}).get(key, [None] * self.rounds)

    def save(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Raises TameFlareError for a file that is no such thing."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as fault:
            raise TameFlareError(f"`{path}` holds no results", str(fault)) from fault
