"""The decorator: what it asks, and that nothing runs unless the answer is yes."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.sdk.scripted import Scripted, decided, fault, run, used_up

from tameflare.sdk import ActionChanged, ApprovalRequired, ConfigurationError, Denied, Unavailable


def test_a_function_runs_once_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, decided(), used_up())

    @server.client.guard("email.send", resource={"system": "mail"})
    def send(to: str, subject: str = "hello", *copies: str, urgent: bool = False, **headers: str) -> str:
        """Sends."""
        return f"sent to {to}"

    assert send("a@b.test", "hi", "c@d.test", urgent=True, x="y") == "sent to a@b.test"
    parameters = {"to": "a@b.test", "subject": "hi", "copies": ["c@d.test"], "urgent": True, "x": "y"}
    action = {"type": "email.send", "resource": {"system": "mail"}, "parameters": parameters}
    assert server.bodies == [action, {"decision_token": "token-canary", "action": action}]
    assert (send.__name__, send.__doc__, next(iter(inspect.signature(send).parameters))) == ("send", "Sends.", "to")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([decided("denied")], Denied),
        ([decided("pending_approval")], ApprovalRequired),
        ([fault(500)] * 4, Unavailable),
        ([decided(), fault(409, "token_used")], ActionChanged),
        ([decided(decision_token=None)], ActionChanged),
    ],
)
def test_nothing_runs_otherwise(monkeypatch: pytest.MonkeyPatch, answers: list[Any], kind: type[Exception]) -> None:
    server, ran = Scripted(monkeypatch, *answers), []

    @server.client.guard("email.send")
    def send() -> None:
        ran.append(True)

    with pytest.raises(kind):
        send()
    assert not ran


def test_a_call_that_does_not_fit_the_function_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch)

    @server.client.guard("email.send")
    def send(to: str) -> None: ...

    with pytest.raises(TypeError, match="missing a required argument"):
        send()  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="sent as JSON"):
        send(object())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="sent as JSON"):
        send(float("nan"))  # type: ignore[arg-type]
    assert not server.seen


def test_parameters_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, *[decided()] * 2)

    class Mailer:
        @server.client.guard("email.send", parameters=["to"], resource=lambda a: {"domain": a["to"]}, verify=False)
        def send(self, to: str, body: object) -> str:
            return to

        @server.client.guard("email.send", parameters=lambda a: {"size": len(a["body"])}, verify=False)
        def store(self, body: str) -> str:
            return body

    assert Mailer().send("b.test", object()) == "b.test"
    assert Mailer().store("xyz") == "xyz"
    assert [body["parameters"] for body in server.bodies] == [{"to": "b.test"}, {"size": 3}]
    assert server.bodies[0]["resource"] == {"domain": "b.test"}


def test_a_decorator_that_cannot_work_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch)
    with pytest.raises(ConfigurationError, match="no argument `too`"):
        server.client.guard("email.send", parameters=["too"])(lambda to: to)
    with pytest.raises(ConfigurationError, match="list of names"):
        server.client.guard("email.send", parameters="to")(lambda to: to)
    with pytest.raises(ConfigurationError, match="not awaited"):
        server.asynchronous().guard("email.send")(lambda to: to)


def test_people_are_waited_for_if_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = decided("pending_approval", approval={"id": "apr_1", "required_approver_groups": ["ops"]})
    server = Scripted(monkeypatch, pending, pending, decided("approved"), used_up())

    @server.client.guard("email.send", wait=True)
    def send() -> str:
        return "sent"

    assert send() == "sent"
    assert [request.method for request in server.seen] == ["POST", "GET", "GET", "POST"]
    assert server.seen[1].url.params["wait"] == "25.000"


def test_what_changed_while_people_were_asked_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    server, ran = Scripted(monkeypatch, decided("pending_approval"), decided("approved")), []
    mail = {"to": "a@b.test"}
    monkeypatch.setattr(server.client, "request_action", _then(server.client.request_action, mail))

    @server.client.guard("email.send", wait=True)
    def send(mail: dict[str, str]) -> None:
        ran.append(mail)

    with pytest.raises(ActionChanged, match="was changed"):
        send(mail)
    assert not ran


def _then(ask: Any, mail: dict[str, str]) -> Any:
    """Somebody changes the argument during the wait."""

    def asked(*args: Any, **more: Any) -> Any:
        found = ask(*args, **more)
        mail["to"] = "mallory@b.test"
        return found

    return asked


def test_a_refusal_may_be_told_in_place_of_being_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted(monkeypatch, decided("denied"), decided(), used_up())

    @server.client.guard("email.send", otherwise=lambda fault: f"not sent: {fault.message}")
    def send() -> str:
        raise RuntimeError("of the function itself")

    assert send() == "not sent: it is denied"
    with pytest.raises(RuntimeError, match="of the function itself"):
        send()


def test_functions_that_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [answer() for answer in [decided, used_up] * 3]
    server = Scripted(monkeypatch, *answers, decided("denied"))
    client = server.asynchronous()

    @client.guard("email.send")
    async def send(to: str) -> str:
        return to

    @client.guard("email.send")
    async def stream(to: str) -> AsyncIterator[str]:
        yield to

    @server.client.guard("email.send")
    async def by_the_synchronous_client(to: str) -> str:
        return to

    async def work() -> list[str]:
        found = [await send("a"), *[item async for item in stream("b")], await by_the_synchronous_client("c")]
        with pytest.raises(Denied):
            await send("d")
        return found

    assert run(work) == ["a", "b", "c"]
    assert inspect.iscoroutinefunction(send)
    assert inspect.isasyncgenfunction(stream)
