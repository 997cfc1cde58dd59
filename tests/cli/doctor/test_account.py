"""What `tf doctor` finds amiss with a project, its gateway and its keys: it names the mistake and its mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.doctor.looking import Found, says
from tests.cli.doctor.pages import healthy
from tests.cli.doubles import LINE, FakeProxy


def test_a_token_that_the_proxy_refuses(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.refusals = [(407, {"code": "proxy_auth_required", "message": "x"})]
    assert says(doctor()["gateway"], "the proxy does not accept this gateway's token", "tf init")


def test_a_token_of_another_gateway(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.line = json.dumps(LINE | {"gateway": "another"}).encode() + b"\n"
    assert says(doctor()["gateway"], "the token in use is of gateway `another`, not of `my-agent`", "TF_GATEWAY_TOKEN")


@pytest.mark.parametrize(
    ("level", "passes"), [("monitor", "everything passes"), ("soft_enforce", "what no rule names")]
)
def test_a_gateway_that_only_watches(set_up: FakeProxy, doctor: Callable[..., Found], level: str, passes: str) -> None:
    set_up.counts = json.loads(healthy(levels={"my-agent": level}))
    assert says(doctor()["level"], f"gateway `my-agent` is at level {level}: {passes}", "full_enforce")


def test_a_local_kill_switch(set_up: FakeProxy, doctor: Callable[..., Found]) -> None:
    set_up.counts = json.loads(healthy(local_kill_switches=["all"]))
    assert says(doctor()["kill switch"], "a local kill switch is on for all", "off --local --scope all")


def test_a_key_without_its_connector(
    set_up: FakeProxy, doctor: Callable[..., Found], shell: Callable[..., None]
) -> None:
    shell(STRIPE_API_KEY="sk_live_canary", OPENAI_API_KEY="sk-tameflare_azure_placeholder")
    found = doctor()["keys"]
    assert says(found, "STRIPE_API_KEY is set, but gateway `my-agent` has no connector of type `stripe`", "add stripe")
    assert says(found, "OPENAI_API_KEY holds the placeholder of connector `azure`", "--name azure")
    assert "canary" not in json.dumps(found)


def test_a_project_that_others_can_read(doctor: Callable[..., Found], set_up: FakeProxy, home: Path) -> None:
    (home / "my-agent" / ".tf").chmod(0o755)
    assert says(doctor()["project"], "is not private to you", "chmod 700")
    (home / "my-agent" / ".tf").chmod(0o700)
    (home / "my-agent" / ".tf" / "config.yaml").chmod(0o644)
    assert says(doctor()["project"], "config.yaml` is open to others", "chmod 600")
