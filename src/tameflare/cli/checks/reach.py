"""Server and proxy: whether they run, whether they are ours, and how far apart clocks and configurations are."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from tameflare.cli.checks import machine
from tameflare.cli.checks.around import Around, is_health, quietly, told
from tameflare.cli.checks.findings import Finding, Level, Said, ok, red, warning

_SKEW_SECONDS: Final = 30.0
_SOON_DAYS: Final = 30
_SILENT_SECONDS: Final = 90
_CONNECT_SECONDS: Final = 2.0


def server(around: Around) -> Said:
    yield from _one(around.server_url, around.server, "server", "TF_SERVER_URL", "TF_PORT")
    for sentence in (quietly(around, "details") or {}).get("warnings", ()):
        unsealed = "SETTINGS_ENCRYPTION_KEY" in str(sentence) or "without encryption" in str(sentence)
        yield warning(str(sentence), machine.SEAL if unsealed else "docs/troubleshooting.md has it")


def proxy(around: Around) -> Said:
    yield from _one(around.proxy_url, around.proxy, "proxy", "GATEWAY_URL", "TF_PROXY_PORT")
    if is_health(around.proxy):
        assert around.proxy is not None
        for sentence in told(around.proxy).get("problems", ()):
            yield warning(str(sentence), "see its log")


def _one(url: str, answer: httpx.Response | None, what: str, address: str, port: str) -> Said:
    if answer is not None and is_health(answer):
        word = str(told(answer)["status"])
        good = answer.is_success and word == "ok"
        yield (
            ok(f"the {what} at `{url}` says {word}")
            if good
            else warning(f"the {what} at `{url}` says {word}", "`tf status` says why")
        )
    elif answer is not None or _listens(url):
        yield red(
            f"another program answers at `{url}`, not TameFlare's {what}",
            f"stop it, or choose another port with {port} and say so by {address}",
        )
    else:
        yield red(f"cannot reach the {what} at `{url}`", f"start it with `tf up`, or set {address}")


def _listens(url: str) -> bool:
    """Whether anything takes connections there."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), _CONNECT_SECONDS):
            return True
    except OSError:
        return False


def clock(around: Around) -> Said:
    for what, answer in (("server", around.server), ("proxy", around.proxy)):
        skew = _skew(answer) if answer is not None and is_health(answer) else None
        if skew is not None and abs(skew) > _SKEW_SECONDS:
            yield red(
                f"this clock differs from the {what}'s by {skew:.0f} s: certificates and tokens will fail",
                "set both clocks, for example by `timedatectl set-ntp true`",
            )


def _skew(answer: httpx.Response) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None


def configuration(around: Around) -> Said:
    """Whether the proxy works by what the server has."""
    if around.proxy is None or not is_health(around.proxy):
        return
    served = told(around.proxy).get("configuration") or {}
    age, version = served.get("age_seconds"), served.get("version")
    if age is None or age > _SILENT_SECONDS:
        heard = "never heard" if age is None else f"has not heard for {age} s"
        yield red(
            f"the proxy {heard} from the server: changes are not in force",
            "start the server, and look at TF_SERVER_URL and TF_LINK_TOKEN of the proxy",
        )
    newest = (quietly(around, "details") or {}).get("version")
    if isinstance(newest, int) and isinstance(version, int) and version < newest:
        yield warning(
            f"the proxy works by configuration {version}, the server has {newest}", "if it stays so, restart the proxy"
        )


def authority(around: Around) -> Said:
    """The certificate that programs under `tf run` must trust."""
    if not is_health(around.proxy):
        return
    answer = around.page("/ca.pem")
    if answer is None or not answer.is_success:
        return
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(answer.content)
    except ValueError:
        yield red(f"`{around.proxy_url}/ca.pem` is no certificate", "check that GATEWAY_URL names TameFlare's proxy")
        return
    yield _validity((certificate.not_valid_after_utc - datetime.now(UTC)).days)
    yield from _kept(around, answer.content)


def _validity(days: int) -> Finding:
    mend = "stop the proxy, remove `proxy/ca` from its data directory and start it; then `tf init --new-token`"
    if days < 0:
        return red(f"the proxy's authority has expired {-days} days ago", mend)
    level = Level.WARNING if days < _SOON_DAYS else Level.OK
    return Finding(
        level, f"the proxy's authority is valid for {days} days more", mend if level is Level.WARNING else ""
    )


def _kept(around: Around, current: bytes) -> Iterator[Finding]:
    here = around.project
    kept = here.folder / "ca.pem" if here and here.folder else None
    if kept and kept.exists() and kept.read_bytes().strip() != current.strip():
        yield warning(
            f"`{kept}` is of another authority than the proxy's",
            "run `tf init --new-token`, and give it to containers anew",
        )
