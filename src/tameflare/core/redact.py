"""What is taken out of a path before it is recorded."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tameflare.core.secret import MASK

LONGEST_PATH: Final = 2048


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
