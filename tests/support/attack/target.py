"""What the agent goes for: places, processes and doors of one installation. Standard library only, so that any Python
can run it as any user."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

OPEN, CLOSED = "open", "closed"
MODULES = {"tameflare.control": "server", "tameflare.proxy": "proxy", "tameflare.proxy.shipper": "shipper"}


class Found(NamedTuple):
    """What came of an attempt; `detail` is for the person who reads it and holds no secret."""

    verdict: str
    detail: str


@dataclass(frozen=True)
class Target:
    """`server` and `proxy` are URLs, `upstream` is host:port of a service behind the proxy, `supervisor` a process."""

    data: Path
    home: Path
    project: Path
    code: Path
    server: str
    proxy: str
    upstream: str
    supervisor: int

    @classmethod
    def parse(cls, text: str) -> Target:
        facts = json.loads(text)
        paths = {name: Path(facts.pop(name)) for name in ("data", "home", "project", "code")}
        return cls(**paths, **facts)

    @property
    def login(self) -> Path:
        return self.home / ".config" / "tameflare" / "login.json"

    def processes(self) -> dict[str, int]:
        """The processes of this installation by name, and of no other: everybody may see who started whom."""
        found = {"tf run": os.getppid(), "tf up": self.supervisor}
        for pid in descendants(self.supervisor):
            words = (read(Path(f"/proc/{pid}/cmdline")) or b"").decode(errors="replace").split("\0")
            module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
            if module in MODULES:
                found[MODULES[module]] = pid
        return found

    def token(self, prefix: str) -> str | None:
        """A token of that kind, wherever this user finds one."""
        places = {
            "gwtk_": self.project / ".tf" / "config.yaml",
            "gwln_": self.data / "proxy" / "link.token",
            "tfu_": self.login,
        }
        try:
            text = places[prefix].read_text() if prefix in places else os.environ.get("HTTPS_PROXY", "")
        except OSError:
            return None
        found = re.search(re.escape(prefix) + r"[A-Za-z0-9_.-]+", text)
        return found[0] if found else None


Attempt = Callable[[Target], Found]


def descendants(pid: int) -> Iterator[int]:
    """Those that are there now; a process may end while it is looked at."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    return [int(child) for task in tasks for child in (read(task) or b"").decode().split()]


def read(path: Path) -> bytes | None:
    """The file, or None where it is closed to us or not there."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def verdict(ways: dict[str, bool]) -> Found:
    """Open where one of the ways is; the detail names those."""
    open_ways = [name for name, is_open in ways.items() if is_open]
    tried = ", ".join(ways)
    return Found(OPEN, ", ".join(open_ways)) if open_ways else Found(CLOSED, f"tried: {tried or 'nothing is there'}")
