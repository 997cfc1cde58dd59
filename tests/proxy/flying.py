"""A proxy with an upstream on TLS, one on bare TCP, and a connector for each kind of request in flight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.flights import RAW
from tests.support.plane import CANARY, HOST, Plane, connector, plane, rules
from tests.support.upstream import Upstream

from tameflare.core.config import AuthScheme, CredentialMode, GatewayConfig
from tameflare.core.decision import Verdict

Flying = tuple[Plane, Upstream, Upstream]


@contextmanager
def flying(directory: Path, **environment: str) -> Iterator[Flying]:
    with plane(directory) as made:
        double, raw = (Upstream(made.authority.issue_cert(HOST)) for _ in range(2))
        with double.running(), raw.running(encrypted=False):
            publish(made)
            made.start(pins(double, raw), **environment)
            yield made, double, raw


def pins(double: Upstream, raw: Upstream) -> str:
    return f"{HOST}:443:127.0.0.1:{double.port},{HOST}:80:127.0.0.1:{raw.port},{RAW}:443:127.0.0.1:{raw.port}"


def gateway(proxy: Plane, **options: Any) -> GatewayConfig:
    open_one = connector(
        "pinned", type="tunnel", domains=(RAW,), auth=AuthScheme.VENDOR, credential=CredentialMode.NONE
    )
    asks = ("service", "http.delete", Verdict.REQUIRES_APPROVAL)
    options.setdefault("rules", rules(("service", "**", Verdict.ALLOW), asks, ("pinned", "**", Verdict.ALLOW)))
    return proxy.gateway(connector(allow_plaintext=True), open_one, **options)


def publish(proxy: Plane, kill: tuple[Any, ...] = (), **options: Any) -> None:
    proxy.publish(gateway(proxy, **options), {"service": CANARY}, kill_switches=kill)
