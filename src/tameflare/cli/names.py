"""Names that were seen lately, so that a shell can complete them without asking the server: `names.json` (0600) in the
user's cache directory. They are a convenience; what cannot be read or written is done without.

Other programs may write there too, and a shell inserts what it is offered: so names are looked at when they are read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tameflare.cli import project
from tameflare.cli.files import private_folder, write_private
from tameflare.cli.ordinary import SETTINGS_BYTES, Reader
from tameflare.core.errors import TameFlareError

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_GATEWAY: Final = re.compile(r"^gateway: *['\"]?([\w.-]+)", re.MULTILINE)


def path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tameflare" / "names.json"


def of_connectors(gateway: str) -> dict[str, str]:
    """Type by name of the gateway's connectors."""
    found = _of(gateway, "connectors")
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: type_ for name, type_ in pairs if _plain(name, type_)}


def of_agents(gateway: str) -> list[str]:
    found = _of(gateway, "agents")
    return [name for name in found if _plain(name)] if isinstance(found, list) else []


def of_gateways() -> list[str]:
    return list(_read())


def remember(
    gateway: str, *, connectors: Iterable[tuple[str, str]] | None = None, agents: Iterable[str] | None = None
) -> None:
    """Keep what the gateway has: pairs of connector name and type, names of agents; None leaves the kind as it is."""
    known = _read()
    seen: dict[str, Any] = dict(known.get(gateway, {}))
    if connectors is not None:
        seen["connectors"] = {name: type_ for name, type_ in connectors if _plain(name, type_)}
    if agents is not None:
        seen["agents"] = [name for name in agents if _plain(name)]
    if gateway and _plain(gateway) and known.get(gateway) != seen:
        _write({**known, gateway: seen})


def project_gateway() -> str:
    """The gateway of the project here, or nothing; whether the folder is trusted does not matter to a name."""
    folder = project.find_folder()
    text = Reader([]).text(folder / "config.yaml", SETTINGS_BYTES) if folder else ""
    found = _GATEWAY.search(text)
    return found[1] if found else ""


def _plain(*names: object) -> bool:
    """Only such names are offered: none that a shell or a terminal would take for something else."""
    return all(isinstance(name, str) and _PLAIN.fullmatch(name) for name in names)


def _of(gateway: str, kind: str) -> object:
    return _read().get(gateway, {}).get(kind)


def _read() -> dict[str, Mapping[str, Any]]:
    if _is_led_away():
        return {}
    try:
        data = json.loads(Reader([]).text(path(), SETTINGS_BYTES))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: seen for name, seen in data.items() if _plain(name) and isinstance(seen, dict)}


def _is_led_away() -> bool:
    """Whether our folder is a link: none that we made, and what it leads to is not ours to read or to close."""
    return path().parent.is_symlink()


def _write(known: Mapping[str, Any]) -> None:
    if _is_led_away():
        return
    try:
        private_folder(path().parent)
        write_private(path(), json.dumps(known, indent=1) + "\n")
    except TameFlareError:
        return
