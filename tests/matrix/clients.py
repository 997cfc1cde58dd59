"""The clients of the matrix: what each is, how it is started, and which way it is governed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path(__file__).parent / "programs"
LANGUAGES: Final = Path(__file__).parent / "languages"
ALLOWED, DENIED, HELD, STREAM = "allowed", "denied", "held", "stream"
AROUND, CLOSED = "around", "closed"
SCENARIOS: Final = (ALLOWED, DENIED, HELD, STREAM)


class Verdict(StrEnum):
    """Which way a client comes to be governed."""

    ENVIRONMENT = "environment"
    SHIM = "shim"
    ISOLATE = "isolate"


def always() -> str:
    """For clients that every machine has on which the tests run."""
    return ""


@dataclass(frozen=True)
class Client:
    """One client.

    `language` is the heading that it stands under. `command` starts its program, which plays `scenarios` and prints a
    line of JSON for each. `environment` is added to what `tf run` is started with, `options` to `tf run` itself.
    `over_https` is the scenario that it plays once more through a proxy that speaks TLS: `around` for one that goes
    past such a proxy, empty for one that need not be tried because another does the same.
    `gateway` is one of `gateways.GATEWAYS`. `tries` is how often it asks for what is denied. `shows` is what its user
    must see of a denial: words with `{action}`, `{code}` and `{message}` filled in; empty where the client shows
    nothing of an answer, which `remark` then says. `missing` gives the reason why it cannot be tried on this machine,
    or nothing. `pinned`: a lock file says which version it is, so the table must name that one. `own_key`: variables
    that it is given a real key in, because it signs by itself, each with the name of the connector whose key that is.
    """

    name: str
    language: str
    command: tuple[str, ...]
    verdict: Verdict = Verdict.ENVIRONMENT
    scenarios: tuple[str, ...] = SCENARIOS
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    gateway: str = "matrix"
    over_https: str = ALLOWED
    tries: int = 1
    shows: str = "{action}"
    remark: str = ""
    missing: Callable[[], str] = always
    pinned: bool = False
    own_key: Mapping[str, str] = field(default_factory=dict)


def modules() -> list[str]:
    """The modules of `languages`, in their order."""
    return sorted(found.name for found in pkgutil.iter_modules([str(LANGUAGES)]))


def everything() -> tuple[Client, ...]:
    """All clients, by their modules."""
    return tuple(client for name in modules() for client in of(name))


def of(module: str) -> tuple[Client, ...]:
    """The clients of one module of `languages`."""
    found: tuple[Client, ...] = importlib.import_module(f"tests.matrix.languages.{module}").CLIENTS
    return found
