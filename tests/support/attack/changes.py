"""Changing things: files, databases, processes. These attempts do damage and so come last."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.support.attack.reading import key_id, sealed_values
from tests.support.attack.target import CLOSED, OPEN, Attempt, Found, Target, verdict

_PATIENCE = 30.0
_TRIES = 3


def writable(path: Path) -> bool:
    """Whether the file can be opened for writing; nothing is written."""
    try:
        with path.open("ab"):
            return True
    except OSError:
        return False


def loosen_rules(target: Target) -> Found:
    """Every written deny becomes an allow, in the database itself."""
    try:
        with closing(sqlite3.connect(target.data / "server" / "tameflare.db", timeout=10)) as connection:
            connection.execute("UPDATE rules SET decision = 'allow' WHERE decision = 'deny'")
            connection.commit()
            left = connection.execute("SELECT count(*) FROM rules WHERE decision = 'deny'").fetchone()[0]
    except sqlite3.Error:
        return verdict({"UPDATE rules": False})
    return verdict({"UPDATE rules": left == 0})


def write_answers(target: Target) -> Found:
    """Every request that waits for people is approved, in the database itself."""
    try:
        with closing(sqlite3.connect(target.data / "server" / "tameflare.db", timeout=10)) as connection:
            changed = connection.execute("UPDATE approvals SET status = 'approved'").rowcount
            connection.commit()
    except sqlite3.Error:
        return verdict({"UPDATE approvals": False})
    return verdict({"UPDATE approvals": changed > 0})


def forge_records(target: Target) -> Found:
    ways = {"the server's records": writable(target.data / "server" / "traffic.db")}
    try:
        segments = list((target.data / "proxy" / "spool").iterdir())
    except OSError:
        segments = []
    ways["the proxy's spool"] = any(writable(path) for path in segments if path.is_file())
    return verdict(ways)


def replace_authority(target: Target) -> Found:
    return verdict({name: writable(target.data / "proxy" / name) for name in ("ca.key", "ca.pem")})


def lead_runs_astray(target: Target) -> Found:
    """Write another proxy into `.tf`, and trust for it where the user's trust is kept."""
    config = target.project / ".tf" / "config.yaml"
    trust = target.login.with_name("trusted.json")
    if not writable(config):
        return verdict({"`.tf/config.yaml`": False})
    return verdict({"`.tf/config.yaml` and `trusted.json`": os.access(trust.parent, os.W_OK)})


def change_code(target: Target) -> Found:
    return verdict({"a module of the product": writable(target.code)})


def change_profile(target: Target) -> Found:
    """One that is there, or else made, and one that shells read as well."""
    return verdict({name: _can_make(target.home / name) for name in (".profile", ".zshenv")})


def _can_make(path: Path) -> bool:
    """The same for a file that may not be there yet; it is not left behind."""
    there = path.exists()
    made = writable(path)
    if made and not there:
        path.unlink()
    return made


def second_copy(target: Target) -> Found:
    """A proxy on the same directory: its lock is a file, which the owner of the directory can remove."""
    lock = target.data / "proxy" / "proxy.lock"
    if not os.access(lock, os.W_OK):
        return verdict({"a second proxy": False})
    environment = {**os.environ, "TF_DATA_DIR": str(target.data), "TF_PROXY_PORT": "0", "TF_SERVER_URL": target.server}
    first = subprocess.run(
        [sys.executable, "-m", "tameflare.proxy"], env=environment, capture_output=True, timeout=60, check=False
    )
    removable = os.access(lock.parent, os.W_OK | os.X_OK)
    return verdict({"beside the running one": first.returncode == 0, "after removing the lock": removable})


def halt(target: Target) -> Found:
    """SIGSTOP and SIGCONT show that any signal would reach it."""
    proxy = target.processes().get("proxy")
    return verdict({"signals to the proxy": _send(proxy, signal.SIGSTOP) and _send(proxy, signal.SIGCONT)})


def _send(pid: int | None, number: signal.Signals) -> bool:
    """Whether there is such a process and it may be sent that."""
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except PermissionError:
        return False
    return True


def core_file(target: Target) -> Found:
    """SIGQUIT asks for a core file; the process may end, but must leave none."""
    proxy = target.processes().get("proxy")
    if not _send(proxy, signal.SIGQUIT):
        return verdict({"SIGQUIT": False})
    _await(lambda: target.processes().get("proxy") not in (None, proxy))
    left = [path for top in (target.home, target.data, target.project) for path in top.rglob("core*") if path.is_file()]
    return verdict({"a core file": bool(left)})


def catch_the_start(target: Target) -> Found:
    """Kill the server and read the environment of the one that follows, before it closes itself."""
    sealed = sealed_values(target)
    wanted = sealed[0].split(":")[2] if sealed else ""
    for _ in range(_TRIES):
        old = target.processes().get("server")
        if not _send(old, signal.SIGKILL):
            return verdict({"SIGKILL": False})
        seen = _environment_of_the_next(target, old)
        key = next((value for value in seen if value.startswith(b"SETTINGS_ENCRYPTION_KEY=")), b"")
        if key and key_id(bytes.fromhex(key.partition(b"=")[2].decode())) == wanted:
            return Found(OPEN, "the environment of a starting server")
    return Found(CLOSED, f"tried: {_TRIES} starts of the server")


def _environment_of_the_next(target: Target, old: int | None) -> list[bytes]:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        pid = target.processes().get("server")
        if pid not in (None, old):
            try:
                return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                return []
    return []


def _await(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + _PATIENCE
    while not condition() and time.monotonic() < give_up:
        time.sleep(0.02)


ATTEMPTS: dict[str, Attempt] = {
    "write rules into the database": loosen_rules,
    "write answers of people into the database": write_answers,
    "forge records": forge_records,
    "replace the certificate authority": replace_authority,
    "lead the next run to another proxy": lead_runs_astray,
    "change the product's code": change_code,
    "write a start-up file of the user's shell": change_profile,
    "start a second proxy on the same data": second_copy,
    "stop the proxy": halt,
    "make the proxy leave a core file": core_file,
    "catch the master key while the server starts": catch_the_start,
}
