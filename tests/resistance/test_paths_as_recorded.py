"""What is judged is what is sent: the upstream sees the very path that stands on record, or nothing at all."""

from __future__ import annotations

import itertools

import pytest
from tests.resistance.raw import allowed_paths, paths
from tests.support.plane import Plane
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

DOTS = [".", "%2e", "%2E", "%252e"]
REFUSED = [
    *("/case" + slash + "".join(pair) + "/x" for slash in ("/", "%2f/") for pair in itertools.product(DOTS, repeat=2)),
    "/case/..;/x",
    "/case/%2e%2e;a=b/x",
    "/case/..%2fx",
    "/case/%2e%2e%5cx",
    "/case//x",
    "/case/x//",
    "/case\\..\\x",
    "/case/%5c../x",
    "/case/%00",
    "/case/%0d%0aX-Injected:%20yes",
    "/case/%c0%ae%c0%ae/x",
    "/case/%zz",
    "/case/%",
    "/case/x#fragment",
]
PASSED = [
    "/case/x;y",
    "/case/x;/y",
    "/case/a%2Fb",
    "/case/a%2fb",
    "/case/~u",
    "/case/%7eu",
    "/case/.hidden",
    "/case/...",
]


@pytest.mark.parametrize("path", REFUSED)
def test_what_two_servers_could_read_differently_is_refused(proxy: Plane, upstream: Upstream, path: str) -> None:
    reply = proxy.tunnel().get(path)
    assert reply.status == 400
    assert upstream.seen == []


def test_what_passes_is_sent_as_it_was_judged(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    before = len(allowed_paths(proxy, "/case/"))
    assert [wire.get(path).status for path in PASSED] == [200] * len(PASSED)
    recorded = wait_for(
        lambda: (found := allowed_paths(proxy, "/case/")[before:]) and len(found) == len(PASSED) and found, "records"
    )
    assert recorded == paths(upstream)
    assert paths(upstream)[2:6] == ["/case/a%2Fb", "/case/a%2Fb", "/case/~u", "/case/~u"]


@pytest.mark.parametrize("target", ["/x?a=b c", "/x\ty", "/\xe9", "/x?\x7f", "/x y"])
def test_a_target_with_odd_octets_is_refused(proxy: Plane, upstream: Upstream, target: str) -> None:
    wire = proxy.tunnel()
    wire.send(f"GET {target} HTTP/1.1\r\nHost: api.example.test\r\n\r\n".encode("latin-1"))
    assert wire.reply().status == 400
    assert upstream.seen == []
