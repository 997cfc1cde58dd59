"""What a proxy works by while the control plane is away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.plane import HOST, Plane, plane
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for


@contextlib.contextmanager
def prepared(directory: Path) -> Iterator[tuple[Plane, str, Upstream]]:
    """A plane that is not started, its pins, and the upstream behind them."""
    with plane(directory) as made:
        double = Upstream(made.authority.issue_cert(HOST))
        with double.running():
            yield made, f"{HOST}:443:127.0.0.1:{double.port}", double


def test_the_last_good_configuration_serves_while_the_control_plane_is_away(tmp_path: Path) -> None:
    with prepared(tmp_path) as (made, pins, double):
        made.simple()
        made.start(pins)
        assert made.tunnel().get().status == 200
        made.hang_up()
        assert made.stop() == 0
        made.link.stop()
        made.start(pins)
        reply = made.tunnel().get("/on-my-own")
        assert reply.status == 200
        assert b"Authorization: Bearer" in double.seen[-1]
        assert made.health()["status"] == "degraded"
        made.link.start()
        wait_for(lambda: made.health()["status"] == "ok", "the control plane is heard again")
        made.recorded(reply.headers["x-tameflare-request-id"])


def test_a_configuration_that_is_too_old_refuses(tmp_path: Path) -> None:
    with prepared(tmp_path) as (made, pins, double):
        made.simple()
        made.start(pins, TF_CONFIG_MAX_AGE="1")
        wire = made.tunnel()
        assert wire.get().status == 200
        made.link.stop()
        reply = wait_for(lambda: next((r for r in [wire.get()] if r.status != 200), None), "the configuration is stale")
        assert (reply.status, reply.json["code"]) == (503, "configuration_stale")
        asked = len(double.seen)
        assert wire.get().status == 503
        assert len(double.seen) == asked
        made.link.start()
        wait_for(lambda: wire.get().status == 200, "the control plane is heard again")


def test_without_any_configuration_everything_is_refused(tmp_path: Path) -> None:
    with prepared(tmp_path) as (made, pins, double):
        made.link.stop()
        made.start(pins)
        wire = made.plain()
        wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n".encode() + made.header() + b"\r\n")
        assert wire.reply().status == 503
        health = made.health()
        assert (health["status"], health["configuration"]["age_seconds"]) == ("degraded", None)
        assert double.connections == 0


def test_a_token_of_another_key_is_refused_by_a_configuration_from_disk(tmp_path: Path) -> None:
    """The file is sealed for this proxy; whoever changes a byte of it makes it unusable, not different."""
    with prepared(tmp_path) as (made, pins, _):
        made.simple()
        made.start(pins)
        made.stop()
        made.link.stop()
        kept = tmp_path / "data" / "proxy" / "last-good.json"
        data = bytearray(kept.read_bytes())
        data[len(data) // 2] ^= 1
        kept.write_bytes(data)
        made.version = 0
        made.start(pins)
        wire = made.plain()
        wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n".encode() + made.header() + b"\r\n")
        assert wire.reply().status == 503
        assert made.health()["problems"] != []
