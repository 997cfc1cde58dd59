"""Placeholder keys: what an agent holds in place of a real one.

They are shaped like the vendor's keys so that unchanged programs start, carry a mark by which they are recognised, and
name the connector instance that they stand for. They are worth nothing anywhere. Light to import: `tf run` needs it.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

MARK: Final = b"tameflare_"
_PATTERN: Final = re.compile(rb"tameflare_([A-Za-z0-9][A-Za-z0-9._\-]*)_placeholder")

_VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "github": ("GITHUB_TOKEN", "GH_TOKEN"),
    "stripe": ("STRIPE_API_KEY", "STRIPE_SECRET_KEY"),
    "slack": ("SLACK_BOT_TOKEN", "SLACK_TOKEN"),
}
_SHAPES: Final[dict[str, str]] = {
    "openai": "sk-",
    "anthropic": "sk-ant-api03-",
    "github": "ghp_",
    "stripe": "sk_test_",
    "slack": "xoxb-",
}


def variables(connector_type: str) -> tuple[str, ...]:
    """The environment variables that a vendor's programs read their key from; empty for types without a vendor."""
    return _VARIABLES.get(connector_type, ())


def placeholder(connector_type: str, name: str) -> str:
    """The placeholder of a connector instance, for example `ghp_tameflare_github_placeholder`."""
    return f"{_SHAPES.get(connector_type, '')}tameflare_{name}_placeholder"


def bound_to(value: bytes | str) -> str | None:
    """The instance whose placeholder stands in a header value, query value or field, Basic pairs included."""
    raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
    found = _search(raw)
    if found is None and raw[:6].lower() == b"basic ":
        found = _search(_basic_pair(raw[6:]))
    return found


def foreign_to(name: str, value: bytes) -> str | None:
    """The first instance other than `name` whose placeholder stands in a line of a head; None where there is none."""
    named = bound_to(value)
    if named is not None and named != name:
        return named
    return next((other for match in _PATTERN.finditer(value) if (other := match.group(1).decode()) != name), None)


def _search(raw: bytes) -> str | None:
    if MARK not in raw:
        return None
    match = _PATTERN.search(raw)
    return match.group(1).decode() if match else None


def _basic_pair(encoded: bytes) -> bytes:
    """The decoded pair of a Basic header; empty where it is not base64."""
    bare = encoded.strip().rstrip(b"=")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return b""
