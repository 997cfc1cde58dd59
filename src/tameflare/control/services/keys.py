"""Keys that the installation makes for itself and keeps sealed: the pepper of token digests, the signing key.

A key sealed under another master key is left alone and a second one is made beside it: with a wrong master key the
server starts with other keys (nobody's token fits), and with the right one everything is as it was.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tameflare.control.services.context import Context
from tameflare.control.services.vault import Place, Vault, VaultFault
from tameflare.control.store import meta
from tameflare.control.store.engine import Connection

WRONG_KEY: Final = "SETTINGS_ENCRYPTION_KEY is not the key that this installation's secrets are sealed under"
WRONG_KEY_HELP: Final = (
    "start the server with the former key, nothing was overwritten; "
    "only if that key is lost: log in again and store each credential anew"
)
PEPPER: Final = "key.pepper"
SIGNING: Final = "key.signing"
_BYTES: Final = 32

_log = structlog.get_logger("tameflare.keys")


class Keys:
    """The opened keys; `problems` names those that could not be opened and were replaced."""

    def __init__(self, pepper: bytes, signer: Ed25519PrivateKey, problems: tuple[str, ...]) -> None:
        self.pepper = pepper
        self.signer = signer
        self.problems = problems


def load(connection: Connection, vault: Vault, context: Context) -> Keys:
    """Open both keys, or make them; a key that was stored plain is sealed as soon as there is a master key."""
    keeper = _Keeper(connection, vault, context)
    pepper = keeper.take(PEPPER)
    signer = Ed25519PrivateKey.from_private_bytes(keeper.take(SIGNING))
    return Keys(pepper, signer, tuple(keeper.problems))


class _Keeper:
    def __init__(self, connection: Connection, vault: Vault, context: Context) -> None:
        self._connection = connection
        self._vault = vault
        self._context = context
        self.problems: list[str] = []

    def take(self, name: str) -> bytes:
        kept = meta.named_like(self._connection, f"{name}.")
        for stored in kept:
            try:
                opened = self._vault.open(stored.value, Place("meta", "value", stored.name))
            except VaultFault as fault:
                self.problems.append(fault.message)
                _log.error("key_unreadable", key=stored.name, message=fault.message, help=fault.help)
                continue
            if not self._vault.is_current(stored.value):
                self._store(stored.name, opened, stored.changed_at)
            return b64decode(opened)
        return self._make(f"{name}.{len(kept) + 1}")

    def _make(self, name: str) -> bytes:
        raw = self._context.entropy(_BYTES)
        self._store(name, b64encode(raw).decode(), self._context.now())
        return raw

    def _store(self, name: str, text: str, changed_at: int) -> None:
        sealed = self._vault.seal(text, Place("meta", "value", name))
        meta.put(self._connection, meta.Value(name, sealed, changed_at))
