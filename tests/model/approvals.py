"""The model: people, proxies and time against a control plane, every step checked against the promises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from operator import methodcaller
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.model.control import AGENTS, GROUPS, PEOPLE, Control
from tests.model.proxies import Message, Proxy, Request, Stage, left

from tameflare.core.approval import Requirement
from tameflare.core.approval_states import GRANT_SECONDS, Approval, Status
from tameflare.core.decision import Reason
from tameflare.core.roles import Role, at_least
from tameflare.core.voting import Person
from tameflare.link.approvals import Answer, Consume, Raise, Standing

DIGESTS = ("refund 5", "refund 500")
REQUIREMENTS = (
    Requirement(),
    Requirement(quorum=2),
    Requirement(role=Role.ADMIN, timeout=900),
    Requirement(role=Role.ADMIN, quorum=2, timeout=30),
    Requirement(groups=GROUPS),
    Requirement(groups=GROUPS, distinct=True, also=(Requirement(Role.ADMIN),)),
    Requirement(groups=("ops",), also=(Requirement(groups=("security",), quorum=2), Requirement())),
)
Verdict = Requirement | None
"""What a version of the configuration says of a digest; None: denied."""

FOLLOWING = {
    Status.PENDING: {Status.APPROVED, Status.RELEASED, Status.DENIED, Status.EXPIRED},
    Status.APPROVED: {Status.PENDING, Status.RELEASED, Status.DENIED, Status.EXPIRED},
    Status.RELEASED: {Status.EXECUTED, Status.FAILED, Status.UNKNOWN},
    Status.UNKNOWN: {Status.EXECUTED, Status.FAILED},
}
"""Every step that may be seen from outside; from all other states none leads on."""

ANY = st.integers(0, 1 << 16)
_AGENT, _DIGEST = st.sampled_from(sorted(AGENTS)), st.sampled_from(DIGESTS)
_PERSON = st.builds(
    lambda person, role, active, groups: Person(person.id, role, active, groups),
    st.sampled_from(PEOPLE[1:]),
    st.sampled_from([Role.VIEWER, Role.MEMBER, Role.ADMIN]),
    st.booleans(),
    st.sampled_from([(), ("ops",), GROUPS]),
)
DISTURBANCES = st.one_of(
    st.builds(methodcaller, st.just("somebody_changes"), _PERSON),
    st.builds(methodcaller, st.just("a_rule_changes"), _DIGEST, st.sampled_from((*REQUIREMENTS, None))),
    st.builds(methodcaller, st.just("the_kill_switch"), _AGENT, st.booleans()),
    st.builds(methodcaller, st.just("a_proxy_restarts"), st.integers(0, 1)),
    st.builds(methodcaller, st.just("time_passes"), st.sampled_from([1, 29, 30, 200, GRANT_SECONDS])),
    st.builds(methodcaller, st.just("the_control_plane_restarts")),
)


class Approvals(RuleBasedStateMachine):
    """`make` gives a fresh control plane. `sent` is which request was sent on behalf of an approval."""

    make: Callable[[], Control]

    def __init__(self) -> None:
        super().__init__()
        self.control = type(self).make()
        self.proxies = [Proxy("prx_0"), Proxy("prx_1")]
        self.network: list[Message] = []
        self.verdicts: dict[int, dict[str, Verdict]] = {self.control.version: dict.fromkeys(DIGESTS, Requirement())}
        for proxy in self.proxies:
            proxy.version = self.control.version
        self.count = 0
        self.sent: dict[str, str] = {}
        self.departed: set[str] = set()
        self.seen: dict[str, Approval] = {}

    # --- clients and proxies

    @rule(proxy=st.integers(0, 1), agent=_AGENT, digest=_DIGEST, smooth=st.booleans())
    def a_request_is_held(self, proxy: int, agent: str, digest: str, smooth: bool) -> None:
        home = self.proxies[proxy]
        requirement = self.verdicts[home.version][digest]
        if requirement is None:
            return
        request = self.new_request(proxy, agent, digest)
        self.transmit(Message(request, request.raising(requirement, home.version)), smooth)

    @rule(
        proxy=st.integers(0, 1),
        agent=_AGENT,
        digest=_DIGEST,
        far=st.integers(1, 3),
        stale=st.booleans(),
        between=st.one_of(st.none(), DISTURBANCES),
    )
    def all_goes_well(
        self,
        proxy: int,
        agent: str,
        digest: str,
        far: int,
        stale: bool,
        between: Callable[[Approvals], None] | None,
    ) -> None:
        """Held, answered, taken, perhaps with something in between; what was said on the way stays in the network as a
        copy."""
        home = self.proxies[proxy]
        home.version = home.version if stale else self.control.version
        requirement = self.verdicts[home.version][digest]
        if requirement is None:
            return
        request = self.new_request(proxy, agent, digest)
        self.transmit(Message(request, request.raising(requirement, home.version)), smooth=True)
        if far > 1 and request.approval:
            for person in PEOPLE:
                self.control.vote(person.id, request.approval, True)
        if between is not None:
            between(self)
        if far > 2 and request.stage is Stage.WAITING:
            home.version = home.version if stale else self.control.version
            self.transmit(self.taking(request), smooth=True)

    def new_request(self, proxy: int, agent: str, digest: str) -> Request:
        self.count += 1
        request = Request(f"req_{self.count}", proxy, self.proxies[proxy].epoch, agent, digest)
        self.proxies[proxy].requests.append(request)
        return request

    @precondition(lambda self: any(proxy.alive(Stage.ASKING) for proxy in self.proxies))
    @rule(which=ANY)
    def a_proxy_asks_again(self, which: int) -> None:
        request = pick([r for proxy in self.proxies for r in proxy.alive(Stage.ASKING)], which)
        home = self.proxies[request.proxy]
        requirement = self.verdicts[home.version][request.digest]
        if requirement is None:
            request.stage = Stage.GONE
        else:
            self.network.append(Message(request, request.raising(requirement, home.version)))

    @precondition(lambda self: any(proxy.alive(Stage.WAITING) for proxy in self.proxies))
    @rule(which=ANY, newest=st.booleans(), smooth=st.booleans())
    def a_proxy_tries_to_take(self, which: int, newest: bool, smooth: bool) -> None:
        """Told or not: an approval that was not given is not released to those who ask early either."""
        request = pick([r for proxy in self.proxies for r in proxy.alive(Stage.WAITING)], which)
        if newest:
            self.proxies[request.proxy].version = self.control.version
        self.transmit(self.taking(request), smooth)

    def taking(self, request: Request) -> Message:
        home = self.proxies[request.proxy]
        requirement = self.verdicts[home.version][request.digest]
        if requirement is None:
            return left(request, Reason.RULE_DENY)
        body = Consume(request.id, request.digest, requirement, home.version, request.epoch)
        return Message(request, body, request.approval)

    @precondition(lambda self: any(proxy.alive(Stage.GONE) for proxy in self.proxies))
    @rule(which=ANY)
    def a_question_of_one_who_is_gone_arrives(self, which: int) -> None:
        """It was asked before, and was long on its way."""
        request = pick([r for proxy in self.proxies for r in proxy.alive(Stage.GONE)], which)
        requirement = self.verdicts[self.control.version][request.digest]
        if request.approval and requirement is not None:
            body = Consume(request.id, request.digest, requirement, self.control.version, request.epoch)
            self.deliver(Message(request, body, request.approval), heard=True)

    @precondition(lambda self: any(proxy.alive(Stage.ASKING, Stage.WAITING) for proxy in self.proxies))
    @rule(which=ANY, smooth=st.booleans())
    def a_client_vanishes(self, which: int, smooth: bool) -> None:
        request = pick([r for proxy in self.proxies for r in proxy.alive(Stage.ASKING, Stage.WAITING)], which)
        message = left(request)
        if request.approval:
            self.transmit(message, smooth)

    def a_proxy_restarts(self, proxy: int) -> None:
        self.proxies[proxy].die()

    # --- the network

    def transmit(self, message: Message, smooth: bool) -> None:
        """Smooth: it arrives at once, and a copy of it later."""
        self.network.append(message)
        if smooth:
            self.deliver(message, heard=True)

    @precondition(lambda self: self.network)
    @rule(which=ANY, again=st.booleans(), heard=st.booleans())
    def a_message_arrives(self, which: int, again: bool, heard: bool) -> None:
        message = pick(self.network, which)
        if not again:
            self.network.remove(message)
        self.deliver(message, heard)

    @precondition(lambda self: self.network)
    @rule(which=ANY)
    def a_message_is_lost(self, which: int) -> None:
        self.network.remove(pick(self.network, which))

    def deliver(self, message: Message, heard: bool) -> None:
        proxy = self.proxies[message.request.proxy].name
        if isinstance(message.body, Raise):
            answer = self.control.raise_(proxy, message.body)
        elif isinstance(message.body, Consume):
            answer = self.consume(proxy, message.approval, message.body)
        else:
            self.control.leave(proxy, message.approval, message.body)
            self.departed.add(message.request.id)
            return
        if heard:
            self.hear(message.request, answer)

    def consume(self, proxy: str, approval: str, body: Consume) -> Answer:
        before = self.control.approvals()[approval]
        answer = self.control.consume(proxy, approval, body)
        if answer.standing is Standing.RELEASED and before.taken is None:
            assert body.configuration == self.control.version, "released by a verdict of an older configuration"
            assert before.agent not in self.control.killed, "released under a kill switch"
            assert self.control.now < before.expires_at, "released after its end"
            assert body.request_id not in self.departed, "released to a connection that had left"
            assert before.digest == body.digest
            self.check_votes(before, body.requirement)
        return answer

    def check_votes(self, approval: Approval, requirement: Requirement) -> None:
        """By hand: for each rule enough people who may answer today said yes, and nobody who may said no."""
        yes = {vote.person for vote in approval.votes if vote.approve}
        no = {vote.person for vote in approval.votes if not vote.approve}
        for part in (requirement, *requirement.also):
            able = self.able(part, set(approval.excluded))
            assert enough(part, [person for name, person in able.items() if name in yes]), "released without enough"
            assert not no & able.keys()

    def able(self, part: Requirement, excluded: set[str]) -> dict[str, Person]:
        everybody = [p for p in self.control.people() if p.active and p.role is not Role.VIEWER]
        able = {p.id: p for p in everybody if at_least(p.role, part.role)}
        if part.groups:
            able = {name: p for name, p in able.items() if set(p.groups) & set(part.groups)}
        return {name: p for name, p in able.items() if len(able) < 2 or name not in excluded}

    def hear(self, request: Request, answer: Answer) -> None:
        was_sent = request.stage is Stage.SENT
        request.hear(answer)
        if request.stage is Stage.SENT and not was_sent:
            assert answer.approval not in self.sent, "one approval let two requests go"
            self.sent[answer.approval] = request.id

    # --- people and time

    @precondition(lambda self: self.seen)
    @rule(which=ANY, person=st.sampled_from(PEOPLE), approve=st.booleans())
    def somebody_votes(self, which: int, person: Person, approve: bool) -> None:
        """Also on what is answered already, and also people who may not."""
        self.control.vote(person.id, pick(sorted(self.seen), which), approve)

    @precondition(lambda self: any(a.is_open for a in self.seen.values()))
    @rule(which=ANY, people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4))
    def several_agree(self, which: int, people: list[Person]) -> None:
        name = pick(sorted(a.id for a in self.seen.values() if a.is_open), which)
        for person in people:
            self.control.vote(person.id, name, True)

    @rule(disturbance=DISTURBANCES)
    def meanwhile(self, disturbance: Callable[[Approvals], None]) -> None:
        """One rule, so that what goes on is not drowned by what disturbs it."""
        disturbance(self)

    def somebody_changes(self, person: Person) -> None:
        self.control.change(person)

    def a_rule_changes(self, digest: str, verdict: Verdict) -> None:
        before = self.verdicts[self.control.version]
        self.control.publish()
        self.verdicts[self.control.version] = {**before, digest: verdict}

    def the_kill_switch(self, agent: str, on: bool) -> None:
        before = self.verdicts[self.control.version]
        (self.control.throw if on else self.control.release)(agent)
        self.verdicts[self.control.version] = before

    def time_passes(self, seconds: int) -> None:
        self.control.pass_time(seconds)

    def the_control_plane_restarts(self) -> None:
        self.control.restart()

    @rule()
    def what_is_over_ends(self) -> None:
        """The control plane's own job, which may come late."""
        self.control.expire()

    # --- the promises

    @precondition(lambda self: any(a.status is Status.APPROVED for a in self.seen.values()))
    @rule(which=ANY, proxy=st.integers(0, 1))
    def an_answer_is_there_for_who_comes_back(self, which: int, proxy: int) -> None:
        """An approval that was given and not spent can be had by the same request, sent once more."""
        given = pick(sorted(a.id for a in self.seen.values() if a.status is Status.APPROVED), which)
        approval = self.seen[given]
        if self.control.now >= approval.expires_at:
            return
        home = self.proxies[proxy]
        home.version = self.control.version
        requirement = self.verdicts[home.version][approval.digest]
        if requirement is None or approval.agent in self.control.killed:
            return
        request = self.new_request(proxy, approval.agent, approval.digest)
        self.hear(request, self.control.raise_(home.name, request.raising(requirement, home.version)))
        assert request.approval == given
        assert request.stage is Stage.WAITING
        judged = self.control.approvals()[given]
        self.deliver(self.taking(request), heard=True)
        assert (request.stage is Stage.SENT) == (judged.status is Status.APPROVED)

    @invariant()
    def every_step_is_one_of_the_drawing(self) -> None:
        now = self.control.approvals()
        for name, approval in now.items():
            before = self.seen.get(name)
            if before is None or before.status is approval.status:
                continue
            assert approval.status in FOLLOWING.get(before.status, set()), (before.status, approval.status)
            if before.taken is not None:
                assert approval.taken == before.taken
        assert self.seen.keys() <= now.keys(), "an approval was forgotten"
        self.seen = now

    @invariant()
    def whoever_waits_for_what_is_given_was_told(self) -> None:
        for proxy in self.proxies:
            told = self.control.told(proxy.name)
            for request in proxy.alive(Stage.WAITING):
                approval = self.seen.get(request.approval)
                if approval is None or approval.status is not Status.APPROVED:
                    continue
                if any(request.id == asker.request for asker in approval.waiting):
                    assert request.told or request.approval in told, "an answer was lost"

    @invariant()
    def two_gateways_never_share_an_approval(self) -> None:
        for proxy in self.proxies:
            for request in proxy.requests:
                approval = self.seen.get(request.approval)
                assert approval is None or (approval.agent, approval.digest) == (request.agent, request.digest)

    @invariant()
    def at_most_one_is_open_for_one_thing(self) -> None:
        things = [(a.gateway, a.agent, a.digest) for a in self.seen.values() if a.is_open]
        assert len(things) == len(set(things))

    def teardown(self) -> None:
        """Nobody waits for ever: when time has passed nothing is open."""
        self.control.pass_time(100_000)
        self.control.expire()
        assert not [a for a in self.control.approvals().values() if a.is_open]
        self.control.close()


def pick(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


def enough(part: Requirement, agreed: list[Person]) -> bool:
    """Whether those who agreed are enough for one rule; distinct people are tried in every order."""
    if not part.groups:
        return len(agreed) >= part.quorum
    if not part.distinct:
        return all(sum(group in person.groups for person in agreed) >= part.quorum for group in part.groups)
    seats = [group for group in part.groups for _ in range(part.quorum)]
    return any(
        all(seat in person.groups for seat, person in zip(seats, order, strict=True))
        for order in permutations(agreed, len(seats))
    )
