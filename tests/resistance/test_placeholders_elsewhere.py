"""A placeholder stands for the key of one connector; towards any other host it is refused, wherever it stands."""

from __future__ import annotations

import base64

import pytest
from tests.support.plane import CANARY, Plane
from tests.support.upstream import Upstream

from tameflare.connectors.placeholders import placeholder

FOREIGN = placeholder("github", "github")
OWN = placeholder("generic", "service")
BASIC = base64.b64encode(f"{FOREIGN}:x".encode()).decode()


@pytest.mark.parametrize(
    "field",
    [
        f"Authorization: Bearer {FOREIGN}",
        f"authorization: {FOREIGN}",
        f"Authorization: Basic {BASIC}",
        f"X-Api-Key: {FOREIGN}",
        f"Cookie: a=1; session={FOREIGN}; b=2",
        f"Referer: https://example.test/?key={FOREIGN}",
        f"X-Both: {OWN} {FOREIGN}",
        f"{FOREIGN}: yes",
    ],
)
def test_in_a_field(proxy: Plane, upstream: Upstream, field: str) -> None:
    reply = proxy.tunnel().get("/field", field.encode() + b"\r\n")
    assert (reply.status, reply.json["code"]) == (403, "placeholder_misused")
    assert upstream.seen == []


@pytest.mark.parametrize("path", [f"/{FOREIGN}", f"/a?key={FOREIGN}", f"/a?own={OWN}&other={FOREIGN}"])
def test_in_the_target(proxy: Plane, upstream: Upstream, path: str) -> None:
    reply = proxy.tunnel().get(path)
    assert (reply.status, reply.json["code"]) == (403, "placeholder_misused")
    assert upstream.seen == []


def test_in_a_repeated_head(proxy: Plane, upstream: Upstream) -> None:
    """What is kept of a head whose rest repeats does not hide the placeholder in the next request line."""
    wire = proxy.tunnel()
    assert [wire.get(f"/{number}").status for number in range(3)] == [200] * 3
    assert wire.get(f"/{FOREIGN}").status == 403
    assert len(upstream.seen) == 3


def test_of_its_own_connector_it_becomes_the_key(proxy: Plane, upstream: Upstream) -> None:
    assert proxy.tunnel().get("/own", f"Authorization: Bearer {OWN}\r\n".encode()).status == 200
    assert OWN.encode() not in upstream.seen[0]
    assert CANARY.encode() in upstream.seen[0]
