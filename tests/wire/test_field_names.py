"""Field names that servers confuse with others, and names that somebody makes up to fill the memory."""

from __future__ import annotations

import pytest

from tameflare.wire.fields import Layouts
from tameflare.wire.heads import RequestHead, RequestHeads
from tameflare.wire.names import REQUEST_NAMES


def _read(*lines: bytes) -> RequestHead:
    head = RequestHeads().parse(b"\r\n".join((b"POST / HTTP/1.1", b"Host: a", *lines, b"", b"")))
    assert isinstance(head, RequestHead)
    return head


@pytest.mark.parametrize(
    "line", [b"Transfer_Encoding: chunked", b"Content_Length: 9", b"X_TameFlare_Agent: a", b"Proxy_Authorization: b"]
)
def test_names_that_servers_take_for_the_framing_end_here(line: bytes) -> None:
    head = _read(line, b"X_Other: 1")
    assert list(head.headers) == [(b"x_other", b"X_Other", b"1")]
    assert (head.chunked, head.content_length) == (False, None)


def test_a_name_is_taken_out_also_with_underscores() -> None:
    fields = _read(b"X_Api_Key: mine", b"X-API_Key: mine too", b"Accept: */*").headers
    lines = fields.layout.lines_without(frozenset({b"x-api-key"}))
    assert lines.write(fields.values) == b"Accept: */*\r\n"
    assert lines.taken(fields.values) == (b"mine", b"mine too")


def test_only_short_lists_of_names_are_remembered() -> None:
    layouts = Layouts(REQUEST_NAMES)
    short, long = (b"Accept", b"X-One"), (b"x" * 1500, b"y" * 1500)
    assert layouts.of(short) is layouts.of(short)
    assert layouts.of(long) is not layouts.of(long)
