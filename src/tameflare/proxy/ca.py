"""The installation's own certificate authority: one P-256 key, leaves for the hosts that agents call.

The key is made here, never leaves this directory (mode 0600), and signs leaves that live a week. A leaf's TLS context
is made once per host and kept until it should be renewed.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tameflare.process import StartFault, write_private
from tameflare.proxy.ca_files import load_authority
from tameflare.proxy.certificates import CLOCK_SKEW, make_authority, make_leaf
from tameflare.proxy.server_tls import server_context

CERTIFICATE_FILE: Final = "ca.pem"
KEY_FILE: Final = "ca.key"
LEAF_LIFE: Final = timedelta(days=7)
RENEW_BEFORE: Final = timedelta(days=2)
CONTEXTS_KEPT: Final = 1024


class CertificateAuthority:
    """`now` gives the present time with its zone. Not for several threads: it belongs to the loop."""

    def __init__(
        self,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        now: Callable[[], datetime],
        *,
        contexts_kept: int = CONTEXTS_KEPT,
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._now = now
        self._contexts: OrderedDict[str, tuple[ssl.SSLContext, datetime, datetime]] = OrderedDict()
        self._contexts_kept = contexts_kept
        self.certificate_pem = certificate.public_bytes(Encoding.PEM)
        self.leaves_made = 0

    @classmethod
    def open(
        cls,
        directory: Path,
        now: Callable[[], datetime],
        *,
        allow_wide: bool = False,
        contexts_kept: int = CONTEXTS_KEPT,
    ) -> CertificateAuthority:
        """Load the authority from the directory, or make it there.

        Raises StartFault where the key's file is open to others (unless `allow_wide`), a file is missing or damaged, or
        the certificate has run out.
        """
        key, certificate = load_authority(directory / KEY_FILE, directory / CERTIFICATE_FILE, allow_wide=allow_wide)
        if key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_private(directory / KEY_FILE, pem)
        if certificate is None:
            certificate = make_authority(key, now())
            write_private(directory / CERTIFICATE_FILE, certificate.public_bytes(Encoding.PEM))
        if certificate.not_valid_after_utc - LEAF_LIFE < now():
            raise StartFault(
                f"the certificate authority in `{directory}` has run out",
                f"remove {KEY_FILE} and {CERTIFICATE_FILE} there; a new one is made, which agents must be given",
            )
        return cls(certificate, key, now, contexts_kept=contexts_kept)

    def server_context(self, host: str) -> ssl.SSLContext:
        """The TLS context to meet an agent with that wants `host` (a name in lower case, or an address without
        brackets). Raises core.errors.InvalidValue for a host that no certificate can name."""
        known = self._contexts.get(host)
        now = self._now()
        if known is not None and known[1] <= now < known[2]:  # a clock may be set back, too
            self._contexts.move_to_end(host)
            return known[0]
        context = self._make(host, now)
        self.leaves_made += 1
        self._contexts[host] = (context, now - CLOCK_SKEW, now + LEAF_LIFE - RENEW_BEFORE)
        self._contexts.move_to_end(host)
        if len(self._contexts) > self._contexts_kept:
            self._contexts.popitem(last=False)
        return context

    def issue(self, hosts: Sequence[str]) -> tuple[ssl.SSLContext, datetime]:
        """A TLS context for a server of our own that is reached by each of these names and addresses, and when it
        should be issued anew; from any thread. Raises core.errors.InvalidValue for one that no certificate can name."""
        now = self._now()
        return self._make(hosts[0], now, hosts[1:]), now + LEAF_LIFE - RENEW_BEFORE

    def _make(self, host: str, now: datetime, others: Sequence[str] = ()) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = make_leaf(host, key, self._certificate, self._key, now, now + LEAF_LIFE, others=others)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return server_context(leaf.public_bytes(Encoding.PEM), private)
