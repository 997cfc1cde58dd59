"""The built-in connector `custom`, for actions that belong to no other: it is there without having been made.

It has no host and no credential. Rules name it as any other; the first rule makes the row that they hang on, which no
list of connectors shows and no proxy is told of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tameflare.connectors.asked import CUSTOM
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Fault, Invalid
from tameflare.control.store import connectors
from tameflare.control.store.connectors import StoredConnector
from tameflare.control.store.engine import Connection
from tameflare.core.config import ConnectorConfig, CredentialMode

_HELP: Final = f"choose another name: rules for `{CUSTOM}` are about actions of no vendor"


def prepare(connection: Connection, context: Context, gateway_id: str, wanted: Iterable[str]) -> None:
    """Make the row where rules for connectors named `wanted` need it."""
    if CUSTOM not in wanted or connectors.by_name(connection, gateway_id, CUSTOM) is not None:
        return
    row = StoredConnector(
        context.new_id("con"),
        CUSTOM,
        CUSTOM,
        credential=CredentialMode.NONE,
        gateway_id=gateway_id,
        created_at=context.now(),
    )
    connectors.add(connection, row)


def is_built_in(connector: ConnectorConfig) -> bool:
    return connector.type == CUSTOM


def check_name(name: str) -> None:
    """Raises Invalid for the name of the built-in connector."""
    if name == CUSTOM:
        raise Invalid([Fault("name", f"`{CUSTOM}` is the name of a connector that is built in", _HELP)])
