"""The TLS context of a server of ours, from certificate and key in memory."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def server_context(chain: bytes, key: bytes) -> ssl.SSLContext:
    """TLS 1.2 or newer, HTTP/1.1; `chain` and `key` in PEM. Raises ssl.SSLError where OpenSSL does not take them.

    No session ticket is given out (RFC 8446 section 4.6.1 leaves that to servers): making one, and sending it by
    itself, costs each new tunnel more than a resumption saves us, and most agents' programs never come back with one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0
    with _memory_file(chain + b"\n" + key) as path:
        context.load_cert_chain(path)
    return context


@contextmanager
def _memory_file(data: bytes) -> Iterator[str]:
    """A path that `ssl` can read the data from: in memory on Linux, else a private file that is removed at once."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("leaf", os.MFD_CLOEXEC)
        try:
            os.write(file, data)
            yield f"/proc/self/fd/{file}"
        finally:
            os.close(file)
        return
    with tempfile.NamedTemporaryFile() as named:
        named.write(data)
        named.flush()
        yield named.name
