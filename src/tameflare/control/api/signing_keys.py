"""The keys that decision tokens are signed with, for people."""

from __future__ import annotations

from pydantic import Field

from tameflare.control.api.auth import Manager, Reader, Wired
from tameflare.control.api.bodies import Answer, Items
from tameflare.control.api.strict import router_for
from tameflare.control.services.signing_keys import KEPT, SigningKey

router = router_for("decision tokens", "/api/dashboard/signing-keys")


class SigningKeyOut(Answer):
    """Times in Unix seconds."""

    kid: str
    signs: bool = Field(description="New tokens are signed with it; at most one does.")
    source: str = Field(description="`vault` or `environment`.")
    made_at: int
    accepted_until: int | None = Field(description="When its last tokens are over; null while it signs.")


@router.get("")
async def list_signing_keys(_caller: Reader, services: Wired) -> Items[SigningKeyOut]:
    """The key that signs, then those whose tokens may still live."""
    ring = await services.signing_keys.ring()
    return Items(items=[_out(key) for key in ring.accepted(services.context.clock())])


@router.post("/rotate", status_code=201)
async def rotate_signing_key(caller: Manager, services: Wired) -> SigningKeyOut:
    """Make a new key that signs from now on; tokens of the former one stay good until they expire.

    403 `signing_key_set` where the environment sets the key.
    """
    return _out(await services.signing_keys.rotate(caller.actor))


def _out(key: SigningKey) -> SigningKeyOut:
    return SigningKeyOut(
        kid=key.kid,
        signs=key.retired_at is None,
        source="environment" if key.private is None else "vault",
        made_at=key.made_at,
        accepted_until=None if key.retired_at is None else key.retired_at + KEPT,
    )
