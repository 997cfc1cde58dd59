"""What is taken out of a path before it is recorded, and out of parameters before people are shown them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from tameflare.core.secret import MASK

LONGEST_PATH: Final = 2048
LONGEST_SHOWN: Final = 4096  # characters
MOST_SHOWN: Final = 100  # entries of one list or object
DEEPEST: Final = 8
CUT: Final = "…"
_KEY: Final = re.compile(
    r"\b(?:sk|rk|pk|whsec)_(?:live|test)_[A-Za-z0-9]{8,}|\bsk-[A-Za-z0-9_-]{16,}|\bgh[opsur]_[A-Za-z0-9]{16,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{16,}|\bxox[a-z]-[A-Za-z0-9-]{8,}|\bAKIA[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\b(?:gwtk|gwln|tfr|tfu|tf_live|tf_test)_[A-Za-z0-9_-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
"""Keys by the shapes that vendors publish, and private keys in PEM (RFC 7468)."""


def recorded_path(path: str, query: str, sensitive: Collection[str]) -> str:
    """The path with its query, the values of sensitive names masked, cut to a bounded length.

    Names are compared without case and percent-decoding is not needed: an encoded name is masked as well.
    """
    if not query:
        return path[:LONGEST_PATH]
    return f"{path}?{mask_query(query, sensitive)}"[:LONGEST_PATH]


def mask_query(query: str, sensitive: Collection[str]) -> str:
    return "&".join(_masked(pair, sensitive) for pair in query.split("&"))


def _masked(pair: str, sensitive: Collection[str]) -> str:
    name, equals, _ = pair.partition("=")
    if equals and (name.lower() in sensitive or "%" in name):
        return f"{name}={MASK}"
    return pair


def shown(value: Any, sensitive: Collection[str], depth: int = DEEPEST) -> Any:
    """A value as people are shown it: what stands under a sensitive name, or looks like a key, masked; long texts,
    long lists and deep nesting cut, and said so. Numbers and truth values stay as they are."""
    if isinstance(value, str):
        return _shown_text(value)
    if not isinstance(value, dict | list | tuple):
        return value
    if not depth:
        return CUT
    if isinstance(value, dict):
        named = list(value.items())
        kept = {str(name): _shown_named(str(name), each, sensitive, depth) for name, each in named[:MOST_SHOWN]}
        return kept if len(named) <= MOST_SHOWN else {**kept, CUT: f"{len(named) - MOST_SHOWN} more"}
    items = [shown(each, sensitive, depth - 1) for each in value[:MOST_SHOWN]]
    return items if len(value) <= MOST_SHOWN else [*items, f"{CUT} {len(value) - MOST_SHOWN} more"]


def _shown_named(name: str, value: Any, sensitive: Collection[str], depth: int) -> Any:
    return MASK if name.lower() in sensitive else shown(value, sensitive, depth - 1)


def _shown_text(text: str) -> str:
    masked = _KEY.sub(MASK, text)
    return masked if len(masked) <= LONGEST_SHOWN else f"{masked[:LONGEST_SHOWN]}{CUT}"
