"""docs/reference/clients.md, from the rows of all clients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.matrix import clients, results
from tests.matrix.clients import ALLOWED, DENIED, HELD, STREAM, Client
from tests.matrix.judging import Entry

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "clients.md"
NOTE: Final = "<!-- Written by `python -m tests.matrix --write` from what the clients did. Do not edit. -->"
HEAD: Final = ("client", "version", "way", ALLOWED, DENIED, HELD, STREAM, "proxy by https")
LONGEST: Final = 700
ABOUT: Final = """\
# Clients

Each client of these tables is a real one, run unchanged under `tf run` against local doubles of the vendors; its row
is what it did. The tests run every client again that the machine has, and leave the others out with a reason.
[Connect a client](../howto/connect-a-client.md) says what to do for those that need something.

The **way** in which a client comes to be governed:

- `environment`: it reads the proxy and the certificates from variables that `tf run` sets. Nothing is to be done.
- `shim`: it reads them from somewhere else, and something small beside the program leads it there. The remark says
  what, and whether `tf run` does it by itself.
- `isolate`: it ignores the environment. Only `tf run --isolate` governs it: it gets nowhere then, and nothing leaves.
  Without `--isolate` it holds no real key either, but it is not kept from the network.

What was tried:

- **allowed**: the right answer came; the vendor saw the real credential, the program held a placeholder. Where it is
  **held**, its memory is searched for real keys while it waits. (Some need a key of their own; it is said below.)
  `closed`: run with `--isolate`, it reached nothing; without, it reached the vendor, with a placeholder.
- **denied**: nothing reached the vendor, the client asked once and not again, and its user is shown why. The text that
  follows each table is that: what an uncaught error prints, or what the program writes to the terminal.
- **held**: the request waited until a person agreed, the program got the right answer then, and it went once.
- **stream**: the client had the first piece of an answer before the vendor had sent the second.
- **proxy by https**: it works the same if `HTTPS_PROXY` begins with `https://` (the proxy's listener speaks TLS).
  `past it`: it ignores such a proxy, as if it had been told of none; it then needs `--isolate`, or the plain listener.

A dash: the client has nothing of the kind, or it was not tried. `…` stands for what differs from run to run.
"""


def text() -> str:
    """The whole page."""
    return "\n".join([NOTE, "", ABOUT, *_tables()])


def _tables() -> Iterator[str]:
    rows = results.everything()
    known = [client for client in clients.everything() if client.name in rows]
    for language, members in groupby(known, key=lambda client: client.language):
        found = list(members)
        yield f"## {language}"
        yield ""
        yield from _table((client, rows[client.name]) for client in found)
        yield ""
        for client in found:
            yield from _notes(client, rows[client.name])


def _table(rows: Iterator[tuple[Client, Entry]]) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{' --- |' * len(HEAD)}"
    for client, row in rows:
        played = [row.allowed or ("closed" if row.closed else ""), row.denied, row.held, row.stream, row.https_proxy]
        cells = [client.name, row.version, f"`{row.verdict}`", *(cell or "-" for cell in played)]
        yield f"| {' | '.join(cells)} |"


def _notes(client: Client, row: Entry) -> Iterator[str]:
    if client.remark:
        yield f"**{client.name}**: {client.remark}"
    else:
        yield f"**{client.name}**"
    yield ""
    if row.seen:
        yield "```text"
        yield _short(row.seen)
        yield "```"
        yield ""
    if row.over_https:
        yield "Through a proxy that speaks TLS:"
        yield ""
        yield "```text"
        yield _short(row.over_https)
        yield "```"
        yield ""


def _short(seen: str) -> str:
    return seen if len(seen) <= LONGEST else seen[:LONGEST] + " …"
