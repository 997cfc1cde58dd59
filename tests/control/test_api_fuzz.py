"""The whole OpenAPI document, by Schemathesis, against the real server: whatever is sent, no route crashes, and every
answer is one that the document promises. `TF_FUZZ_EXAMPLES=200` tries more of each operation (`make fuzz-api`)."""

from __future__ import annotations

import os
import warnings
from typing import Any, Final

import httpx
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.control.running import GATEWAYS, Running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import APIOperation, Case, GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks

EXAMPLES: Final = int(os.environ.get("TF_FUZZ_EXAMPLES", "3"))
SEED: Final = int(os.environ.get("TF_FUZZ_SEED", "1"))
CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
SLOW: Final = {"/api/dashboard/register", "/api/dashboard/login", "/api/dashboard/tokens"}
"""Throttled after a few tries, and each try hashes a password: test_people.py and test_throttle.py have them."""
THERE: Final = {"gateway": "main", "connector": "github", "agent": "default"}
"""What exists, so that not every path ends in 404."""


def send(case: Case, session: requests.Session, headers: dict[str, str], names: bool) -> None:
    if names and case.operation.label != f"DELETE {GATEWAYS}/{{gateway}}":
        case.path_parameters.update({name: value for name, value in THERE.items() if name in case.path_parameters})
    if "wait" in (case.query or {}) and str(case.query["wait"]).replace(".", "").isdecimal():
        case.query["wait"] = 0
    case.validate_response(case.call(session=session, headers=headers, timeout=20), checks=CHECKS)


def fuzz(
    operation: APIOperation[Any, Any, Any], mode: GenerationMode, session: requests.Session, tokens: dict[str, str]
) -> None:
    """A few requests of one operation, as the document has them or against it. Raises what the checks find."""
    schemes = [name for choice in operation.definition.raw.get("security", []) for name in choice]
    token = tokens[schemes[0] if schemes else "personal_token"]

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate] if EXAMPLES < 20 else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), names=st.booleans())
    def attempt(case: Case, names: bool) -> None:
        send(case, session, {"Authorization": f"Bearer {token}"}, names)

    attempt()


def can_be_wrong(operation: APIOperation[Any, Any, Any]) -> bool:
    """What takes only names in its path can only be given other names."""
    return bool(list(operation.body) or list(operation.query) or list(operation.headers))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("quiet")
def test_every_operation_answers_as_the_document_says(server: Running, owner: httpx.Client) -> None:
    owner.post(GATEWAYS, json={"name": "main"})
    owner.post(f"{GATEWAYS}/main/connectors", json={"type": "github"})
    tokens = {
        "personal_token": owner.headers["Authorization"].removeprefix("Bearer "),
        "agent_key": owner.post(f"{GATEWAYS}/main/agents/default/keys", json={}).json()["key"],
    }
    schema = schemathesis.openapi.from_dict(owner.get("/api/openapi.json").json())
    schema.config.update(base_url=server.url)
    schema.config.generation.update(with_security_parameters=False)
    found = [operation.ok() for operation in schema.get_all_operations()]
    assert len(found) > 40
    faults = []
    with requests.Session() as session:
        session.trust_env = False
        for operation in found:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if operation.path in SLOW or (mode is GenerationMode.NEGATIVE and not can_be_wrong(operation)):
                    continue
                try:
                    fuzz(operation, mode, session, tokens)
                except FailureGroup as fault:
                    faults.append(f"{operation.label} ({mode.value}): {fault}")
    assert not faults, "\n\n".join(faults)
