"""A policy that an upgrade broke denies its scope and nothing else, and everybody is told."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update
from structlog.testing import capture_logs
from tests.control.running import GATEWAYS, Running, running
from tests.control.test_configuration import opened

from tameflare.control.store import meta
from tameflare.control.store.engine import Connection
from tameflare.control.store.policies_schema import policy_versions
from tameflare.core.action import Action
from tameflare.core.decision import Reason, Verdict
from tameflare.core.policy.compile import PolicySet, compile_set
from tameflare.core.policy.facts import Circumstances, Facts

POLICIES = "/api/dashboard/policies"
SOURCE = "name: pulls\nscope: {action_types: ['github.pr.*']}\nrules: [{name: r, decision: deny}]\n"


def break_in_store(server: Running, values: dict[str, object]) -> None:
    """As a version would that reads policies differently."""

    def work(connection: Connection) -> None:
        connection.execute(update(policy_versions).values(**values))
        meta.bump(connection, 0)

    server.services.database.write_now(work)
    server.clock.now += 1


def verdict(policies: PolicySet, action_type: str) -> tuple[Verdict | None, Reason] | None:
    """What the policies say of an action; None where they say nothing."""
    found = policies.candidates("main", "github", "default", "production", action_type)
    if found is None:
        return None
    said = found.judge(Facts(Action(action_type), "agt", "default", "production", "main", "github", Circumstances(0)))
    return said.verdict, said.reason


def test_a_policy_that_no_longer_compiles_denies_its_scope(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        owner.post(GATEWAYS, json={"name": "main"})
        assert owner.put(f"{POLICIES}/pulls", json={"source": SOURCE}).status_code == 200
        assert owner.get("/api/health").json()["warnings"] == []
        with capture_logs() as logs:
            break_in_store(server, {"source": "name: pulls\nrules: [{name: r, decision: refuse}]\n"})
            (warning,) = owner.get("/api/health").json()["warnings"]
            owner.get("/api/health")
        assert warning.startswith("policy `pulls` no longer compiles, so that its whole scope is denied: 2:")
        assert [line["policy"] for line in logs if line["event"] == "policy_unreadable"] == ["pulls"]
        link = owner.post("/api/dashboard/proxies", json={"name": "edge"}).json()["token"]
        configuration, _ = opened(server, link)
        compiled = compile_set(configuration.policies, configuration.timezone)
        assert (verdict(compiled, "github.pr.merge"), verdict(compiled, "github.issue.create")) == (
            (Verdict.DENY, Reason.ENGINE_ERROR),
            None,
        )
        break_in_store(server, {"scope": None})
        configuration, _ = opened(server, link)
        compiled = compile_set(configuration.policies, configuration.timezone)
        assert verdict(compiled, "github.issue.create") == (Verdict.DENY, Reason.ENGINE_ERROR)
        owner.put(f"{POLICIES}/pulls", json={"source": SOURCE})
        assert owner.get("/api/health").json()["warnings"] == []
