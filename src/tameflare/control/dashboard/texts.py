"""How values are written on pages. Agents choose many of them, and may mean to mislead whoever reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

import msgspec
from markupsafe import Markup, escape

from tameflare.core.roles import Role

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_VARIATION: Final = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800)
_ALSO_HIDDEN: Final = frozenset(map(chr, _VARIATION))


def visible(value: object, lines: bool = False) -> Markup:
    """Text with a mark, such as U+202E, in place of each character that cannot be seen, looks like a space, or turns
    the direction of reading. `lines`: line breaks and tabs may stand."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return escape(text)
    plain = {"\n", "\t"} if lines else set[str]()
    parts: list[Markup] = []
    for hidden, run in groupby(text, lambda char: char not in plain and _is_hidden(char)):
        chars = list(run)
        parts += [_mark(char) for char in chars] if hidden else [escape("".join(chars))]
    return Markup("").join(parts)


def _is_hidden(char: str) -> bool:
    if char == " " or "!" <= char <= "~":
        return False
    category = unicodedata.category(char)
    return category in _HIDDEN or category == "Zs" or char in _ALSO_HIDDEN


def _mark(char: str) -> Markup:
    return Markup('<span class="odd">U+{}</span>').format(f"{ord(char):04X}")


def ticked(text: str) -> Markup:
    """A sentence as `visible` writes it, with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return visible(text)
    codes = (Markup("<code>{}</code>").format(visible(part)) if place % 2 else visible(part)
             for place, part in enumerate(parts))  # fmt: skip
    return Markup("").join(codes)


def value_text(value: Any) -> str:
    """A parameter's value: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def moment(seconds: float, shape: str = "full") -> Markup:
    """A time in UTC, which the page's script turns into the reader's own. `shape`: `full`, or `clock` (no date)."""
    time = datetime.fromtimestamp(seconds, UTC)
    text = time.strftime("%H:%M:%S UTC" if shape == "clock" else "%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" data-shape="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"), shape, text
    )


def span(seconds: float) -> str:
    """How long something takes or took, in the two largest units: `4 min 5 s`."""
    left = max(0, int(seconds))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, left = divmod(left, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def who_must_agree(ask: Mapping[str, Any]) -> str:
    """Who is still missing for an approval, as the API shows it: `1 of the group …, and 1 person with the role …`."""
    parts = [_need(need, " more" if ask["votes"] else "") for need in ask["needs"]]
    apart = any(part["distinct"] for part in (ask["requirement"], *ask["requirement"]["also"]))
    return f"{', and '.join(parts)}{'; nobody counts for two groups of one rule' if apart else ''}"


def _need(need: Mapping[str, Any], more: str) -> str:
    count, role = need["missing"], need["role"]
    if need["group"] is None:
        return f"{count}{more} {'person' if count == 1 else 'people'} with the role {role} or above"
    rank = f" with the role {role} or above" if role in (Role.ADMIN.value, Role.OWNER.value) else ""
    return f"{count}{more} of the group `{need['group']}`{rank}"
