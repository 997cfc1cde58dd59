"""The SDK in a governed program: it asks, and has the gateway do it with a credential that it never sees."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.support.product import GATEWAY, RUN_TIMEOUT, Governed

from tameflare.cli.isolating import available
from tameflare.demo.privileges import unprivileged

PROGRAM = """
import json
from tameflare.sdk import Client, Denied

with Client() as client:
    repo = {"owner": "acme", "repo": "site"}
    asked = client.request_action("github.issue.create", resource=repo, parameters={"title": "by the SDK"})
    done = client.execute(asked)
    try:
        client.request_action("github.pr.merge", resource=repo, parameters={"pull_number": 1})
    except Denied as denied:
        said = denied.code
    print(json.dumps({"status": done.status, "outcome": dict(done.outcome), "denied": said}))
"""


@pytest.fixture(scope="module")
def key(governed: Governed) -> str:
    made = governed.product.api("POST", f"/api/dashboard/gateways/{GATEWAY}/agents/default/keys", {})
    return str(made["key"])


def program(governed: Governed, key: str, *options: str) -> dict[str, object]:
    command = governed.product.tf_run([sys.executable, "-c", PROGRAM], *options)
    if options:
        command = command[len(unprivileged()) :]  # root isolates with the capabilities that it has
    environment = governed.product.environment() | {"TF_AGENT_KEY": key, "TF_SERVER_URL": governed.product.server}
    done = subprocess.run(
        command,
        env=environment,
        cwd=governed.product.project,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_an_action_is_asked_for_and_carried_out(governed: Governed, key: str) -> None:
    with governed.upstream("api.github.com") as reached:
        found = program(governed, key)
        assert reached() == ["POST /repos/acme/site/issues"]
    assert (found["status"], found["denied"]) == ("executed", "rule_deny")


def test_also_where_nothing_but_the_proxy_is_reached(governed: Governed, key: str) -> None:
    if missing := available():
        pytest.skip(f"no isolation here: {missing}")
    with governed.upstream("api.github.com") as reached:
        found = program(governed, key, "--isolate")
        assert reached() == ["POST /repos/acme/site/issues"]
    assert (found["status"], found["denied"]) == ("executed", "rule_deny")
