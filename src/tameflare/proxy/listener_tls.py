"""What the proxy's TLS listener shows: the operator's certificate, or one of the installation's own authority.

It is looked at about once a second: files that changed are read again, a certificate of ours is issued anew in time.
Connections that are open keep what they began with. Files that cannot be used leave the ones before in force, and
`problem` says so.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import structlog

from tameflare import settings as names
from tameflare.core.errors import SettingError
from tameflare.proxy.ca import CertificateAuthority
from tameflare.proxy.listener_files import Loaded, Stamp, load, stamp
from tameflare.settings import Settings

log = structlog.get_logger(__name__)

ALWAYS_NAMED: Final = ("localhost", "127.0.0.1", "::1")
_NEARLY: Final = 10
"""A certificate with less than one part in so many of its life left should have been renewed."""

Clock = Callable[[], datetime]


class ListenerTls(Protocol):
    """`context` is what new connections are met with."""

    @property
    def context(self) -> ssl.SSLContext: ...

    @property
    def problem(self) -> str:
        """What a person should look at; empty where nothing is."""

    def look(self) -> None:
        """See whether it is time for another."""

    def names(self, host: str) -> bool:
        """Whether the certificate is for this host, in lower case."""


class OwnCertificate:
    """Issued by the installation's own authority, for the names that agents use and for this machine itself."""

    problem = ""

    def __init__(self, authority: CertificateAuthority, hosts: tuple[str, ...], now: Clock) -> None:
        self._authority = authority
        self._hosts = tuple(dict.fromkeys((*hosts, *ALWAYS_NAMED)))
        self._now = now
        self._issued = now()
        self.context, self._until = authority.issue(self._hosts)

    def look(self) -> None:
        now = self._now()
        if not self._issued <= now < self._until:  # a clock may be set back, too
            self._issued = now
            self.context, self._until = self._authority.issue(self._hosts)
            log.info("the listener's certificate was issued anew", until=self._until.isoformat())

    def names(self, host: str) -> bool:
        return host in self._hosts


class GivenCertificate:
    """The operator's two files. What is wrong with them at the start is a SettingError."""

    def __init__(self, certificate: Path, key: Path, now: Clock, *, allow_wide: bool = False) -> None:
        self._files = (certificate, key)
        self._now = now
        self._allow_wide = allow_wide
        self._refused = ""
        self._seen: Stamp | None = self._stamp()
        self._loaded = self._load()

    def _load(self) -> Loaded:
        return load(*self._files, self._now(), allow_wide=self._allow_wide)

    def _stamp(self) -> Stamp | None:
        try:
            return stamp(*self._files)
        except OSError:
            return None

    @property
    def context(self) -> ssl.SSLContext:
        return self._loaded.context

    @property
    def problem(self) -> str:
        loaded, now = self._loaded, self._now()
        if now >= loaded.ends:
            return f"the listener's certificate has run out{self._why()}"
        if self._refused:
            return f"the listener goes on with its former certificate{self._why()}"
        if (loaded.ends - now) * _NEARLY < loaded.ends - loaded.begins:
            return f"the listener's certificate runs out at {loaded.ends:%Y-%m-%d %H:%M} UTC and was not renewed"
        return ""

    def _why(self) -> str:
        return f": {self._refused}" if self._refused else ""

    def look(self) -> None:
        """Two files are not replaced in one moment: what does not fit together now may the next time."""
        seen = self._stamp()
        if seen == self._seen and not self._refused:
            return
        try:
            self._loaded = self._load()
        except SettingError as fault:
            if fault.message != self._refused:
                log.warning("the listener's new certificate is not used", reason=str(fault))
            self._refused = fault.message
            return
        self._seen, self._refused = seen, ""
        log.info("the listener's certificate was read again", until=self._loaded.ends.isoformat())

    def names(self, host: str) -> bool:
        known = self._loaded.hosts
        return host in known or f"*.{host.partition('.')[2]}" in known


def listener_tls(settings: Settings, authority: CertificateAuthority, now: Clock) -> ListenerTls | None:
    """What the settings ask for; None where they ask for no TLS. Raises TameFlareError."""
    certificate, key = settings.get(names.PROXY_TLS_CERT), settings.get(names.PROXY_TLS_KEY)
    hosts = settings.get(names.PROXY_TLS_NAMES)
    if certificate is not None and key is not None:
        wide = settings.get(names.ALLOW_WIDE_PERMISSIONS)
        return GivenCertificate(certificate, key, now, allow_wide=wide)
    return OwnCertificate(authority, hosts, now) if hosts else None
