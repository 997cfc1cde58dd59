"""This machine: settings, data directory and disk, open files, names of hosts, the users that programs run as."""

from __future__ import annotations

import ipaddress
import os
import resource
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tameflare import settings
from tameflare.cli import socket_owner
from tameflare.cli.checks.around import Around, is_health, quietly
from tameflare.cli.checks.findings import Said, ok, red, warning
from tameflare.cli.checks.private import inside, is_wide
from tameflare.cli.client import is_loopback
from tameflare.core.errors import SettingError, TameFlareError

_FILES: Final = 4096
_LEAST_FREE: Final = 1 << 30
_HOSTS: Final = Path("/etc/hosts")
_BESIDE: Final = "agents that you run can read the proxy's files and your log-in: good enough against mistakes"
_APART: Final = "run agents that you do not trust with `tf run --isolate` or as another user"


def every_setting(around: Around) -> Said:
    wrong: list[SettingError] = []
    for setting in settings.ALL:
        try:
            around.settings.get(setting)
        except SettingError as fault:
            wrong.append(fault)
    if not wrong:
        yield ok("every setting can be read")
    for message, mend in dict.fromkeys((fault.message, fault.help) for fault in wrong):
        yield red(message, mend)


SEAL: Final = "start the server with SETTINGS_ENCRYPTION_KEY=$(openssl rand -hex 32), and keep that key"


def encryption(around: Around) -> Said:
    told = quietly(around, "details") or {}
    if around.settings.get(settings.ENCRYPTION_KEY) or told.get("encrypted"):
        yield ok("secrets are sealed" if told.get("encrypted") else "SETTINGS_ENCRYPTION_KEY is set")
    elif not told:
        yield warning(
            "no SETTINGS_ENCRYPTION_KEY in this environment",
            SEAL,
        )


def data(around: Around) -> Said:
    folder = around.settings.get(settings.DATA_DIR)
    if not folder.exists():
        yield from _future(folder)
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield ok(f"`{folder}` is closed to this user")
    else:
        yield from _present(folder)


def _future(folder: Path) -> Said:
    """The directory is made by the first start, which needs a place that can be written."""
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if os.access(above, os.W_OK | os.X_OK):
        yield ok(f"`{folder}` does not exist here; `tf up` makes it")
    else:
        yield red(
            f"`{folder}` does not exist, and `{above}` cannot be written", "set TF_DATA_DIR to a place of your own"
        )


def _present(folder: Path) -> Said:
    wide = [path for path in inside(folder) if is_wide(path)]
    if wide:
        yield red(f"{len(wide)} paths are open to others, first `{wide[0]}`", f"run `chmod -R go= {folder}`")
    elif not os.access(folder, os.W_OK):
        yield red(
            f"`{folder}` cannot be written", f"`chown -R $USER {folder}`, or set TF_DATA_DIR to a place of your own"
        )
    else:
        yield ok(f"`{folder}` is private")


def disk(around: Around) -> Said:
    folder = around.settings.get(settings.DATA_DIR)
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free, wanted = shutil.disk_usage(place).free, max(_LEAST_FREE, around.settings.get(settings.SPOOL_MAX_BYTES))
    if free < wanted:
        yield warning(
            f"{free >> 20} MiB are free at `{place}`, and records may take {wanted >> 20} MiB",
            "make room, set AUDIT_RETENTION_DAYS, or lower TF_SPOOL_MAX_BYTES; when it is full, requests are denied",
        )


def open_files(around: Around) -> Said:  # noqa: ARG001 - every check is called alike
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        yield warning(
            f"{hard} files may be open at a time: a proxy started here has {hard * 3 // 8} connections at most",
            "raise the hard limit: `ulimit -Hn`, LimitNOFILE= of its systemd unit",
        )


def separation(around: Around) -> Said:
    """Agent and proxy under one user: the agent can read what the proxy reads."""
    owner = _proxy_user(around)
    if owner is None:
        yield ok("the proxy does not run on this machine")
    elif os.geteuid() in {0, owner}:
        yield warning(_BESIDE, _APART)
    else:
        yield ok("the proxy runs as another user")


def isolation(around: Around) -> Said:  # noqa: ARG001 - every check is called alike
    """Whether `tf run --isolate` can do here what it promises."""
    from tameflare.cli.isolating import available

    obstacle = available()
    if obstacle is None:
        yield ok("`tf run --isolate` works here")
    else:
        yield warning(f"`tf run --isolate` does not work here: {obstacle.message}", obstacle.help)


def _proxy_user(around: Around) -> int | None:
    """The user id that the proxy runs as, if it is on this machine."""
    port = urlsplit(around.proxy_url).port
    return socket_owner.listener(port) if port is not None and is_loopback(around.proxy_url) else None


def names(around: Around, table: Path = _HOSTS) -> Said:
    """Hosts that do not lead where everybody thinks they do."""
    for url in dict.fromkeys((around.server_url, around.proxy_url)):
        yield from _own(urlsplit(url).hostname or "")
    if table.exists() and _proxy_user(around) is not None:
        pinned = dict(_pinned(table))
        for domain in _domains(around):
            if domain in pinned:
                yield red(
                    f"`{table}` sends `{domain}` to {pinned[domain]}, and the proxy does not go to such addresses",
                    f"remove that line, or allow it: `tf connector set … --allow-address {pinned[domain]}`",
                )


def _own(host: str) -> Said:
    """A name of the server or proxy: to one place, and on this machine if it is called `localhost`."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        yield red(f"the host name `{host}` has no address", "correct the address, or the resolver of this machine")
        return
    strange = sorted(str(address) for address in found if not ipaddress.ip_address(address).is_loopback)
    if host == "localhost" and strange:
        yield red(f"`localhost` is {strange[0]}, not this machine", "mend it in /etc/hosts, or write 127.0.0.1")
    elif host == "localhost" and "::1" in found:
        yield warning(
            "`localhost` is ::1 as well as 127.0.0.1, and only the latter is listened at",
            "write 127.0.0.1 in TF_SERVER_URL and GATEWAY_URL: some programs try ::1 alone",
        )


def _pinned(table: Path) -> Iterator[tuple[str, str]]:
    """Host and address of each line of a hosts(5) file whose address the proxy refuses."""
    for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
        address, *hosts = line.partition("#")[0].split() or [""]
        try:
            refused = not ipaddress.ip_address(address).is_global
        except ValueError:
            continue
        if refused:
            yield from ((host.lower(), address) for host in hosts)


def _domains(around: Around) -> list[str]:
    """The hosts of the gateway's connectors, as far as they can be known."""
    from tameflare.connectors import registry

    run = quietly(around, "run")
    found = [domain for _, type_ in (run.connectors if run else ()) for domain in registry.describe(type_).domains]
    found += [domain for connector in quietly(around, "connectors") or () for domain in connector["domains"]]
    return list(dict.fromkeys(found))


def database(around: Around) -> Said:
    """PostgreSQL where it is set. Else the server's files, where they are here, are this user's, and no server has said
    that it is well."""
    if around.settings.is_set(settings.DATABASE_URL):
        yield from _postgresql(around)
        return
    path = around.settings.get(settings.DATA_DIR) / "server" / "tameflare.db"
    if is_health(around.server) or not os.access(path, os.R_OK | os.W_OK) or path.stat().st_uid != os.geteuid():
        return
    from tameflare.control.store.inspection import inspect_file

    try:
        inspect_file(path)
    except TameFlareError as fault:
        yield red(fault.message, fault.help)
    else:
        yield ok(f"`{path}` can be opened")


def _postgresql(around: Around) -> Said:
    from tameflare.control.store.inspection import inspect_server
    from tameflare.control.store.opening import check_driver

    url = around.settings.get(settings.DATABASE_URL)
    if url is not None:
        check_driver()
        yield ok(f"`{inspect_server(url)}` answers")
