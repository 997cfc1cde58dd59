"""What is wrong with a message, as a value (heads) or as an exception (bodies, targets, TLS)."""

from __future__ import annotations

import msgspec


class HeadFault(msgspec.Struct, frozen=True):
    """Why a head was refused.

    `status` is the answer for a client (400, 431, 501 or 505; an upstream's fault is answered 502 whatever it says),
    `code` a stable word in snake_case, `message` one line for people.
    """

    status: int
    code: str
    message: str


class FramingFault(Exception):
    """A body that does not end where it should, or chunked coding that is not exactly as RFC 9112 §7.1 has it."""


class TargetFault(Exception):
    """A host, authority or path that two readers could understand differently."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class TlsFault(Exception):
    """Broken TLS; the alert for the peer, if any, waits in the shell's `outgoing()`.

    `reason` is OpenSSL's word for it in lower case, such as `wrong_version_number` or `tlsv1_alert_unknown_ca`;
    `certificate` says what is wrong with the peer's certificate, if that was it.
    """

    def __init__(self, message: str, reason: str = "", certificate: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.certificate = certificate
