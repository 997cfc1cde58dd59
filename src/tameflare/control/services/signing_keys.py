"""The keys that decision tokens are signed with: one that signs, and former ones as long as their tokens may live.

Each key that ever signed is a record in the order of time; the next one retires it. A key from the environment is
recorded by its public half alone. A record sealed under another master key is left alone, as in services/keys.py: a new
pair takes its place, and tokens of the other are then signed by an unknown key.
"""

from __future__ import annotations

from base64 import b64encode
from itertools import zip_longest
from typing import Final

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tameflare.control.services import audit
from tameflare.control.services.audit import SERVER, Actor
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Refused
from tameflare.control.services.vault import Place, Vault, VaultFault
from tameflare.control.store import meta
from tameflare.control.store.engine import Connection, Database, touch
from tameflare.core import p256
from tameflare.core.token import LIFE, SKEW
from tameflare.settings import SIGNING_KEY_PRIVATE

TOPIC: Final = "signing_keys"
RECORD: Final = "key.decision"
KEPT: Final = LIFE + SKEW + 270
"""Seconds that a former key is still accepted for: its last token, and a server that heard of the change late."""
DESTROYED_AFTER: Final = 86400
TRUSTED_SECONDS: Final = 5.0
"""For so long the database is not asked: another server on it may have made a new key."""

_log = structlog.get_logger("tameflare.keys")


class SigningKey(msgspec.Struct, frozen=True):
    """`retired_at` is when another one took its place; None: it signs. Times in Unix seconds."""

    kid: str
    public: EllipticCurvePublicKey
    private: EllipticCurvePrivateKey | None
    made_at: int
    retired_at: int | None = None

    def accepted(self, now: float) -> bool:
        return self.retired_at is None or now < self.retired_at + KEPT


class KeyRing:
    """What is known at one moment: `keys` in the order of time, the one that signs and its name."""

    def __init__(self, keys: tuple[SigningKey, ...], signer: EllipticCurvePrivateKey) -> None:
        self.keys = keys
        self.signer = signer
        self.kid = p256.thumbprint(signer.public_key())
        self._by_kid = {key.kid: key for key in keys}

    def find(self, kid: str, now: float) -> EllipticCurvePublicKey | None:
        """The public key of that name, while it is accepted."""
        found = self._by_kid.get(kid)
        return found.public if found is not None and found.accepted(now) else None

    def accepted(self, now: float) -> list[SigningKey]:
        """The newest first."""
        return [key for key in reversed(self.keys) if key.accepted(now)]


class _Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """As it stands in the vault: a pair by its private half, or the public half of a key of the environment."""

    private: str = ""
    public: dict[str, str] = {}


class SigningKeys:
    """`problem` says what could not be opened, empty if nothing."""

    def __init__(self, context: Context, database: Database, vault: Vault) -> None:
        self._context = context
        self._database = database
        self._vault = vault
        given = context.settings.get(SIGNING_KEY_PRIVATE)
        self._given = p256.read_private(given.reveal()) if given is not None else None
        self.problem = ""
        self._marked = False
        self._good_until = 0.0
        self._ring = database.write_now(self._begin)
        self._trust()
        database.subscribe(TOPIC, self._mark)

    @property
    def from_environment(self) -> bool:
        return self._given is not None

    def ring_by(self, connection: Connection) -> KeyRing:
        """The keys of now, read again by this connection where they may have changed."""
        if self._is_stale():
            self._reread(connection)
        return self._ring

    async def ring(self) -> KeyRing:
        """As `ring_by`. Raises DatabaseUnavailable."""
        if self._is_stale():
            await self._database.read(self._reread)
        return self._ring

    async def rotate(self, actor: Actor) -> SigningKey:
        """A new key signs from now on; tokens of the former one stay good until they expire. Raises Refused where the
        environment sets the key."""
        if self._given is not None:
            raise Refused(
                "the signing key comes from SIGNING_KEY_PRIVATE",
                "set another one there and restart the server: tokens of the former stay good until they expire",
                code="signing_key_set",
            )
        fresh = generate_private_key(SECP256R1())
        await self._database.write(lambda connection: self._add(connection, _of_pair(fresh)))
        self._mark()  # subscribers are told only after this call has returned
        made = (await self.ring()).keys[-1]
        audit.record("key.rotated", actor, key=made.kid)
        return made

    def purge(self, connection: Connection) -> int:
        """Destroy keys that have not been accepted for a day; returns how many."""
        before = self._context.now() - KEPT - DESTROYED_AFTER
        kept = self._read(connection)
        names = [name for name, key in kept if key.retired_at is not None and key.retired_at < before]
        for name in names:
            meta.remove(connection, name)
        return len(names)

    # --- reading

    def _mark(self) -> None:
        self._marked = True

    def _is_stale(self) -> bool:
        return self._marked or self._context.steady() >= self._good_until

    def _trust(self) -> None:
        self._good_until = self._context.steady() + TRUSTED_SECONDS

    def _reread(self, connection: Connection) -> None:
        self._marked = False
        keys = tuple(key for _, key in self._read(connection))
        newest = keys[-1].private if keys else None
        # without a newest one another server signs with a key of its environment, which is not told
        self._ring = KeyRing(keys, self._given or newest or self._ring.signer)
        self._trust()

    def _read(self, connection: Connection) -> list[tuple[str, SigningKey]]:
        """What can be opened, with the names of the records, in the order of time."""
        opened = [(stored, key) for stored in _stored(connection) if (key := self._open(stored)) is not None]
        ends = [key.made_at for _, key in opened[1:]]
        return [
            (stored.name, msgspec.structs.replace(key, retired_at=end))
            for (stored, key), end in zip_longest(opened, ends)
        ]

    def _open(self, stored: meta.Value) -> SigningKey | None:
        try:
            text = self._vault.open(stored.value, _place(stored.name))
        except VaultFault as fault:
            self.problem = fault.message
            return None
        record = msgspec.json.decode(text, type=_Record)
        private = p256.read_private(record.private) if record.private else None
        public = private.public_key() if private is not None else p256.from_jwk(record.public)
        return SigningKey(p256.thumbprint(public), public, private, stored.changed_at)

    # --- writing

    def _begin(self, connection: Connection) -> KeyRing:
        """At the start: seal what was stored plain, and see to it that the last record is the key that signs."""
        self._seal(connection)
        found = [key for _, key in self._read(connection)]
        if self.problem:
            _log.error("signing_key_unreadable", message=self.problem)
        wanted = self._given
        if wanted is not None and (not found or found[-1].kid != p256.thumbprint(wanted.public_key())):
            self._add(connection, _Record(public=p256.jwk(wanted.public_key())))
            audit.record("key.rotated", SERVER, key=p256.thumbprint(wanted.public_key()), source="environment")
        elif wanted is None and (not found or found[-1].private is None):
            wanted = generate_private_key(SECP256R1())
            self._add(connection, _of_pair(wanted))
            audit.record("key.rotated", SERVER, key=p256.thumbprint(wanted.public_key()), source="first start")
        keys = tuple(key for _, key in self._read(connection))
        signer = wanted or keys[-1].private
        assert signer is not None
        return KeyRing(keys, signer)

    def _seal(self, connection: Connection) -> None:
        for stored in _stored(connection):
            if not self._vault.is_current(stored.value) and self._open(stored) is not None:
                opened = self._vault.open(stored.value, _place(stored.name))
                sealed = self._vault.seal(opened, _place(stored.name))
                meta.put(connection, meta.Value(stored.name, sealed, stored.changed_at))

    def _add(self, connection: Connection, record: _Record) -> None:
        number = max((int(stored.name.rpartition(".")[2]) for stored in _stored(connection)), default=0) + 1
        name = f"{RECORD}.{number}"
        sealed = self._vault.seal(msgspec.json.encode(record).decode(), _place(name))
        meta.add(connection, meta.Value(name, sealed, self._context.now()))
        touch(connection, TOPIC)


def _stored(connection: Connection) -> list[meta.Value]:
    found = meta.named_like(connection, f"{RECORD}.")
    return sorted(found, key=lambda stored: int(stored.name.rpartition(".")[2]))


def _of_pair(key: EllipticCurvePrivateKey) -> _Record:
    raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return _Record(private=b64encode(raw).decode())


def _place(name: str) -> Place:
    return Place("meta", "value", name)
