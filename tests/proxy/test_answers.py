"""What the proxy answers by itself: the line that every program shows, and the shape for clients of clouds."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from tests.support.plane import Plane

from tameflare.proxy.answers import PHRASE_LIMIT, telling_phrase

TABLE = "bucket.s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no", "Forbidden (TameFlare: no)"),
        ("wrong customer,\r\nX-Evil: ask \tÄda\x7f", "Forbidden (TameFlare: wrong customer,  X-Evil: ask   da )"),
        ("x" * 5_000, f"Forbidden (TameFlare: {'x' * PHRASE_LIMIT})"),
    ],
)
def test_the_status_line_says_why_in_one_short_line_of_ascii(message: str, shown: str) -> None:
    assert telling_phrase(403, message) == shown


def test_the_status_line_on_the_wire(proxy: Plane) -> None:
    wire = proxy.tunnel("elsewhere.example.test")
    wire.send(b"GET / HTTP/1.1\r\nHost: elsewhere.example.test\r\n\r\n")
    line = wire.until(b"\r\n")
    assert line.startswith(b"HTTP/1.1 403 Forbidden (TameFlare: ")
    assert b"elsewhere.example.test" in line


def test_a_cloud_without_a_connector_is_refused_in_its_own_shape(proxy: Plane) -> None:
    reply = proxy.tunnel(TABLE).get("/precious", method="DELETE", host=TABLE)
    assert reply.status == 403
    assert TABLE in (ET.fromstring(reply.body).findtext("Message") or "")
