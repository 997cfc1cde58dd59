"""Decision tokens: made of an action's row whenever its agent asks, checked in a fixed order, and good for one use.

The nonce follows from the action's id under a key of the installation, and the signature is deterministic, so that one
action has one token however often it is asked for, and nothing of it has to be stored. What is stored is that a nonce
was used: in the transaction that takes the action, under a constraint that lets one use be the first.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Any, Final

import msgspec

from tameflare.control.services import audit
from tameflare.control.services.action_taking import settle, stops, taken
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Refused
from tameflare.control.services.signing_keys import KeyRing, SigningKeys
from tameflare.control.store import actions, agents, killswitch
from tameflare.control.store import decision_tokens as nonces
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.decision_tokens import BurntNonce
from tameflare.control.store.engine import Connection, Database
from tameflare.core import p256, token
from tameflare.core.action_states import READY, ActionStatus
from tameflare.core.agent_keys import KeyKind
from tameflare.core.config import AgentStatus
from tameflare.core.decision import Reason
from tameflare.core.killswitch import MESSAGE
from tameflare.core.token import LIFE, NONCE_BYTES, Claims, TokenRefused
from tameflare.settings import HOST, PORT, PUBLIC_URL

KEPT: Final = 86400
"""Seconds after its token's end that a used nonce is remembered."""
_NONCE_INFO: Final = b"tameflare decision token nonce v1\n"


class TokenSpent(TokenRefused):
    """It was used before."""

    def __init__(self, message: str = "the decision token was used before") -> None:
        super().__init__("token_spent", message)


class Way(StrEnum):
    """How a token is used."""

    VERIFY = "verify"
    EXECUTE = "execute"


class Presented(msgspec.Struct, frozen=True):
    """A token as it was presented. `agent` is the id of the agent that calls, `action` the id of the action that it
    names, where that is known; `spec_hash` that of the action which is to be done. `test`: nothing is done for real, so
    that what a test key asked for is accepted as well. `live`: whoever calls may use what a live key asked for."""

    text: str
    spec_hash: str
    agent: str | None = None
    action: str | None = None
    test: bool = False
    live: bool = True


class DecisionTokens:
    def __init__(self, context: Context, database: Database, keys: SigningKeys, pepper: bytes) -> None:
        self._context = context
        self._database = database
        self._keys = keys
        self._nonce_key = hmac.new(pepper, _NONCE_INFO, hashlib.sha256).digest()
        self.issuer = _issuer(context)

    # --- making

    def mint(self, connection: Connection, action: StoredAction) -> str | None:
        """The token of an action that may be carried out; None for any other, and once it is over."""
        return self.minted(self._keys.ring_by(connection), action)

    def minted(self, ring: KeyRing, action: StoredAction) -> str | None:
        """As `mint`, by keys that were read."""
        if action.status not in READY or action.taken_at is not None or action.expires_at is None:
            return None
        if self._context.now() >= action.expires_at:
            return None
        claims = Claims(
            action_request_id=action.id,
            action_spec_hash=action.spec_hash,
            nonce=token.encode(self._nonce(action.id)).decode(),
            iat=action.expires_at - LIFE,
            exp=action.expires_at,
            iss=self.issuer,
            aud=action.gateway,
            sub=action.agent,
            kid=ring.kid,
        )
        signed = token.header(ring.kid) + b"." + token.encode(msgspec.json.encode(claims))
        return (signed + b"." + token.encode(p256.sign(ring.signer, signed))).decode()

    # --- checking and using

    async def verify(self, presented: Presented, by: Actor) -> StoredAction:
        """Check a token and use it up: the action counts as carried out by whoever asked for it. Raises TokenRefused,
        and Refused for somebody else's token or while a kill switch is on; neither uses it up."""

        def work(connection: Connection) -> StoredAction:
            action = self.checked(connection, presented)
            self.burn(connection, action, Way.VERIFY)
            now = self._context.now()
            return settle(connection, taken(action, now), True, {"code": "verified"}, now, counts=True)

        return await self.audited(work, by)

    async def audited(self, work: Any, by: Actor) -> StoredAction:
        """Run a writing function that takes an action; both a use and a refusal are put into the audit log."""
        try:
            action: StoredAction = await self._database.write(work)
        except (TokenRefused, Refused) as fault:
            audit.record("token.refused", by, code=fault.code)
            raise
        audit.record("action.executed", by, action=action.id, status=action.status.value)
        return action

    def checked(self, connection: Connection, presented: Presented) -> StoredAction:
        """The action of a token that passes every check; nothing is used up. Raises TokenRefused and Refused."""
        claims = self._claims(connection, presented.text)
        action = actions.by_id(connection, claims.action_request_id)
        if claims.iss != self.issuer:
            raise TokenRefused("issuer_mismatch", "the decision token was made by another installation")
        if action is None:
            raise TokenRefused("unknown_action", "the decision token's action is not on record")
        if claims.aud != action.gateway:
            raise TokenRefused("audience_mismatch", "the decision token was made for another gateway")
        token.check_time(claims, self._context.clock())
        if presented.agent not in (None, action.agent_id):
            raise Refused(
                "this decision token belongs to another agent", "use the key of the agent that it was made for"
            )
        if claims.sub != action.agent:
            raise TokenRefused("agent_mismatch", "the decision token was made for another agent")
        same = presented.action in (None, action.id) and action.spec_hash == presented.spec_hash
        if not same or claims.action_spec_hash != action.spec_hash:
            raise TokenRefused("action_mismatch", "the decision token was made for another action")
        if action.kind is KeyKind.TEST and not presented.test:
            raise TokenRefused("test_token", "the decision token was asked for with a test key", "do nothing for real")
        if action.kind is KeyKind.LIVE and not presented.live:
            raise Refused("a test key has nothing done that a live key asked for", "use a live key", code="test_key")
        self.check_open(connection, action)
        return action

    def burn(self, connection: Connection, action: StoredAction, way: Way) -> None:
        """Use the token of an action up; in the transaction that takes the action. Raises TokenSpent."""
        now = self._context.now()
        end = action.expires_at or now
        nonce = BurntNonce(hashlib.sha256(self._nonce(action.id)).hexdigest(), action.id, way.value, now, end)
        if not nonces.burn(connection, nonce):
            raise TokenSpent

    def purge(self, connection: Connection) -> int:
        """Forget nonces whose tokens have been over for a day."""
        return nonces.purge(connection, self._context.now() - KEPT)

    def _claims(self, connection: Connection, text: str) -> Claims:
        """What a token says, its signature verified."""
        parts = token.take_apart(text)
        key = self._keys.ring_by(connection).find(parts.kid, self._context.clock())
        if key is None:
            raise token.unknown_key()
        if not p256.verifies(key, parts.signature, parts.signed):
            raise token.bad_signature()
        claims = token.claims_of(parts.payload)
        if claims.kid != parts.kid:
            raise token.unknown_key()
        return claims

    def check_open(self, connection: Connection, action: StoredAction) -> None:
        """Raises unless the action may be carried out now."""
        if action.taken_at is not None or action.status in {ActionStatus.EXECUTED, ActionStatus.FAILED}:
            raise TokenSpent
        if action.status not in READY:
            raise TokenRefused("token_expired", f"the action is {action.status.value}")
        _check_agent(connection, action)
        if any(stops(switch, action) for switch in killswitch.listed(connection)):
            raise Refused(MESSAGE, "stop; an owner switches it off", code=Reason.KILL_SWITCH_ACTIVE.value)

    def _nonce(self, action_id: str) -> bytes:
        return hmac.new(self._nonce_key, action_id.encode(), hashlib.sha256).digest()[:NONCE_BYTES]


def _check_agent(connection: Connection, action: StoredAction) -> None:
    """Raises unless the agent that asked may still act."""
    agent = agents.by_id(connection, action.agent_id)
    if agent is None:
        raise TokenRefused("agent_mismatch", "the decision token's agent is not on record")
    if agent.status is not AgentStatus.ACTIVE:
        word = agent.status.value
        raise Refused(f"agent `{agent.name}` is {word}", "do nothing for it", code=f"agent_{word}")


def _issuer(context: Context) -> str:
    """The control plane's address as others reach it."""
    settings = context.settings
    public = settings.get(PUBLIC_URL).rstrip("/")
    host = settings.get(HOST)
    return public or f"http://{f'[{host}]' if ':' in host else host}:{settings.get(PORT)}"
