"""What a way claims, tried before anything is measured: that it shows its own certificate, passes the answer on as it
is, and trusts no upstream that it should not."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

from bench.heads import HOST, NUMBER, requests_of
from bench.idle import ANSWER
from bench.peers.way import UNTRUSTED_HOST, Way
from bench.tunnel import expect_ok, unverified
from tameflare.core.errors import TameFlareError

UNTRUSTED_REQUEST = "GET /octo/hello.git/info/refs?service=git-upload-pack"


def trusting(authority: Path) -> ssl.SSLContext:
    """Believes certificates of this authority alone, whatever name they are for: some peers go by CONNECT's."""
    context = ssl.create_default_context(cafile=str(authority))
    context.check_hostname = False
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # not all of them make certificates that strict clients take
    return context


def prove(way: Way, body: bytes) -> None:
    """Raises TameFlareError where it does not do what it is measured for. `body` is the upstream's answer."""
    try:
        got = answer(way, HOST, trusting(way.authority))
    except OSError as fault:  # TLS's faults are of this kind too
        raise TameFlareError(
            f"{way.name} does not pass a request on as {way.authority.name} signs", str(fault)
        ) from fault
    if got != body:
        raise TameFlareError(f"{way.name} changes answers", f"{len(got)} bytes: {got[:200]!r}")


def verifies(way: Way) -> bool:
    """Whether it refuses an upstream whose certificate an unknown authority signed."""
    with contextlib.suppress(OSError, TameFlareError):  # a refusal, in whatever form
        answer(way, UNTRUSTED_HOST, unverified())
        return False
    return True


def answer(way: Way, host: str, context: ssl.SSLContext) -> bytes:
    """The body of one answer of the upstream."""
    if host == UNTRUSTED_HOST:
        head = f"{UNTRUSTED_REQUEST} HTTP/1.1\r\nHost: {way.host_field(host)}\r\n\r\n".encode()
    else:
        head = requests_of(0, way.host_field(host))["json"].replace(NUMBER.encode(), b"7")
    with way.road(host, context).opened() as stream:
        stream.sendall(head)
        return expect_ok(stream, ANSWER).partition(b"\r\n\r\n")[2]
