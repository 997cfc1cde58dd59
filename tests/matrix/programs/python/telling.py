"""What all the programs in Python share: they play their scenarios and print a line of JSON for each."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator

CLIENT = os.environ["MATRIX_CLIENT"]
PLAYED = os.environ["MATRIX_SCENARIOS"].split()
GITHUB, OPENAI = "https://api.github.com", "https://api.openai.com"
USER, MERGE, ISSUES = f"{GITHUB}/user", f"{GITHUB}/repos/acme/site/pulls/1/merge", f"{GITHUB}/repos/acme/site/issues"
CHAT = f"{OPENAI}/v1/chat/completions"
STREAMED = {"model": "gpt-demo", "messages": [{"role": "user", "content": "hi"}], "stream": True}
WORDS = "Hello from the double."


def github() -> dict[str, str]:
    """The header with the key for GitHub."""
    return {"Authorization": "Bearer " + os.environ["GITHUB_TOKEN"]}


def openai() -> dict[str, str]:
    """The header with the key for OpenAI."""
    return {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


def first() -> None:
    """Tell that the first piece of a stream has come; only then does the vendor send the rest."""
    say(event="first")


@contextlib.contextmanager
def internet() -> Iterator[None]:
    """Within it every name leads to the vendors' doubles on this machine, as if the internet could be reached."""
    look_up = socket.getaddrinfo
    port = int(os.environ["MATRIX_INTERNET"])
    socket.getaddrinfo = lambda *_, **__: look_up("127.0.0.1", port, socket.AF_INET, socket.SOCK_STREAM)
    try:
        yield
    finally:
        socket.getaddrinfo = look_up


class Words:
    """The words of a stream as OpenAI sends it, given line by line. Tells when the first has come."""

    def __init__(self) -> None:
        self.heard = ""

    def take(self, line: str) -> None:
        for data in (part[6:] for part in line.splitlines() if part.startswith("data: {")):
            self.add(json.loads(data)["choices"][0]["delta"].get("content"))

    def add(self, word: str | None) -> None:
        """A word that an SDK has read."""
        if word and not self.heard:
            first()
        self.heard += word or ""


def joined(pieces: Iterable[bytes | str]) -> str:
    """The words of a stream of events, of which each piece holds whole lines."""
    words = Words()
    for piece in pieces:
        words.take(piece.decode() if isinstance(piece, bytes) else piece)
    return words.heard


def heard(words: Iterable[str | None]) -> str:
    """The words of a stream that an SDK reads."""
    found = Words()
    for word in words:
        found.add(word)
    return found.heard


def tell(version: str, key: str, **scenarios: Callable[[], object]) -> None:
    """Play what is asked for.

    `allowed`, `held`, `stream` and `around` return whether the right answer came. `denied` and `closed` must raise, or
    return what the client's user sees where it raises nothing. `key` is what the program used as its key.
    """
    say(version=version)
    for name in PLAYED:
        try:
            came, seen = scenarios[name](), ""
        except Exception as fault:  # noqa: BLE001 - whatever it is, its user sees it
            came, seen = False, f"{type(fault).__name__}: {fault}"
        if name in {"denied", "closed"}:
            came, seen = bool(seen or came), seen or str(came)
        else:
            seen = seen or str(came)
        say(scenario=name, ok=bool(came), seen=seen, key_seen=key)
