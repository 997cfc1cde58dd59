"""Finding secrets in what goes to the agent, in whatever pieces it comes, and overwriting them with `*`.

Every byte that belongs to an occurrence of a pattern becomes one `*`, so lengths stay as they are. Of what has
arrived the end is kept back, as far as it could stand in a credential at all. What the patterns are never decides that:
an agent that has the upstream repeat its guesses would see in each piece whether it had guessed the first letters
right, and find the secret letter by letter.

Theory of operation: nearly all answers hold no secret, so what counts is how fast that is known. `bytes.find` looks for
a single byte with the processor's widest instructions, ten times faster than for several bytes. Each pattern therefore
has a probe: two bytes of it that are rare in answers. Where one of them does not occur the pattern does not either;
else the pattern itself is looked for between the first and the last place of the rarer. Patterns share probes where
they can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

STAR: Final = b"*"
_ORDINARY: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/=%\\")
"""What credentials consist of, plain and in the usual encodings. Lines, events and JSON texts end in something else."""

_TYPICAL: Final = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.26\r\nDate: Sat, 21 Nov 2026 22:28:04 GMT\r\nContent-Type: application/json;"
    b" charset=utf-8\r\nContent-Length: 31704\r\nConnection: keep-alive\r\nCache-Control: private, max-age=60\r\n"
    b'ETag: W/"5f0c4c2e"\r\nX-RateLimit-Remaining: 4987\r\nVary: Accept, Authorization\r\n\r\n'
    b'{"id": 1296269, "node_id": "abc", "name": "hello-world", "owner": {"login": "octocat", "type": "User"}, '
    b'"private": false, "html_url": "https://example.com/users/octocat", "description": "This is the first of them.",'
    b' "created_at": "2026-01-26T19:01:12Z", "size": 108, "default_branch": "main", "labels": null, "score": 1.5}\n'
    b'data: {"object":"chat.completion.chunk","model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":" a"}}]}\n'
)
"""What answers look like, for telling rare bytes from common ones."""
_TYPICAL_SIZE: Final = 1024


class Probe(NamedTuple):
    """Two bytes that all of `needles` hold. The first place of `byte` is at most `before` bytes from their beginning,
    its last place at most `after` bytes from their end."""

    byte: bytes
    other: bytes
    before: int
    after: int
    needles: tuple[bytes, ...]


class Masker:
    """Patterns, made ready once and used for any number of answers. An empty pattern is left out."""

    __slots__ = ("_alphabet", "_longest", "_occurrence", "_patterns", "_probes")

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._patterns = tuple(sorted({pattern for pattern in patterns if pattern}, key=len, reverse=True))
        self._probes = _probes([one for one in self._patterns if not _holds_another(one, self._patterns)])
        self._occurrence = re.compile(b"(?=(%b))" % b"|".join(map(re.escape, self._patterns)), re.DOTALL)
        self._longest = len(self._patterns[0]) if self._patterns else 0
        self._alphabet = bytes(_ORDINARY.union(*self._patterns))

    def is_clean(self, data: bytes) -> bool:
        """Whether no pattern occurs in `data`."""
        for byte, other, before, after, needles in self._probes:
            first = data.find(byte)
            if first >= 0 and other in data:
                start, end = (first - before if first > before else 0), data.rfind(byte) + after
                for needle in needles:
                    if data.find(needle, start, end) >= 0:
                        return False
        return True

    def mask(self, data: bytes) -> bytes:
        """The same with every occurrence overwritten; `data` itself where there is none."""
        return data if self.is_clean(data) else self.overwrite(data, data)

    def mask_fields(self, lines: bytes) -> bytes:
        """The same for field lines, name by name and value by value, so that they stay field lines."""
        return b"\r\n".join(b": ".join(map(self.mask, line.split(b": ", 1))) for line in lines.split(b"\r\n"))

    def overwrite(self, data: bytes, shown: bytes) -> bytes:
        """`shown`, which is as long as `data`, with stars wherever a pattern occurs in `data`."""
        out = bytearray(shown)
        for match in self._occurrence.finditer(data):
            start, end = match.span(1)
            out[start:end] = STAR * (end - start)
        return bytes(out)

    def undecided(self, data: bytes) -> int:
        """How many bytes at the end of `data` could belong to some credential that is not there as a whole."""
        if self._longest < 2 or not data or data[-1] not in self._alphabet:
            return 0
        tail = data[1 - self._longest :]
        return len(tail) - len(tail.rstrip(self._alphabet))

    def stream(self) -> MaskedBody:
        return MaskedBody(self)


class MaskedBody:
    """One body being masked; `masked` tells whether something was found.

    `_held` is what was kept back as it came, `_shown` the same with stars: its beginning may belong to an occurrence
    that has ended.
    """

    __slots__ = ("_held", "_masker", "_shown", "masked")

    keeps_length: Final = True

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = self._shown = b""
        self.masked = False

    def feed(self, payload: bytes) -> bytes:
        masker = self._masker
        data = shown = payload
        if self._held:
            data, shown = self._held + payload, self._shown + payload
        if not masker.is_clean(data):
            self.masked = True
            shown = masker.overwrite(data, shown)
        undecided = masker.undecided(data)
        if not undecided:
            self._held = self._shown = b""
            return shown
        self._held, self._shown = data[-undecided:], shown[-undecided:]
        return shown[:-undecided]

    def finish(self) -> bytes:
        shown, self._held, self._shown = self._shown, b"", b""
        return shown


def _holds_another(pattern: bytes, patterns: Sequence[bytes]) -> bool:
    """Whether whoever looks for the others finds this one as well."""
    return any(other in pattern for other in patterns if other != pattern)


def _probes(needles: Sequence[bytes]) -> tuple[Probe, ...]:
    """Few probes for all needles, of bytes that are rare: each is the one that rules out most, among those left."""
    left, probes = list(needles), []
    while left:
        worth = {byte: _absence(byte) * sum(byte in needle for needle in left) for byte in sorted(set(b"".join(left)))}
        byte = max(worth, key=worth.__getitem__)
        covered = [needle for needle in left if byte in needle]
        left = [needle for needle in left if byte not in needle]
        before = max(needle.index(byte) for needle in covered)
        after = max(len(needle) - needle.rindex(byte) for needle in covered)
        shared = set.intersection(*map(set, covered)) - {byte}
        other = max(sorted(shared), key=_absence, default=byte)
        probes.append(Probe(bytes((byte,)), bytes((other,)), before, after, tuple(covered)))
    return tuple(probes)


def _absence(byte: int) -> float:
    """How likely an answer of a kilobyte is without this byte."""
    share = (_TYPICAL.count(byte) + 0.1) / (len(_TYPICAL) + 25)
    return float((1 - share) ** _TYPICAL_SIZE)
