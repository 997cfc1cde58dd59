"""The vendors that need little beside their table: where they are, where they look for keys, how they say no."""

from __future__ import annotations

from typing import ClassVar, Final

from msgspec.structs import replace

from tameflare.connectors import auth, denials
from tameflare.connectors.auth import Credential, Injection, header_line
from tameflare.connectors.base import HttpCall
from tameflare.connectors.table import TableConnector, Vendor
from tameflare.core.action import Action
from tameflare.core.config import AuthScheme

ANTHROPIC_VERSION: Final = ("anthropic-version", "2023-06-01")


class OpenAIConnector(TableConnector):
    vendor: ClassVar = Vendor(
        "openai",
        ("api.openai.com",),
        denials.openai,
        credential_headers=frozenset({b"authorization", b"api-key", b"x-api-key"}),
        significant=frozenset({b"openai-organization", b"openai-project", b"openai-beta"}),
    )


class AnthropicConnector(TableConnector):
    """Keys stand in `x-api-key`; `Authorization` is for OAuth tokens and is taken out."""

    vendor: ClassVar = Vendor(
        "anthropic",
        ("api.anthropic.com",),
        denials.anthropic,
        credential_headers=frozenset({b"authorization", b"x-api-key"}),
        significant=frozenset({b"anthropic-version", b"anthropic-beta"}),
    )

    def injection(self, host: str, credential: Credential) -> Injection:  # noqa: ARG002 - the same on every host
        if self.config.auth is AuthScheme.BEARER:
            return auth.bearer(credential)
        return Injection(header_line("x-api-key", credential.value))

    def build(self, action: Action) -> HttpCall:
        return replace(super().build(action), headers=(ANTHROPIC_VERSION,))


class StripeConnector(TableConnector):
    """Bearer, or Basic with the key as user name. Ruby servers: a form is read for a method override."""

    vendor: ClassVar = Vendor(
        "stripe",
        ("api.stripe.com", "files.stripe.com"),
        denials.stripe,
        significant=frozenset({b"stripe-account", b"stripe-context", b"stripe-version"}),
        guards_forms=True,
    )

    def injection(self, host: str, credential: Credential) -> Injection:  # noqa: ARG002 - the same on every host
        if self.config.auth is AuthScheme.BASIC:
            return auth.basic(credential)
        return auth.bearer(credential)
