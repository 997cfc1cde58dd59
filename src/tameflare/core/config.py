"""The configuration as data: what the control plane publishes and a proxy judges by. It holds no secret."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from tameflare.core.access import AccessRule
from tameflare.core.approval import RememberedApproval
from tameflare.core.decision import EnforcementLevel
from tameflare.core.killswitch import KillSwitch
from tameflare.core.policy.model import Scope

DEFAULT_AGENT: Final = "default"
DEFAULT_RATE_PER_MINUTE: Final = 120


class AgentStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class CredentialMode(StrEnum):
    """`required`: no credential, no request; `none`: nothing put in; `passthrough`: the agent's own goes on."""

    REQUIRED = "required"
    NONE = "none"
    PASSTHROUGH = "passthrough"


class AuthScheme(StrEnum):
    """Where a credential stands in a request."""

    VENDOR = "vendor"
    BEARER = "bearer"
    BASIC = "basic"
    HEADER = "header"
    QUERY = "query"
    COOKIE = "cookie"


class ConnectorConfig(msgspec.Struct, frozen=True):
    """One instance of a connector under a gateway. `name` defaults to the type; rules name the instance.

    `strict_mask`: an answer in which the credential cannot be looked for, because it is encoded, is refused.
    `domains` are host names, or `*.` and a suffix; empty: the type's own. `ports`: empty means 443. `auth` `vendor`
    means the type's own scheme; `auth_name` is the header, query parameter or cookie of the others. `paths` are the
    endpoints of a type that has some, as `/mcp`; empty: the type's own.
    """

    id: str
    name: str
    type: str
    domains: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    auth: AuthScheme = AuthScheme.VENDOR
    auth_name: str = ""
    credential: CredentialMode = CredentialMode.REQUIRED
    allow_addresses: tuple[str, ...] = ()
    allow_plaintext: bool = False
    identify: bool = False
    record: tuple[str, ...] = ()
    strict_mask: bool = False
    paths: tuple[str, ...] = ()


class AgentConfig(msgspec.Struct, frozen=True):
    id: str
    name: str
    environment: str = "production"
    status: AgentStatus = AgentStatus.ACTIVE


class ProxyToken(msgspec.Struct, frozen=True):
    """A gateway's token as the proxy knows it: HMAC-SHA-256 (hex) under the bundle's token key; Unix seconds."""

    id: str
    digest: str
    expires_at: int | None = None


class PolicyConfig(msgspec.Struct, frozen=True):
    """A stored policy that is in force. `source` is its YAML. `scope` is the scope as it compiled when it was stored:
    where the source no longer compiles, all in it is denied. None: the scope is unreadable too, and means everything.
    """

    id: str
    name: str
    version: int
    source: str
    scope: Scope | None = None


class GatewayConfig(msgspec.Struct, frozen=True):
    """`policy_only`: there are no access rules; a policy must allow and none deny."""

    id: str
    name: str
    level: EnforcementLevel = EnforcementLevel.FULL_ENFORCE
    rate_limit_per_minute: int = DEFAULT_RATE_PER_MINUTE
    tokens: tuple[ProxyToken, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    connectors: tuple[ConnectorConfig, ...] = ()
    rules: tuple[AccessRule, ...] = ()
    remembered: tuple[RememberedApproval, ...] = ()
    policy_only: bool = False


class Configuration(msgspec.Struct, frozen=True):
    """Everything one proxy may serve, at one version; `issued_at` in Unix seconds, `timezone` an IANA name: policies
    read clocks in it."""

    version: int
    issued_at: int
    kill_switches: tuple[KillSwitch, ...] = ()
    gateways: tuple[GatewayConfig, ...] = ()
    policies: tuple[PolicyConfig, ...] = ()
    timezone: str = "UTC"
