"""The types of connectors that there are."""

from __future__ import annotations

from pydantic import Field

from tameflare.connectors import registry
from tameflare.control.api.auth import Reader
from tameflare.control.api.bodies import Answer, Items
from tameflare.control.api.strict import router_for

router = router_for("connectors", "/api/dashboard/catalog")


class TypeOut(Answer):
    type: str
    domains: list[str] = Field(description="The hosts that the type covers by itself.")
    auth: list[str] = Field(description="The schemes that it takes.")
    variables: list[str] = Field(description="Environment variables that its SDKs read the key from.")
    needs_domains: bool


@router.get("")
async def list_types(_caller: Reader) -> Items[TypeOut]:
    return Items(items=[TypeOut.model_validate(registry.describe(name)) for name in registry.TYPES])
