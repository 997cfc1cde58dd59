"""Agent keys: what opens the decision API, and what does not."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.control.decisions.asking import ACTIONS, EMAIL, Place
from tests.support.waiting import wait_for

from tameflare.control.services import passwords
from tameflare.control.services.agent_keys import TRUSTED_SECONDS
from tameflare.control.store import agent_keys
from tameflare.control.store.agent_keys import AgentKey
from tameflare.core.agent_keys import KeyKind, checksum, look_up

DAY = 86400


def status(place: Place, key: str) -> int:
    return place.server.client(key).get(ACTIONS).status_code


def test_a_key_is_shown_once_and_kept_as_a_hash(place: Place) -> None:
    made = place.make_key(name="deploy script", kind="test", expires_in_days=30)
    assert made["key"].startswith("tf_test_")
    assert made["prefix"] == made["key"][:16]
    listed = place.owner.get(f"{place.path}/agents/worker/keys").json()["items"]
    assert {key["name"] for key in listed} == {"key", "deploy script"}
    assert all("key" not in key for key in listed)
    stored = place.server.services.database.read_now(lambda connection: agent_keys.by_id(connection, made["id"]))
    assert stored is not None
    assert bcrypt.checkpw(made["key"].encode(), stored.hash.encode())


def test_several_keys_open_the_same_agent_until_each_is_revoked(place: Place) -> None:
    first, second = place.make_key(), place.make_key()
    asked = place.server.client(first["key"]).post(ACTIONS, json=EMAIL).json()
    found = place.server.client(second["key"]).get(f"{ACTIONS}/{asked['action_request_id']}")
    assert found.status_code == 200
    assert place.owner.delete(f"{place.path}/agents/worker/keys/{first['id']}").status_code == 204
    assert (status(place, first["key"]), status(place, second["key"])) == (401, 200)
    assert place.owner.delete(f"{place.path}/agents/worker/keys/{first['id']}").status_code == 404


def test_a_test_key_gets_at_nothing_that_a_live_key_asked_for(place: Place) -> None:
    place.rule("email.*", "allow")
    asked = place.ask(key="once")
    test = place.server.client(place.make_key(kind="test")["key"])
    at = f"{ACTIONS}/{asked['action_request_id']}"
    assert "decision_token" in place.client.get(at).json()
    assert test.get(at).json()["status"] == "allowed"
    assert "decision_token" not in test.get(at).json()
    again = test.post(ACTIONS, json=EMAIL, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_conflict")
    use = {"decision_token": asked["decision_token"], "action": EMAIL}
    refused = test.post("/api/v1/tokens/verify", json=use)
    assert (refused.status_code, refused.json()["code"]) == (403, "test_key")
    assert place.client.post("/api/v1/tokens/verify", json=use).status_code == 200


def test_a_key_that_another_server_revoked_is_refused_within_a_second(place: Place) -> None:
    made = place.make_key()
    assert status(place, made["key"]) == 200
    place.server.services.database.write_now(
        lambda connection: connection.execute(text("DELETE FROM agent_keys WHERE id = :id"), {"id": made["id"]}).close()
    )
    place.server.clock.now += TRUSTED_SECONDS
    assert status(place, made["key"]) == 401


def test_a_key_expires(place: Place) -> None:
    made = place.make_key(expires_in_days=1)
    assert status(place, made["key"]) == 200
    place.server.clock.now += DAY - 1
    assert status(place, made["key"]) == 200
    place.server.clock.now += 1
    assert status(place, made["key"]) == 401


def test_when_a_key_was_used_is_told(place: Place) -> None:
    made = place.make_key()
    assert made["last_used_at"] is None
    assert status(place, made["key"]) == 200
    listed = place.owner.get(f"{place.path}/agents/worker/keys").json()["items"]
    used = {key["id"]: key["last_used_at"] for key in listed}
    assert used[made["id"]] == int(place.server.clock())


def test_an_agent_that_is_suspended_is_told_so_at_once(place: Place) -> None:
    agent = f"{place.path}/agents/worker"
    assert place.owner.patch(agent, json={"status": "suspended"}).status_code == 200
    answer = place.client.get(ACTIONS)
    assert (answer.status_code, answer.json()["code"]) == (403, "agent_suspended")
    assert place.owner.patch(agent, json={"status": "active"}).status_code == 200
    assert place.client.get(ACTIONS).status_code == 200
    assert place.owner.delete(agent).status_code == 204
    assert place.client.get(ACTIONS).status_code == 401


def test_a_key_of_an_older_installation_is_taken_where_its_hash_is_stored(place: Place) -> None:
    key = f"aaf_{place.name}_0123456789abcdef".replace("-", "_")
    hashed = bcrypt.hashpw(key.encode(), bcrypt.gensalt(4)).decode()
    row = AgentKey(f"key_{place.name}", place.agent, "old", KeyKind.LIVE, look_up(key), hashed, 1)
    assert status(place, key) == 401
    place.server.services.database.write_now(lambda connection: agent_keys.add(connection, row))
    assert status(place, key) == 200
    assert status(place, key[:-1] + "0") == 401


def test_what_is_no_key_costs_no_hash(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, _hashed: hashed.append(password))
    made_up = place.key[:-1] + ("a" if place.key[-1] != "a" else "b")
    assert [status(place, key) for key in (made_up, "tf_live_x", "tf_live_" + "A" * 46)] == [401, 401, 401]
    assert hashed == []


def test_one_key_is_hashed_once_however_many_come_with_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place.make_key()
    real, hashed = bcrypt.checkpw, []

    def slow(password: bytes, stored: bytes) -> bool:
        hashed.append(password)
        return real(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: status(place, made["key"]), range(8))) == {200}
    place.server.clock.now += 10
    assert status(place, made["key"]) == 200
    assert hashed == [made["key"].encode()]


def test_too_many_first_looks_at_a_time_are_refused_and_not_queued(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_MAX_WAITING", 0)
    answer = place.client.get(ACTIONS)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    monkeypatch.undo()
    assert place.client.get(ACTIONS).status_code == 200


def test_made_up_keys_that_begin_like_one_keep_nobody_else_waiting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a key knows how others would have to look that cost a hash each."""
    made, other = place.make_key()["key"], place.make_key()["key"]
    bodies = [f"{made[:16]}{number:032}" for number in range(20)]
    held, hashed = threading.Event(), threading.Event()

    def slow(password: bytes, _stored: bytes) -> bool:
        hashed.set()
        return password.startswith(other.encode()) or not held.wait(20)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(status, place, bodies[0] + checksum(bodies[0]))
        assert hashed.wait(20)
        assert {status(place, body + checksum(body)) for body in bodies[1:]} == {429}
        assert status(place, other) == 200
        held.set()
        assert first.result() == 401


@pytest.mark.parametrize("kind", ["gwtk_", "gwln_", "tfr_", "tfu_", "tfs_", "nonsense_"])
def test_no_other_token_opens_it_and_each_try_is_logged(place: Place, kind: str) -> None:
    with capture_logs() as logs:
        answer = place.server.client(f"{kind}{'a' * 40}").post(ACTIONS, json=EMAIL)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    (line,) = [line for line in logs if line["event"] == "token_misplaced"]
    assert line["kind"] == (kind if kind != "nonsense_" else "unknown")
    assert line["path"] == ACTIONS


def test_a_key_opens_nothing_else(place: Place) -> None:
    with capture_logs() as logs:
        assert place.client.get("/api/dashboard/gateways").status_code == 401
        assert place.client.get("/api/link/feed").status_code == 401
    assert {line["kind"] for line in logs if "kind" in line} == {"tf_live_"}


def test_a_key_that_was_verified_costs_microseconds(place: Place) -> None:
    keys = place.server.services.agent_keys
    assert place.client.get(ACTIONS).status_code == 200
    assert wait_for(lambda: keys.known(place.key), "the key to be known")
    begun = time.process_time()
    for _ in range(2000):
        keys.known(place.key)
    assert (time.process_time() - begun) / 2000 < 20e-6
