"""The proxy's holds, the very code that runs, against the state machine of approvals over a bad network."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.model.approvals import ANY, DIGESTS, REQUIREMENTS, pick
from tests.model.control import AGENTS, PEOPLE, PureControl
from tests.model.proxies import Request as Sketch

from tameflare.core import approval_states as states
from tameflare.core.approval import Requirement
from tameflare.core.approval_states import Approval, Status
from tameflare.core.decision import Reason
from tameflare.link.approvals import Answer, Consume, Leave, Raise, Standing
from tameflare.link.messages import ApprovalAnswered
from tameflare.proxy.hold import Hold, Judged, Later, Need, Reply
from tameflare.proxy.holds import Holds
from tameflare.proxy.refusal import Refusal

WAIT = 300.0
DENY, ALLOW = "deny", "allow"
Ruling = Requirement | str
RULINGS = (*REQUIREMENTS, DENY, ALLOW)


class TellingControl(PureControl):
    """Says on the feed of each waiting proxy how an approval was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.feeds: dict[str, list[ApprovalAnswered]] = {}

    def _put(self, changed: Approval) -> None:
        before = self._approvals[changed.id]
        super()._put(changed)
        verdict = states.told(before, changed)
        if verdict is None:
            return
        answer = ApprovalAnswered(changed.id, verdict, changed.reason, changed.message, self.version)
        for proxy in states.waiting_proxies(changed):
            self.feeds.setdefault(proxy, []).append(answer)


@dataclass
class Question:
    """On its way to the control plane, with the one who waits for the answer."""

    proxy: ProxyDouble
    body: Raise | Consume | Leave
    approval: str
    reply: Reply | None


class ProxyDouble:
    """The process around the holds: what it serves, what it hears, and its way to the control plane."""

    def __init__(self, name: str, life: int, model: HoldsModel) -> None:
        self.name = name
        self.life = life
        self.model = model
        self.version = model.control.version
        self.holds = Holds(self, f"{name}-life-{life}", lambda: self.version, lambda: model.clock, WAIT)
        self.requests: list[HeldDouble] = []

    def raise_(self, question: Raise, reply: Reply) -> None:
        self.model.network.append(Question(self, question, "", reply))

    def consume(self, approval: str, question: Consume, reply: Reply) -> None:
        self.model.network.append(Question(self, question, approval, reply))

    def leave(self, approval: str, message: Leave) -> None:
        self.model.network.append(Question(self, message, approval, None))


@dataclass
class HeldDouble:
    """A request and its connection. `slow`: judging it again takes its time. `ends` is what became of it: let go for
    an approval, or refused."""

    proxy: ProxyDouble
    agent: str
    digest: str
    ids: list[str]
    slow: bool = False
    hold: Hold | None = None
    gone: bool = False
    ends: list[str | Refusal] = field(default_factory=list)

    def need(self) -> Need | Refusal | None:
        ruling = self.proxy.model.rulings[self.proxy.version][self.digest]
        if ruling == ALLOW:
            return None
        if not isinstance(ruling, Requirement):
            return Refusal(Reason.RULE_DENY, "denied by a rule")
        sketch = Sketch(self.ids[-1], 0, self.proxy.holds.epoch, self.agent, self.digest)
        return Need(sketch.raising(ruling, self.proxy.version).held, ruling, self.proxy.version)

    def judge_again(self) -> Judged:
        """A slow one must ask somebody first, and is judged by what holds then."""
        assert not self.gone, "judged for nobody"
        return Later.LATER if self.slow else self.need()

    def let_go(self, approval: str) -> None:
        assert not self.gone, "sent for nobody"
        assert not self.ends, "ended twice"
        self.ends.append(approval)
        self.proxy.model.sent(self, approval)

    def refuse(self, refusal: Refusal) -> None:
        assert not self.gone, "answered to nobody"
        assert not self.ends, "ended twice"
        self.ends.append(refusal)

    def renew(self) -> str:
        self.ids.append(self.proxy.model.new_id())
        return self.ids[-1]


class HoldsModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.control = TellingControl()
        self.clock = 0.0
        self.network: list[Question] = []
        self.answers: list[tuple[Question, Answer | None]] = []
        self.rulings: dict[int, dict[str, Ruling]] = {1: dict.fromkeys(DIGESTS, Requirement())}
        self.count = 0
        self.proxies = [ProxyDouble("prx_0", 0, self), ProxyDouble("prx_1", 0, self)]
        self.went: dict[str, HeldDouble] = {}

    def new_id(self) -> str:
        self.count += 1
        return f"req_{self.count}"

    # --- agents

    @rule(
        proxy=st.integers(0, 1),
        agent=st.sampled_from(sorted(AGENTS)),
        digest=st.sampled_from(DIGESTS),
        slow=st.booleans(),
    )
    def a_request_is_held(self, proxy: int, agent: str, digest: str, slow: bool = False) -> None:
        home = self.proxies[proxy]
        request = HeldDouble(home, agent, digest, [self.new_id()], slow)
        need = request.need()
        if isinstance(need, Need):
            home.requests.append(request)
            request.hold = home.holds.begin(request, request.ids[0], need, [(request.ids[0],)])

    @rule(
        proxy=st.integers(0, 1),
        agent=st.sampled_from(sorted(AGENTS)),
        digest=st.sampled_from(DIGESTS),
        far=st.integers(1, 4),
        late=st.booleans(),
        ruling=st.one_of(st.none(), st.sampled_from(RULINGS)),
    )
    def it_goes_well(self, proxy: int, agent: str, digest: str, far: int, late: bool, ruling: Ruling | None) -> None:
        """Held, raised, answered, told, taken: as far as that, perhaps with a late answer or a changed rule between."""
        home = self.proxies[proxy]
        before = len(self.network)
        self.a_request_is_held(proxy, agent, digest)
        if len(self.network) == before:
            return
        raised = self.network.pop()
        answer = self.ask(raised)
        if not late:
            self.reply(raised, answer)
        if far > 1 and answer is not None and answer.approval:
            for person in PEOPLE:
                self.control.vote(person.id, answer.approval, True)
        if ruling is not None:
            self.a_rule_changes(digest, ruling)
        for message in self.control.feeds.get(home.name, []) if far > 2 else []:
            home.holds.answered(message)
        if late:
            self.reply(raised, answer)
        if far > 2:
            self.a_proxy_applies_the_newest(proxy)
        while far > 3 and len(self.network) > before:
            question = self.network.pop()
            self.reply(question, self.ask(question))

    @precondition(lambda self: self.waiting())
    @rule(which=ANY)
    def a_client_vanishes(self, which: int) -> None:
        request = pick(self.waiting(), which)
        request.gone = True
        assert request.hold is not None
        request.hold.leave(Reason.CLIENT_CLOSED)

    @precondition(lambda self: self.waiting())
    @rule(which=ANY)
    def a_client_calls_off(self, which: int) -> None:
        """Its connection stands, and is answered."""
        request = pick(self.waiting(), which)
        request.proxy.holds.call_off((request.ids[0],))
        assert isinstance(request.ends[0], Refusal)
        request.proxy.holds.call_off((request.ids[0],))

    @precondition(lambda self: self.judging())
    @rule(which=ANY)
    def a_slow_judgement_is_there(self, which: int) -> None:
        self.judge(pick(self.judging(), which))

    def judge(self, request: HeldDouble) -> None:
        assert request.hold is not None
        event("judged later")
        request.hold.judged(request.need())

    def judging(self) -> list[HeldDouble]:
        return [r for r in self.waiting() if r.hold is not None and r.hold.judges]

    def waiting(self) -> list[HeldDouble]:
        return [r for proxy in self.proxies for r in proxy.requests if not r.gone and not r.ends]

    # --- the network and the feed

    @precondition(lambda self: self.network)
    @rule(which=ANY, fate=st.sampled_from(["answered", "answered", "answered later", "answer is lost", "is lost"]))
    def a_question(self, which: int, fate: str) -> None:
        question = pick(self.network, which)
        self.network.remove(question)
        answer = self.ask(question) if fate != "is lost" else None
        if fate == "answered later":
            self.answers.append((question, answer))
        else:
            self.reply(question, answer if fate == "answered" else None)

    @precondition(lambda self: self.answers)
    @rule(which=ANY)
    def an_answer_arrives(self, which: int) -> None:
        answer = pick(self.answers, which)
        self.answers.remove(answer)
        self.reply(*answer)

    def reply(self, question: Question, answer: Answer | None) -> None:
        if question.reply is not None and question.proxy in self.proxies:
            question.reply(answer)

    def ask(self, question: Question) -> Answer | None:
        name, body = question.proxy.name, question.body
        if isinstance(body, Raise):
            return self.control.raise_(name, body)
        if isinstance(body, Leave):
            self.control.leave(name, question.approval, body)
            return None
        before = self.control.approvals()[question.approval]
        answer = self.control.consume(name, question.approval, body)
        if answer.standing is Standing.RELEASED and before.taken is None:
            assert body.configuration == self.control.version, "released by a verdict of an older configuration"
        if answer.standing is Standing.REFUSED and before.taken is not None:
            return Answer(question.approval, Standing.REFUSED, reason=Reason.APPROVAL_SPENT)
        return answer

    @rule(proxy=st.integers(0, 1), which=ANY, keep=st.booleans())
    def the_feed_tells(self, proxy: int, which: int, keep: bool) -> None:
        """In any order, and again."""
        waiting = self.control.feeds.get(self.proxies[proxy].name, [])
        if waiting:
            message = pick(waiting, which)
            if not keep:
                waiting.remove(message)
            self.proxies[proxy].holds.answered(message)

    @rule(proxy=st.integers(0, 1))
    def a_proxy_applies_the_newest(self, proxy: int) -> None:
        self.proxies[proxy].version = self.control.version
        self.proxies[proxy].holds.applied()

    @rule(proxy=st.integers(0, 1))
    def a_proxy_restarts(self, proxy: int) -> None:
        old = self.proxies[proxy]
        self.control.feeds.pop(old.name, None)
        self.proxies[proxy] = ProxyDouble(old.name, old.life + 1, self)

    # --- people and time

    @precondition(lambda self: any(one.is_open for one in self.control.approvals().values()))
    @rule(which=ANY, approve=st.sampled_from([True, True, True, False]))
    def people_answer(self, which: int, approve: bool) -> None:
        name = pick(sorted(one.id for one in self.control.approvals().values() if one.is_open), which)
        for person in PEOPLE if approve else PEOPLE[:1]:
            self.control.vote(person.id, name, approve)

    @rule(digest=st.sampled_from(DIGESTS), ruling=st.sampled_from(RULINGS))
    def a_rule_changes(self, digest: str, ruling: Ruling) -> None:
        before = self.rulings[self.control.version]
        self.control.publish()
        self.rulings[self.control.version] = {**before, digest: ruling}

    @rule(seconds=st.sampled_from([1, 2, 60, 296]))
    def time_passes(self, seconds: int) -> None:
        self.clock += seconds
        self.control.pass_time(seconds)
        self.control.expire()
        self.sweep()

    def sweep(self) -> None:
        for proxy in self.proxies:
            proxy.holds.sweep(self.clock)

    # --- the promises

    def sent(self, request: HeldDouble, approval: str) -> None:
        if not approval:
            assert self.rulings[request.proxy.version][request.digest] == ALLOW, "sent without an approval"
            return
        assert approval not in self.went, "one approval let two requests go"
        self.went[approval] = request
        event("an approval let a request go")
        taken = self.control.approvals()[approval].taken
        assert taken is not None
        assert (taken.proxy, taken.request) == (request.proxy.name, request.ids[-1]), "sent for another's approval"

    @invariant()
    def who_ended_is_forgotten(self) -> None:
        for proxy in self.proxies:
            assert len(proxy.holds) == sum(not r.gone and not r.ends for r in proxy.requests)

    def teardown(self) -> None:
        """When the network works again, whoever waits for what was given goes; and nobody waits for ever."""
        self.settle()
        for request in self.waiting():
            assert request.hold is not None
            approval = self.control.approvals().get(request.hold.approval)
            assert approval is not None
            assert approval.status is Status.PENDING, "an answer was lost"
        for _ in range(4):
            self.clock += WAIT
            self.sweep()
            self.settle()
        assert not self.waiting(), "somebody waits for ever"

    def settle(self) -> None:
        """Everything under way arrives, until nothing is; a few seconds pass for what is asked again."""
        for _ in range(200):
            for proxy in self.proxies:
                proxy.version = self.control.version
                proxy.holds.applied()
                for message in self.control.feeds.pop(proxy.name, []):
                    proxy.holds.answered(message)
            for request in self.judging():
                self.judge(request)
            if not (self.network or self.answers or self.control.feeds):
                self.clock += 1.5
                self.sweep()
                if not self.network:
                    return
            while self.network or self.answers:
                question, answer = self.answers.pop(0) if self.answers else (self.network.pop(0), None)
                self.reply(question, answer or self.ask(question))
        raise AssertionError("it never settles")


HoldsModel.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestHolds = HoldsModel.TestCase
