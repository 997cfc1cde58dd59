"""An agent reads its own requests through proxies, and nobody else's."""

from __future__ import annotations

import httpx
from tests.control.asking import agent
from tests.control.records import frames, intent, outcome
from tests.control.running import GATEWAYS, Running

from tameflare.link.messages import RECORDS_PATH

PATH = "/api/v1/traffic"


def test_an_agent_sees_its_own_requests_page_by_page(server: Running, owner: httpx.Client) -> None:
    mine, others = agent(server, owner, "mine"), agent(server, owner, "others")
    listed = owner.get(f"{GATEWAYS}/asking/agents").json()["items"]
    ids = {one["name"]: one["id"] for one in listed}
    # a name that is somebody else's id opens nothing
    disguised = agent(server, owner, ids["mine"])
    link = server.client(owner.post("/api/dashboard/proxies", json={"name": "edge"}).json()["token"])
    records = [intent(f"r{n}", agent=ids["mine" if n % 2 else "others"]) for n in range(6)]
    ends = [outcome(f"r{n}") for n in range(6)]
    place = {"x-tameflare-epoch": "e", "x-tameflare-sequence": "0"}
    assert link.post(RECORDS_PATH, content=frames([*records, *ends]), headers=place).status_code == 200
    first = mine.get(PATH, params={"limit": 2}).json()
    rest = mine.get(PATH, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [row["request_id"] for row in first["items"] + rest["items"]] == ["r5", "r3", "r1"]
    assert rest["next_cursor"] is None
    assert [row["request_id"] for row in others.get(PATH).json()["items"]] == ["r4", "r2", "r0"]
    assert disguised.get(PATH).json()["items"] == []
