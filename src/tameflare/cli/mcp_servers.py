"""Servers in the file of an MCP client: each gets `tf run` before its command."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tameflare.cli.output import clean, note
from tameflare.core.errors import InvalidValue

_OURS: Final = ("GATEWAY_URL", "PATH")
_OUR_KINDS: Final = ("TF_", "PYTHON", "LD_", "DYLD_")
"""Variables that decide which `tf` is started, what it loads, and which proxy it leads to."""


def through(name: str, server: Any, directory: Path) -> Any:
    """One server's entry with `tf run` before its command; servers that are reached by a URL stay as they are.

    Raises InvalidValue where its `env` would change what `tf` itself does.
    """
    if not isinstance(server, dict) or not isinstance(server.get("command"), str):
        _tell_of_url(name, server)
        return server
    _check_environment(name, server)
    agent = "mcp-" + "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
    ours = ["run", "--quiet", "--project", str(directory), "--name", agent, "--"]
    given = server.get("args") or []
    if not _is_tf(server["command"]):
        return server | {"command": "tf", "args": [*ours, server["command"], *given]}
    if given[: len(ours)] != ours or len(given) == len(ours):
        note(
            f"warning: `{clean(name)}` starts `tf` in another way than ours, and stays so; look what it does, "
            "or put the server's own command there and run this again"
        )
    return server


def _is_tf(command: str) -> bool:
    """Whether it is this program; another one of that name, such as a repository's, is a server like any other."""
    found = shutil.which("tf")
    return command == "tf" or (found is not None and Path(command).is_absolute() and Path(command) == Path(found))


def _check_environment(name: str, server: dict[str, Any]) -> None:
    for variable in _unfit(server.get("env")):
        raise InvalidValue(
            f"`{clean(variable)}` in `env` of the server `{clean(name)}` would be obeyed by `tf` itself",
            'take it out, or give it to the server alone: `"command": "env"`, `"args": ["NAME=value", …]`',
        )


def _unfit(environment: Any) -> Iterator[str]:
    if isinstance(environment, dict):
        yield from (each for each in environment if each in _OURS or each.startswith(_OUR_KINDS))


def _tell_of_url(name: str, server: Any) -> None:
    host = urlsplit(str(server.get("url", ""))).hostname if isinstance(server, dict) else None
    if host:
        note(f"`{clean(name)}` is reached by URL: `tf connector add mcp --name {clean(name)} --domain {clean(host)}`")
