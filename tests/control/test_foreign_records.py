"""A proxy tells of the gateways that it serves, and of no other."""

from __future__ import annotations

import secrets

import httpx
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import GATEWAYS, Running

from tameflare.control.store.traffic import tables_of
from tameflare.link.messages import RECORDS_PATH
from tameflare.link.tokens import TokenKind


def gateway(owner: httpx.Client) -> tuple[str, str]:
    """Id and name of a fresh one."""
    made = owner.post(GATEWAYS, json={"name": f"g-{secrets.token_hex(4)}"}).json()
    return made["id"], made["name"]


def proxy(owner: httpx.Client, gateways: list[str] | None) -> str:
    """The link token of a fresh one."""
    body = {"name": f"p-{secrets.token_hex(4)}"} | ({} if gateways is None else {"gateways": gateways})
    token: str = owner.post("/api/dashboard/proxies", json=body).json()["token"]
    assert token.startswith(TokenKind.LINK)
    return token


def deliver(server: Running, token: str, body: bytes) -> httpx.Response:
    headers = {"x-tameflare-epoch": "e1", "x-tameflare-sequence": "0"}
    return server.client(token).post(RECORDS_PATH, content=body, headers=headers)


def seen(owner: httpx.Client) -> set[str]:
    return {row["request_id"] for row in owner.get("/api/dashboard/traffic", params={"limit": 200}).json()["items"]}


def test_records_of_another_gateway_are_kept_aside(server: Running, owner: httpx.Client) -> None:
    (own, name), (other, _) = gateway(owner), gateway(owner)
    ours, forged, nobody, late = (secrets.token_hex(8) for _ in range(4))
    records = [
        intent(ours, gateway=own),
        outcome(ours),
        refusal(forged, gateway=other),
        refusal(nobody, gateway=""),
        refusal(late, gateway=own),
    ]
    answer = deliver(server, proxy(owner, [name]), frames(records))
    assert (answer.status_code, answer.json()["sequence"]) == (200, 5), "nothing is sent again"
    assert {ours, forged, nobody, late} & seen(owner) == {ours, nobody, late}
    kept = server.services.traffic.database.write_now(
        lambda connection: tables_of(connection).execute("SELECT sequence, payload FROM unreadable").fetchall()
    )
    assert [sequence for sequence, payload in kept if forged.encode() in payload] == [2]


def test_a_proxy_that_serves_all_tells_of_all(server: Running, owner: httpx.Client) -> None:
    (first, _), (second, _) = gateway(owner), gateway(owner)
    ids = {secrets.token_hex(8): found for found in (first, second)}
    records = [refusal(request_id, gateway=found) for request_id, found in ids.items()]
    assert deliver(server, proxy(owner, None), frames(records)).status_code == 200
    assert set(ids) <= seen(owner)
