"""Reading what lies about: tokens, keys, databases, records."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.support.attack.target import CLOSED, OPEN, Attempt, Found, Target, read, verdict

_HEX_KEY = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_LARGEST = 8 << 20


def gateway_token(target: Target) -> Found:
    return verdict({"`.tf/config.yaml`": target.token("gwtk_") is not None})


def log_in(target: Target) -> Found:
    return verdict({"`login.json`": target.token("tfu_") is not None})


def set_up_code(target: Target) -> Found:
    return verdict({"`setup-code`": bool(read(target.data / "server" / "setup-code"))})


def link_token(target: Target) -> Found:
    return verdict({"`link.token`": target.token("gwln_") is not None})


def authority_key(target: Target) -> Found:
    return verdict({"`ca.key`": b"PRIVATE KEY" in (read(target.data / "proxy" / "ca.key") or b"")})


def database(target: Target) -> Found:
    return verdict({"`tameflare.db`": bool(sealed_values(target))})


def records(target: Target) -> Found:
    spool = target.data / "proxy" / "spool"
    try:
        segments = [path for path in spool.iterdir() if path.is_file()]
    except OSError:
        segments = []
    ways = {"the proxy's spool": any(read(path) is not None for path in segments)}
    ways["`traffic.db`"] = bool(read(target.data / "server" / "traffic.db"))
    return verdict(ways)


def sealed_values(target: Target) -> list[str]:
    """What the database keeps under the master key."""
    try:
        with closing(sqlite3.connect(target.data / "server" / "tameflare.db", timeout=5)) as connection:
            return [row[0] for row in connection.execute("SELECT value FROM meta WHERE value LIKE 'enc:v2:%'")]
    except sqlite3.Error:
        return []


def master_key(target: Target) -> Found:
    """Every run of 64 hexadecimal digits that this user can find, held against the key id of a sealed value."""
    sealed = sealed_values(target)
    wanted = sealed[0].split(":")[2] if sealed else ""
    for place, data in _places(target):
        for found in set(_HEX_KEY.findall(data)):
            if key_id(bytes.fromhex(found.decode())) == wanted:
                return Found(OPEN, place)
    return Found(CLOSED, "tried: files of the data directory and the home, environments of all processes")


def key_id(master: bytes) -> str:
    """The id that sealed values carry: HKDF-SHA-256 (RFC 5869) without salt, first four bytes."""
    extracted = hmac.new(bytes(32), master, hashlib.sha256).digest()
    return hmac.new(extracted, b"tameflare vault v2 id\x01", hashlib.sha256).digest()[:4].hex()


def _places(target: Target) -> Iterator[tuple[str, bytes]]:
    for process in Path("/proc").glob("[0-9]*"):
        yield "the environment of a process", read(process / "environ") or b""
    for top in (target.data, target.home, target.project):
        for folder, _, names in os.walk(top):
            for path in (Path(folder, name) for name in names):
                if path.is_file() and path.stat().st_size <= _LARGEST:
                    yield f"the file {path.name}", read(path) or b""


def credentials(target: Target) -> Found:
    """The last good configuration lies beside the link token under which its credentials are sealed."""
    token, kept = target.token("gwln_"), read(target.data / "proxy" / "last-good.json")
    if token is None or kept is None:
        return Found(CLOSED, "tried: last good configuration and link token")
    import msgspec

    from tameflare.link.seal import bundle_key, open_snapshot
    from tameflare.proxy.last_good import LastGood

    good = msgspec.json.decode(kept, type=LastGood)
    _, bundle = open_snapshot(good.snapshot, bundle_key(token, good.proxy), good.proxy)
    return verdict({f"{len(bundle.credentials)} credentials, by link token and `last-good.json`": True})


ATTEMPTS: dict[str, Attempt] = {
    "read the gateway's token in `.tf`": gateway_token,
    "read the user's log-in": log_in,
    "read a set-up code": set_up_code,
    "read the proxy's link token": link_token,
    "read the key of the certificate authority": authority_key,
    "read the server's database": database,
    "read the records": records,
    "find the master key": master_key,
    "open the gateway's credentials": credentials,
}
