"""A network namespace with a cable to this machine, in the part of another machine: own addresses, own names, nothing
else that it reaches."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """`here` is our address on the cable, `there` the other's."""

    name: str
    here: str
    there: str

    def run(self, *command: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
        """A program on that machine."""
        return subprocess.run(
            [_ip(), "netns", "exec", self.name, *command],
            env=env, cwd=cwd, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@cache
def missing() -> str:
    """Why there can be no other machine here; empty where there can."""
    if os.geteuid() != 0:
        return "network namespaces are made by root"
    if shutil.which("ip") is None:
        return "needs `ip` (tools/system_parts.sh chain)"
    name = f"tf{secrets.token_hex(4)}"
    made = subprocess.run([_ip(), "netns", "add", name], capture_output=True, text=True)
    subprocess.run([_ip(), "netns", "del", name], capture_output=True)
    return "" if made.returncode == 0 else f"this system allows no network namespaces: {made.stderr.strip()}"


@contextlib.contextmanager
def machine(*names: str) -> Iterator[Machine]:
    """Plugged in; there, `names` lead to us."""
    name, number = f"tf{secrets.token_hex(4)}", secrets.randbelow(250)
    made = Machine(name, f"10.231.{number}.1", f"10.231.{number}.2")
    hosts = Path("/etc/netns", name, "hosts")
    _do("netns", "add", name)
    try:
        hosts.parent.mkdir(parents=True)
        hosts.write_text(f"127.0.0.1 localhost\n{made.here} {' '.join(names)}\n")
        _do("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _do("address", "add", f"{made.here}/30", "dev", name)
        _do("link", "set", name, "up")
        for words in (f"address add {made.there}/30 dev eth0", "link set eth0 up", "link set lo up"):
            _do("-netns", name, *words.split())
        yield made
    finally:
        subprocess.run([_ip(), "netns", "del", name], check=True)  # the cable goes with it
        shutil.rmtree(hosts.parent)


def _ip() -> str:
    return shutil.which("ip") or "ip"


def _do(*words: str) -> None:
    subprocess.run([_ip(), *words], check=True)
