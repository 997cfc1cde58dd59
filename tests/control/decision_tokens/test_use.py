"""Using decision tokens: once, whoever comes first, across restarts and servers; and what does not use them up."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from msgspec.structs import replace
from tests.control.decision_tokens.minting import OWN, SPEC, Mint, parts

from tameflare.control.services.audit import SERVER
from tameflare.control.services.decision_tokens import KEPT, Presented, TokenSpent
from tameflare.control.store import actions, agents, killswitch
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.killswitch import ThrownSwitch
from tameflare.core import p256
from tameflare.core.action_states import ActionStatus
from tameflare.core.config import AgentStatus
from tameflare.core.killswitch import ScopeKind
from tameflare.core.token import LIFE, SKEW


def test_a_token_says_what_it_should_and_any_library_reads_it(mint: Mint) -> None:
    action = mint.allowed()
    text = mint.token(action)
    header, claims, signature = parts(text)
    public = mint.keys._ring.signer.public_key()
    assert header == {"alg": "ES256", "kid": p256.thumbprint(public), "typ": "JWT"}
    assert len(claims.pop("nonce")) == 22  # 128 bits
    assert claims == {
        "action_request_id": action.id,
        "action_spec_hash": SPEC,
        "iat": action.created_at,
        "exp": action.created_at + 300,
        "iss": OWN,
        "aud": "main",
        "sub": "deployer",
        "kid": header["kid"],
    }
    assert len(signature) == 64
    key = ECKey.import_key(p256.jwk(public))
    assert key.thumbprint() == header["kid"]
    assert jws.deserialize_compact(text, key, algorithms=["ES256"]).payload


def test_one_action_has_one_token_and_another_another(mint: Mint) -> None:
    action, other = mint.allowed(), mint.allowed()
    assert mint.token(action) == mint.token(action)
    nonces = {parts(mint.token(each))[1]["nonce"] for each in (action, other)}
    assert len(nonces) == 2


@pytest.mark.parametrize("status", [status for status in ActionStatus if status.value not in ("allowed", "approved")])
def test_what_may_not_be_carried_out_has_no_token(mint: Mint, status: ActionStatus) -> None:
    action = mint.allowed(status=status)
    assert mint.database.read_now(lambda connection: mint.tokens.mint(connection, action)) is None


def test_it_is_given_until_it_expires_and_not_once_it_is_used(mint: Mint) -> None:
    action = mint.allowed()

    def again() -> str | None:
        return mint.database.read_now(lambda connection: mint.tokens.mint(connection, mint.stored(action)))

    text = again()
    mint.clock.now += LIFE - 1
    assert again() == text
    mint.clock.now += 1
    assert again() is None
    mint.clock.now -= LIFE
    assert text is not None
    mint.use(text)
    assert again() is None


def test_nothing_of_a_token_lies_in_the_database(mint: Mint) -> None:
    action = mint.allowed()
    text = mint.token(action)
    mint.use(text)
    mint.database.close()
    kept = b"".join(path.read_bytes() for path in mint.database.path.parent.iterdir())
    nonce = parts(text)[1]["nonce"]
    for piece in (*text.split("."), nonce):
        assert piece.encode() not in kept
    digest = hashlib.sha256(_decoded(nonce)).hexdigest()
    with sqlite3.connect(mint.database.path) as connection:
        assert connection.execute("SELECT digest, way FROM burnt_nonces").fetchall() == [(digest, "verify")]
    connection.close()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


def test_using_it_ends_the_action(mint: Mint) -> None:
    action = mint.allowed()
    text = mint.token(action)
    mint.clock.now += 7
    done = mint.use(text, agent=action.agent_id)
    assert mint.stored(action) == done
    assert done.status is ActionStatus.EXECUTED
    assert (done.taken_at, done.changed_at) == (action.created_at + 7, action.created_at + 7)
    assert done.expires_at is None
    assert mint.refusal(text) == "token_spent"


def test_it_is_accepted_as_long_as_clocks_may_differ_and_no_longer(mint: Mint) -> None:
    early, late = mint.allowed(), mint.allowed()
    texts = mint.token(early), mint.token(late)
    mint.clock.now += LIFE + SKEW - 1
    mint.use(texts[0])
    mint.clock.now += 1
    assert mint.refusal(texts[1]) == "token_expired"
    assert mint.stored(late).status is ActionStatus.ALLOWED  # that is the business of others


def test_an_agent_that_may_act_no_longer_has_no_use_of_its_tokens(mint: Mint) -> None:
    action = mint.allowed()
    text = mint.token(action)

    def change(status: AgentStatus) -> None:
        mint.database.write_now(lambda connection: agents.change(connection, action.agent_id, {"status": status}))

    for status in (AgentStatus.SUSPENDED, AgentStatus.REVOKED):
        change(status)
        assert mint.refusal(text) == f"agent_{status.value}"
    change(AgentStatus.ACTIVE)
    mint.use(text)
    other = mint.token(mint.allowed())
    mint.database.write_now(lambda connection: agents.remove(connection, action.agent_id))
    assert mint.refusal(other) == "agent_mismatch"


def test_a_token_of_the_future_is_refused(mint: Mint) -> None:
    text = mint.token(mint.allowed())
    mint.clock.now -= SKEW
    mint.use(text)
    text = mint.token(mint.allowed())
    mint.clock.now -= SKEW + 1
    assert mint.refusal(text) == "token_malformed"


@pytest.mark.parametrize("status", [ActionStatus.EXPIRED, ActionStatus.DENIED, ActionStatus.PENDING_APPROVAL])
def test_a_token_dies_with_its_action(mint: Mint, status: ActionStatus) -> None:
    action = mint.allowed()
    text = mint.token(action)
    ended = replace(action, status=status, expires_at=None)
    mint.database.write_now(lambda connection: actions.put(connection, ended))
    assert mint.refusal(text) == "token_expired"


def test_another_agent_is_refused_and_uses_nothing_up(mint: Mint) -> None:
    action = mint.allowed()
    text = mint.token(action)
    assert mint.refusal(text, agent="agt_2") == "forbidden"
    assert mint.use(text, agent="agt_1").id == action.id


@pytest.mark.parametrize(
    ("kind", "target", "stops"),
    [
        (ScopeKind.ALL, "", True),
        (ScopeKind.GATEWAY, "main", True),
        (ScopeKind.CONNECTOR, "github", True),
        (ScopeKind.AGENT, "agt_1", True),
        (ScopeKind.GATEWAY, "other", False),
        (ScopeKind.CONNECTOR, "main", False),
        (ScopeKind.AGENT, "agt_2", False),
    ],
)
def test_a_kill_switch_stops_it_and_uses_nothing_up(mint: Mint, kind: ScopeKind, target: str, stops: bool) -> None:
    text = mint.token(mint.allowed())
    thrown = ThrownSwitch(kind, target, since=1, by="Owner")
    mint.database.write_now(lambda connection: killswitch.put(connection, thrown))
    if stops:
        assert mint.refusal(text) == "kill_switch_active"
        mint.database.write_now(lambda connection: killswitch.remove(connection, kind, target))
    mint.use(text)


# --- races and restarts


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_a_hundred_uses_at_two_servers_one_is_the_first(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """Two services over one database, as two processes have it: connections, threads and keys of their own."""
    url = request.getfixturevalue("databases").filled() if kind == "postgresql" else None
    servers = [Mint(tmp_path, url=url), Mint(tmp_path, url=url)]
    action = servers[0].allowed()
    text = servers[0].token(action)
    assert servers[1].token(action) == text

    async def everybody() -> list[object]:
        calls = [servers[at % 2].tokens.verify(Presented(text, SPEC), SERVER) for at in range(100)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = asyncio.run(everybody())
    assert sum(isinstance(answer, StoredAction) for answer in answers) == 1
    assert sum(isinstance(answer, TokenSpent) for answer in answers) == 99
    for server in servers:
        server.close()


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    first = Mint(tmp_path)
    used, unused = first.allowed(), first.allowed()
    texts = first.token(used), first.token(unused)
    first.use(texts[0])
    first.close()
    second = Mint(tmp_path)
    assert second.token(unused) == texts[1]
    assert second.refusal(texts[0]) == "token_spent"
    second.use(texts[1])
    second.close()


def test_the_nonce_alone_keeps_a_used_token_from_being_used_again(mint: Mint) -> None:
    """Should the action's row come back as it was, as from a backup of that table."""
    action = mint.allowed()
    text = mint.token(action)
    mint.use(text)
    mint.database.write_now(lambda connection: actions.put(connection, action))
    assert mint.stored(action).status is ActionStatus.ALLOWED
    assert mint.refusal(text) == "token_spent"


def test_used_nonces_are_forgotten_a_day_after_their_tokens_have_expired(mint: Mint) -> None:
    mint.use(mint.token(mint.allowed()))
    mint.clock.now += LIFE + KEPT
    assert mint.database.write_now(mint.tokens.purge) == 0
    mint.clock.now += 1
    assert mint.database.write_now(mint.tokens.purge) == 1
