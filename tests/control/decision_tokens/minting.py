"""Decision tokens over a database of their own, without a server; and tokens that nobody should accept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from tests.control.running import KEY, Clock

from tameflare.control.services.audit import SERVER
from tameflare.control.services.context import Context
from tameflare.control.services.decision_tokens import DecisionTokens, Presented
from tameflare.control.services.signing_keys import SigningKeys
from tameflare.control.services.vault import Vault
from tameflare.control.store import actions, agents, gateways
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.agents import Agent
from tameflare.control.store.engine import Connection
from tameflare.control.store.gateways import Gateway
from tameflare.control.store.migrate import connect_database, open_database
from tameflare.core import p256, token
from tameflare.core.action_states import TOKEN_SECONDS, ActionStatus
from tameflare.core.agent_keys import KeyKind
from tameflare.core.canonical import spec_hash
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.errors import TameFlareError
from tameflare.core.secret import Secret
from tameflare.settings import Settings

TYPE: Final = "github.pr.merge"
RESOURCE: Final[dict[str, Any]] = {"owner": "acme", "repo": "api"}
PARAMETERS: Final[dict[str, Any]] = {"pull_number": 7}
SPEC: Final = spec_hash(TYPE, RESOURCE, PARAMETERS)
PEPPER: Final = b"p" * 32
OWN: Final = "http://127.0.0.1:3000"

Alter = Callable[[dict[str, Any]], object]


class Mint:
    """One server's view of a database in `directory`; several stand for servers beside or after each other."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        url: Secret | None = None,
    ) -> None:
        self.clock = clock or Clock()
        settings = {"SETTINGS_ENCRYPTION_KEY": KEY} if environment is None else environment
        self.context = Context(Settings(settings), clock=self.clock, steady=self.clock)
        self.database = connect_database(url) if url else open_database(_database_in(directory))
        master = settings.get("SETTINGS_ENCRYPTION_KEY")
        self.vault = Vault(Secret(master) if master else None, self.context.entropy)
        self.keys = SigningKeys(self.context, self.database, self.vault)
        self.tokens = DecisionTokens(self.context, self.database, self.keys, PEPPER)

    def allowed(self, **other: Any) -> StoredAction:
        """An action that was allowed just now, on record."""
        now = self.context.now()
        values: dict[str, Any] = {
            "id": self.context.new_id("act"),
            "status": ActionStatus.ALLOWED,
            "reason": "rule_allow",
            "message": "",
            "changed_at": now,
            "expires_at": now + TOKEN_SECONDS,
            "gateway_id": "gtw_1",
            "gateway": "main",
            "agent_id": "agt_1",
            "agent": "deployer",
            "key_id": "key_1",
            "kind": KeyKind.LIVE,
            "connector": "github",
            "type": TYPE,
            "resource": RESOURCE,
            "parameters": PARAMETERS,
            "risk_hints": {},
            "risk": "high",
            "effect": "write",
            "spec_hash": SPEC,
            "body_hash": "",
            "decision": Verdict.ALLOW,
            "would_be": Verdict.ALLOW,
            "enforced": True,
            "risk_score": 80,
            "matched": (),
            "configuration": 1,
            "created_at": now,
            **other,
        }
        action = StoredAction(**values)
        self.database.write_now(lambda connection: _record(connection, action))
        return action

    def token(self, action: StoredAction) -> str:
        made = self.database.read_now(lambda connection: self.tokens.mint(connection, action))
        assert made is not None
        return made

    def stored(self, action: StoredAction) -> StoredAction:
        found = self.database.read_now(lambda connection: actions.by_id(connection, action.id))
        assert found is not None
        return found

    def use(self, text: str, spec: str = SPEC, agent: str | None = None) -> StoredAction:
        """Present a token, for the action that it was made for unless said otherwise."""
        return asyncio.run(self.tokens.verify(Presented(text, spec, agent), SERVER))

    def refusal(self, text: str, spec: str = SPEC, agent: str | None = None) -> str:
        """The code of the fault with which a token is refused."""
        with pytest.raises(TameFlareError) as fault:
            self.use(text, spec, agent)
        return fault.value.code

    def close(self) -> None:
        self.database.close()


def _record(connection: Connection, action: StoredAction) -> None:
    """The action, and its agent and gateway unless they are there."""
    if gateways.by_id(connection, action.gateway_id) is None:
        gateways.add(connection, Gateway(action.gateway_id, action.gateway, EnforcementLevel.FULL_ENFORCE, 120, 1))
    if agents.by_id(connection, action.agent_id) is None:
        agents.add(connection, Agent(action.agent_id, action.agent, gateway_id=action.gateway_id, created_at=1))
    actions.add(connection, [action])


@cache
def _empty() -> bytes:
    """A database without anything in it; the steps of its schema are run once for all tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tameflare.db"
        open_database(path).close()
        return path.read_bytes()


def _database_in(directory: Path) -> Path:
    path = directory / "tameflare.db"
    if not path.exists():
        path.write_bytes(_empty())
    return path


# --- tokens of one's own making


def parts(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, claims and signature of a token."""
    head, claims, signature = (token._decode(part) for part in text.split("."))
    return json.loads(head), json.loads(claims), signature


def join(head: bytes, claims: bytes, signature: bytes) -> str:
    return b".".join(map(token.encode, (head, claims, signature))).decode()


def dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def forged(text: str, key: EllipticCurvePrivateKey, head: Alter | None = None, claims: Alter | None = None) -> str:
    """The token with its header and claims altered, signed by `key`."""
    header, payload, _ = parts(text)
    if head is not None:
        head(header)
    if claims is not None:
        claims(payload)
    signed = token.encode(dump(header)) + b"." + token.encode(dump(payload))
    return (signed + b"." + token.encode(p256.sign(key, signed))).decode()


def stranger() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())
