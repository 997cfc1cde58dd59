"""What one head says, once it was read strictly: the values that the rest of the house works with."""

from __future__ import annotations

import msgspec

from tameflare.wire.fields import Fields


class RequestHead(msgspec.Struct, gc=False):
    """One request head, ready to be judged and written anew.

    `headers` are those that may go on. `host` is the raw value of Host (None only in HTTP/1.0), `close` whether the
    connection ends after this message, `upgrade` whether the client asks for another protocol, `size` in bytes.
    """

    method: str
    target: str
    minor: int
    headers: Fields
    host: str | None
    content_length: int | None
    chunked: bool
    close: bool
    expect_continue: bool
    upgrade: bool
    proxy_authorization: bytes | None
    size: int


class ResponseHead(msgspec.Struct, gc=False):
    """One response head; `headers` are those that may go back to the agent, without any framing."""

    status: int
    reason: bytes
    headers: Fields
    content_length: int | None
    chunked: bool
    close: bool
    minor: int
