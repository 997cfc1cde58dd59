"""Where a request says it goes: one scheme, host and port, on which tunnel, SNI and `Host` must agree."""

from __future__ import annotations

from collections.abc import Sequence

from tameflare.proxy.routing import Binding, ServedGateway
from tameflare.wire.target import DEFAULT_PORT, TargetFault, normalise_host, parse_authority


class Origin:
    """`sni` is what the TLS handshake named, None where nothing was named (an address, an old client).

    `authority` is the host, with the port where it is not the scheme's own, as `Host` carries it upstream.
    """

    __slots__ = ("_accepted", "_located", "_refused", "authority", "host", "host_line", "port", "scheme", "sni")

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.sni: str | None = None
        self._accepted: str | None = None
        self._refused = False
        self._located: tuple[ServedGateway, Sequence[Binding]] | None = None
        bracketed = f"[{host}]" if ":" in host else host
        self.authority = bracketed if port == DEFAULT_PORT[scheme] else f"{bracketed}:{port}"
        self.host_line = f" HTTP/1.1\r\nHost: {self.authority}\r\n"

    @property
    def name(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def shake_hands(self, sni: str | None) -> None:
        """What the handshake named; whatever agreed before has to agree anew."""
        self.sni = sni
        self._accepted = None

    def bindings(self, gateway: ServedGateway) -> Sequence[Binding]:
        """The connectors of a gateway that serve this origin; looked up once for each version of the gateway."""
        if self._located is None or self._located[0] is not gateway:
            self._located = (gateway, gateway.locate(self.scheme, self.host, self.port))
        return self._located[1]

    def agrees(self, host: str | None) -> bool:
        """Whether `Host` and SNI name this origin. The last spelling that did is remembered."""
        if self._refused:
            return False
        if host is not None and host == self._accepted:
            return True
        if host is None or not self._matches(host):
            return False
        if self.sni is not None and not _same_host(self.sni, self.host):
            self._refused = True
            return False
        self._accepted = host
        return True

    def _matches(self, text: str) -> bool:
        try:
            authority = parse_authority(text)
            return normalise_host(authority.host) == self.host and self._port_of(authority.port) == self.port
        except TargetFault:
            return False

    def _port_of(self, port: int | None) -> int:
        return DEFAULT_PORT[self.scheme] if port is None else port


def _same_host(text: str, host: str) -> bool:
    try:
        return normalise_host(text) == host
    except TargetFault:
        return False
