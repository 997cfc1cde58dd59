"""Snapshots as a control plane signs and seals them."""

from __future__ import annotations

import os

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tameflare.core.config import Configuration
from tameflare.core.decision import Verdict
from tameflare.link.messages import (
    WIRE_VERSION,
    ApprovalAnswered,
    Bundle,
    Entry,
    Feed,
    Message,
    OpenCredential,
    Snapshot,
)
from tameflare.link.seal import bundle_key, seal_snapshot

PROXY = "px_1"
_SIGNER = Ed25519PrivateKey.generate()


def snapshot(version: int, token: str, credential: str = "sk-live-1", proxy: str = PROXY) -> Snapshot:
    bundle = Bundle(0, "", b"", b"t" * 32, (OpenCredential("c1", credential),))
    configuration = Configuration(version=version, issued_at=1_700_000_000)
    return seal_snapshot(configuration, bundle, _SIGNER, bundle_key(token, proxy), proxy, os.urandom(12))


def answered(approval: str) -> ApprovalAnswered:
    """A message that is no snapshot."""
    return ApprovalAnswered(approval, Verdict.ALLOW, "approved", "", 1)


def feed(cursor: int, *messages: Message, wire: int = WIRE_VERSION, proxy: str = PROXY) -> bytes:
    """An answer that ends at `cursor`; its messages stand just before."""
    first = cursor - len(messages) + 1
    entries = tuple(Entry(at, message) for at, message in enumerate(messages, start=first))
    return msgspec.json.encode(Feed(wire, proxy, cursor, entries))
