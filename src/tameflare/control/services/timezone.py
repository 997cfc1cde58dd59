"""The time zone that policies read clocks in: the server's word, so that no proxy uses a clock of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tameflare.setting_values import zone
from tameflare.settings import TIMEZONE, Settings

FALLBACK: Final = "UTC"
_DATABASE: Final = "zoneinfo/"


def zone_name(settings: Settings) -> str:
    """TF_TIMEZONE, else the machine's zone by its IANA name, else UTC. Raises SettingError."""
    return settings.get(TIMEZONE) or machine_zone(os.environ, Path("/etc"))


def machine_zone(environment: Mapping[str, str], configured: Path) -> str:
    """What the machine says: TZ, then `localtime` and `timezone` in the folder `configured`; else UTC."""
    return next((name for name in _named(environment, configured) if _is_zone(name)), FALLBACK)


def _named(environment: Mapping[str, str], configured: Path) -> Iterator[str]:
    yield environment.get("TZ", "").removeprefix(":")
    try:
        yield str((configured / "localtime").readlink()).rpartition(_DATABASE)[2]
    except OSError:
        yield ""  # it is a copy, or there is none
    try:
        yield (configured / "timezone").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        yield ""


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and zone(name) == name
    except ValueError:
        return False
