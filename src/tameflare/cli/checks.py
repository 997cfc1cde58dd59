"""The checks of `tf doctor`. Each looks at one thing and says what to do about it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tameflare import settings
from tameflare.cli import loginstore, project
from tameflare.cli.client import is_loopback, server_url
from tameflare.core.errors import SettingError, TameFlareError
from tameflare.settings import Settings

_SKEW_SECONDS: Final = 30.0
_LISTENING: Final = "0A"
_SOON_DAYS: Final = 30
_FILES_AT_MOST: Final = 10_000
_BESIDE: Final = (
    "agents that you run can read the proxy's files and your log-in: good enough against mistakes; "
    "run agents that you do not trust as another user"
)


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    RED = "red"


@dataclass(frozen=True)
class Finding:
    level: Level
    check: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        return {"level": self.level.value, "check": self.check, "finding": self.sentence}


Said = Iterator[tuple[Level, str]]
Check = Callable[[Settings], Said]


def every_check(environment: Settings, *, production: bool = False) -> list[Finding]:
    """Run all; a wrong setting in the way of a check is itself a finding, told once.

    In `production` some of what one may live with on one's own machine is red.
    """
    found: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            found += [_judged(Finding(level, name, said), production) for level, said in check(environment)]
        except TameFlareError as fault:
            if str(fault) not in {finding.sentence for finding in found}:
                found.append(Finding(Level.RED, name, str(fault)))
    return found


def _judged(finding: Finding, production: bool) -> Finding:
    strict = production and finding.level is Level.WARNING and finding.check in NOT_IN_PRODUCTION
    return replace(finding, level=Level.RED) if strict else finding


def _settings(environment: Settings) -> Said:
    wrong: list[str] = []
    for setting in settings.ALL:
        try:
            environment.get(setting)
        except SettingError as fault:
            wrong.append(str(fault))
    if not wrong:
        yield Level.OK, "every setting can be read"
    for sentence in dict.fromkeys(wrong):
        yield Level.RED, sentence


def _encryption(environment: Settings) -> Said:
    if environment.get(settings.ENCRYPTION_KEY):
        yield Level.OK, "SETTINGS_ENCRYPTION_KEY is set"
    else:
        yield (
            Level.WARNING,
            "no SETTINGS_ENCRYPTION_KEY in this environment; `openssl rand -hex 32` makes one for the server",
        )


def _data(environment: Settings) -> Said:
    folder = environment.get(settings.DATA_DIR)
    if not folder.exists():
        yield Level.OK, f"`{folder}` does not exist here; `tf up` makes it"
        return
    if not os.access(folder, os.R_OK | os.X_OK):
        yield Level.OK, f"`{folder}` is closed to this user"
        return
    wide = [path for path in _inside(folder) if _is_wide(path)]
    if wide:
        yield Level.RED, f"{len(wide)} paths are open to others, first `{wide[0]}`; run `chmod -R go= {folder}`"
    else:
        yield Level.OK, f"`{folder}` is private"


def _inside(folder: Path) -> Iterator[Path]:
    yield folder
    for number, path in enumerate(folder.rglob("*")):
        if number >= _FILES_AT_MOST:
            return
        yield path


def _is_wide(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & 0o077)


def _project(environment: Settings) -> Said:
    here = project.load(environment)
    if here is None:
        yield Level.WARNING, "no gateway is set up here; run `tf init`"
        return
    place = here.folder / "config.yaml" if here.folder else None
    if place and place.exists() and _is_wide(place):
        yield Level.RED, f"`{place}` is open to others; run `chmod 600 {place}`"
    else:
        yield Level.OK, f"gateway `{here.gateway or '(from the environment)'}` by {here.proxy}"


def _login(environment: Settings) -> Said:  # noqa: ARG001 - every check is called alike
    place = loginstore.path()
    if loginstore.read() is None:
        yield Level.WARNING, "not logged in; run `tf login`"
    elif _is_wide(place):
        yield Level.RED, f"`{place}` is open to others; run `chmod 600 {place}`"
    else:
        yield Level.OK, f"logged in, kept in `{place}`"


def _server(environment: Settings) -> Said:
    url = server_url(environment)
    answer = _get(f"{url.rstrip('/')}/api/health")
    if answer is None:
        yield Level.RED, f"cannot reach the server at `{url}`; start it with `tf up`, or set TF_SERVER_URL"
        return
    word = _status(answer)
    yield _level(answer, word), f"`{url}` answers: {word}"
    yield from _clock(answer)


def _clock(answer: httpx.Response) -> Said:
    try:
        told = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    skew = time.time() - told
    if abs(skew) > _SKEW_SECONDS:
        yield Level.RED, f"this clock differs from the server's by {skew:.0f} s; certificates and tokens will fail"


def _proxy(environment: Settings) -> Said:
    url = project.proxy_url(environment)
    answer = _get(f"{url}/health")
    if answer is None:
        yield Level.RED, f"cannot reach the proxy at `{url}`; start it with `tf up`, or set GATEWAY_URL"
        return
    word = _status(answer)
    yield _level(answer, word), f"`{url}` answers: {word}"


def _authority(environment: Settings) -> Said:
    url = project.proxy_url(environment)
    answer = _get(f"{url}/ca.pem")
    if answer is None:
        return
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(answer.content)
    except ValueError:
        yield Level.RED, f"`{url}/ca.pem` is no certificate; check that GATEWAY_URL names TameFlare's proxy"
        return
    days = (certificate.not_valid_after_utc - datetime.now(UTC)).days
    level = Level.RED if days < 0 else Level.WARNING if days < _SOON_DAYS else Level.OK
    yield level, f"the proxy's authority is valid for {days} days more"
    here = project.load(environment)
    kept = here.folder / "ca.pem" if here and here.folder else None
    if kept and kept.exists() and kept.read_bytes().strip() != answer.content.strip():
        yield Level.WARNING, f"`{kept}` is of another authority; run `tf init --new-token`"


def _same_user(environment: Settings) -> Said:
    """Agent and proxy under one user: the agent can read what the proxy reads."""
    owner = listener_user(project.proxy_url(environment))
    if owner is None:
        yield Level.OK, "the proxy does not run on this machine"
    elif os.geteuid() in {0, owner}:
        yield Level.WARNING, _BESIDE
    else:
        yield Level.OK, "the proxy runs as another user"


def listener_user(url: str, table: Path = Path("/proc/net/tcp")) -> int | None:
    """The user id of whoever listens on that port of this machine (Linux); None where nobody does."""
    port = urlsplit(url).port
    if port is None or not is_loopback(url) or not table.exists():
        return None
    for line in table.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
            return int(fields[7])
    return None


def _environment(environment: Settings) -> Said:  # noqa: ARG001 - every check is called alike
    yield from environment_findings(os.environ)


def environment_findings(variables: Mapping[str, str]) -> Said:
    """What stands in the environment and bears on runs."""
    inherited = [name for name in ("NO_PROXY", "no_proxy") if variables.get(name)]
    if inherited:
        yield Level.WARNING, f"{inherited[0]} is set; `tf run` clears it but for what `--no-proxy` names"
    if any(variables.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        yield Level.WARNING, "a proxy is set already; `tf run` replaces it, and the gateway does not use it"
    if not inherited:
        yield Level.OK, "no NO_PROXY is inherited"


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=5, trust_env=not is_loopback(url))
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _level(answer: httpx.Response, word: str) -> Level:
    return Level.OK if answer.is_success and word == "ok" else Level.WARNING


def _status(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
    except ValueError:
        return str(answer.status_code)
    return str(body.get("status", answer.status_code)) if isinstance(body, dict) else str(answer.status_code)


NOT_IN_PRODUCTION: Final = frozenset({"separation", "server", "proxy"})
"""Checks whose warnings are red in production: agents beside the keys, and what is degraded."""

CHECKS: Final[dict[str, Check]] = {
    "settings": _settings,
    "encryption": _encryption,
    "data directory": _data,
    "project": _project,
    "log-in": _login,
    "server": _server,
    "proxy": _proxy,
    "authority": _authority,
    "separation": _same_user,
    "environment": _environment,
}
