"""Credentials of connectors: sealing them, and showing them masked."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import msgspec

from tameflare.connectors.placeholders import bound_to
from tameflare.connectors.registry import check_credential
from tameflare.control.services.configuration import credential_place
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Fault, Invalid
from tameflare.control.services.vault import Vault, VaultFault, mask
from tameflare.control.store.credentials import Credential
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import InvalidValue
from tameflare.link.messages import OpenCredential

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")


class Shown(msgspec.Struct, frozen=True):
    """A credential as admins may see it; `problem` says why it cannot be opened."""

    set: bool
    masked: str = ""
    username: str = ""
    sealed: bool = False
    changed_at: int | None = None
    problem: str = ""


class Credentials:
    def __init__(self, context: Context, vault: Vault) -> None:
        self._context = context
        self._vault = vault

    def seal(self, connector: ConnectorConfig, value: str, username: str, field: str = "value") -> Credential:
        """The row to store. Raises Invalid for what cannot stand in the connector's requests."""
        _check(value, field)
        _check(username, "username", empty=True)
        if ":" in username:
            raise Invalid([Fault("username", "a user name holds no colon", "write what stands before the colon")])
        _fit(connector, value, username, field)
        credential_id = self._context.new_id("crd")
        sealed = self._vault.seal(value, credential_place(credential_id))
        return Credential(credential_id, connector.id, sealed, username, self._context.now())

    def keep_fitting(self, connector: ConnectorConfig, stored: Credential) -> None:
        """Refuse a change of the connector after which its stored credential could not stand in requests any more.

        Raises Invalid. One that cannot be opened is told of elsewhere.
        """
        with suppress(VaultFault):
            value = self._vault.open(stored.value, credential_place(stored.id))
            _fit(connector, value, stored.username, "auth")

    def show(self, stored: Credential | None) -> Shown:
        if stored is None:
            return Shown(set=False)
        shown = Shown(
            set=True,
            username=stored.username,
            sealed=stored.value.startswith("enc:"),
            changed_at=stored.changed_at,
        )
        try:
            value = self._vault.open(stored.value, credential_place(stored.id))
        except VaultFault as fault:
            return msgspec.structs.replace(shown, problem=str(fault))
        return msgspec.structs.replace(shown, masked=mask(value))


def _check(text: str, field: str, *, empty: bool = False) -> None:
    if not text and not empty:
        raise Invalid([Fault(field, "the secret is empty", "paste the key that the vendor gave you")])
    if _UNPRINTABLE.search(text):
        raise Invalid([Fault(field, "it holds a line break or control character", "paste it without line breaks")])
    if bound_to(text) is not None:
        raise Invalid([Fault(field, "this is a placeholder of TameFlare, not a key", "paste the vendor's own key")])


def _fit(connector: ConnectorConfig, value: str, username: str, field: str) -> None:
    try:
        check_credential(connector, OpenCredential(connector.id, value, username))
    except InvalidValue as fault:
        raise Invalid([Fault(field, fault.message, fault.help)]) from None
