"""Running totals at the control plane: asked over the link, settled by records, right for many at once."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import msgspec
import pytest
from tests.control.holding import Plane
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import Running

from tameflare.control.services import totals
from tameflare.control.store import totals as store
from tameflare.control.store.totals import State
from tameflare.core.policy.model import Total, TotalBy
from tameflare.core.totals import Account
from tameflare.link.messages import Record
from tameflare.link.totals import MOST, TOTALS_PATH, Amount, Ask, Reserve, Sums

ON_BOTH = True

DAY = Total("parameters.amount", 86_400, of="refunds:limit")


@pytest.fixture(scope="module")
def plane(server: Running, owner: httpx.Client) -> Plane:
    return Plane(server, owner)


@pytest.fixture
def total() -> Total:
    """One that nothing counts for yet."""
    return msgspec.structs.replace(DAY, of=f"refunds:{secrets.token_hex(4)}")


def wish(plane: Plane, request: str, amount: object, total: Total, agent: str = "") -> Reserve:
    account = Account(plane.gateway, agent or plane.agent, "stripe")
    return Reserve(request, account, (Amount(total, Decimal(str(amount))),))


def ask(plane: Plane, *reserve: Reserve, release: tuple[str, ...] = ()) -> list[Decimal | None]:
    answer = plane.link.post(TOTALS_PATH, content=msgspec.json.encode(Ask(release, reserve)))
    assert answer.status_code == 200, answer.text
    return [found and found[0] for found in msgspec.json.decode(answer.content, type=Sums).sums]


def new_id() -> str:
    return f"req_{secrets.token_hex(6)}"


def deliver(plane: Plane, *records: Record) -> None:
    headers = {"x-tameflare-epoch": secrets.token_hex(8), "x-tameflare-sequence": "0"}
    assert plane.link.post("/api/link/records", content=frames(records), headers=headers).status_code == 200


def test_each_sees_what_was_reserved_before_it_and_itself(plane: Plane, total: Total) -> None:
    a, b, c = new_id(), new_id(), new_id()
    assert ask(plane, wish(plane, a, 5, total), wish(plane, b, "0.25", total)) == [5, Decimal("5.25")]
    assert ask(plane, wish(plane, b, "0.25", total)) == [Decimal("5.25")], "asked again, it counts once"
    assert ask(plane, wish(plane, b, 3, total)) == [8], "the newest amount counts"
    assert ask(plane, wish(plane, c, 1, total), release=(a,)) == [4]
    assert ask(plane, wish(plane, a, 5, total)) == [None], "a question that comes after it was taken back"


def test_many_at_once_never_go_over_a_limit_and_room_that_is_left_is_used(plane: Plane, total: Total) -> None:
    """Each takes what it may, or gives it back; then exactly the rest fits."""

    def one(amount: int) -> int:
        request = new_id()
        (found,) = ask(plane, wish(plane, request, amount, total))
        assert found is not None
        if found <= 1000:
            return amount
        ask(plane, release=(request,))
        return 0

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(one, [90, 70, 110] * 10))
    assert taken <= 1000
    assert one(1001 - taken) == 0
    assert one(1000 - taken) == 1000 - taken


@pytest.mark.parametrize(
    ("status", "reason", "counts"),
    [
        (200, "", True),
        (302, "", True),
        (402, "", False),
        (404, "", False),
        (500, "", True),
        (502, "upstream_unreachable", False),
        (504, "upstream_timeout", True),
        (0, "client_closed", True),
        (200, "client_closed", True),
    ],
)
def test_records_tell_whether_it_happened(plane: Plane, total: Total, status: int, reason: str, counts: bool) -> None:
    request = new_id()
    ask(plane, wish(plane, request, 40, total))
    deliver(plane, intent(request, gateway=plane.gateway))
    assert ask(plane, wish(plane, new_id(), 0, total)) == [40]
    deliver(plane, outcome(request, status=status, reason=reason))
    assert ask(plane, wish(plane, new_id(), 0, total)) == [40 if counts else 0]
    ask(plane, release=(request,))
    assert ask(plane, wish(plane, new_id(), 0, total)) == [40 if counts else 0], "what happened stays"


def test_a_record_of_a_refusal_takes_back_what_its_proxy_could_not(plane: Plane, total: Total) -> None:
    request, other = new_id(), new_id()
    ask(plane, wish(plane, request, 40, total), wish(plane, other, 2, total))
    deliver(plane, refusal(request, gateway=plane.gateway))
    assert ask(plane, wish(plane, new_id(), 0, total)) == [2], "what no record tells of stays counted"


def test_proxies_speak_for_their_own_requests_and_gateways_only(
    server: Running, owner: httpx.Client, plane: Plane, total: Total
) -> None:
    other = Plane(server, owner, "other", "edge-2")
    request = new_id()
    ask(plane, wish(plane, request, 40, total))
    ask(other, release=(request,))
    assert ask(plane, wish(plane, new_id(), 0, total)) == [40]
    assert ask(other, wish(plane, new_id(), 7, total)) == [None], "a gateway that it does not serve"
    assert ask(other, wish(other, new_id(), 7, total, agent=plane.agent)) == [None], "an agent of another gateway"
    everything = msgspec.structs.replace(total, by=TotalBy.ALL)
    assert ask(plane, wish(plane, new_id(), 7, everything)) == [7]
    assert ask(other, wish(other, new_id(), 7, everything)) == [14]


def test_what_cannot_be_added_up_is_said_to_be_so(plane: Plane, total: Total) -> None:
    for amount in ("-1", "1e40", "NaN"):
        (found,) = ask(plane, wish(plane, new_id(), amount, total))
        assert found is not None
        assert found.is_nan()
    assert ask(plane, wish(plane, new_id(), 1, total)) == [1]


@pytest.mark.parametrize("body", [b"", b"{", b'{"reserve": 5}', b"[]"])
def test_nonsense_is_refused(plane: Plane, body: bytes) -> None:
    assert plane.link.post(TOTALS_PATH, content=body).status_code == 422


def test_too_much_is_refused(plane: Plane) -> None:
    many = msgspec.json.encode(Ask(("r",) * (MOST + 1)))
    assert plane.link.post(TOTALS_PATH, content=many).status_code == 422
    assert plane.link.post(TOTALS_PATH, content=b" " * (2 << 20)).status_code == 413
    assert httpx.post(f"{plane.server.url}{TOTALS_PATH}", content=b"{}").status_code == 401


def test_what_has_left_its_window_is_forgotten(plane: Plane) -> None:
    short = Total("parameters.amount", 60, of="short:limit")
    services, request = plane.server.services, new_id()
    ask(plane, wish(plane, request, 40, short))
    plane.server.clock.now += 59
    assert ask(plane, wish(plane, new_id(), 0, short)) == [40]
    plane.server.clock.now += 1
    assert ask(plane, wish(plane, new_id(), 0, short)) == [0]
    plane.server.clock.now += 7200
    plane.server.call(services.totals.prune())
    left = services.database.read_now(lambda connection: store.over(connection, 1 << 40))
    assert not any("short:limit" in name for name in left)


def test_an_action_of_the_decision_api_is_counted_in_its_own_transaction(server: Running, total: Total) -> None:
    account, amounts = Account("gtw", "agt", "stripe"), {total: Decimal(5)}
    write = server.services.database.write_now
    found = write(lambda connection: totals.reserve(connection, totals.API, "act_1", account, amounts, 100))
    assert found == {total: 5}
    write(lambda connection: totals.count(connection, totals.API, "act_1", 100))
    write(lambda connection: totals.release(connection, totals.API, "act_1", 100))
    assert write(lambda connection: store.state_of(connection, totals.API, "act_1")) is State.COUNTED
    assert write(lambda connection: totals.foresee(connection, account, amounts, 100)) == {total: 10}
