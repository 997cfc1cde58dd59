"""Short ways to write the rows of a table."""

from __future__ import annotations

from tameflare.connectors.routes import API, BodyKind, Route, When
from tameflare.core.action import Effect, Risk

LOW, MEDIUM, HIGH = Risk.LOW, Risk.MEDIUM, Risk.HIGH
READ, WRITE, DESTRUCTIVE, MONEY, PUBLIC = Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE, Effect.MONEY, Effect.PUBLIC


def read(path: str, name: str, query: str = "", *, when: When | None = None, surface: str = API) -> Route:
    return Route("GET", path, name, READ, LOW, query=query, when=when, surface=surface)


def download(path: str, name: str) -> Route:
    """A route whose answer is a file."""
    return Route("GET", path, name, READ, LOW, download=True)


def remove(path: str, name: str, risk: Risk = HIGH, *, body: BodyKind | None = None) -> Route:
    return Route("DELETE", path, name, DESTRUCTIVE, risk, body=body)
