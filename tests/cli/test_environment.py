from __future__ import annotations

from pathlib import Path

import pytest

from tameflare.cli.bundle import bundle_text
from tameflare.cli.environment import BUNDLE_VARIABLES, PROXY_VARIABLES, ChildEnvironment, child_environment, is_removed
from tameflare.cli.ordinary import Reader
from tameflare.connectors.placeholders import bound_to

PROXY = "http://tfr_abc:@127.0.0.1:8443"


def made(parent: dict[str, str], **options: object) -> ChildEnvironment:
    arguments: dict[str, object] = {"connectors": [], **options}
    return child_environment(parent, proxy_url=PROXY, bundle="/b.pem", **arguments)  # type: ignore[arg-type]


def test_every_proxy_and_certificate_variable_is_set() -> None:
    child = made({"PATH": "/bin"}).variables
    assert {child[name] for name in PROXY_VARIABLES} == {PROXY}
    assert {child[name] for name in BUNDLE_VARIABLES} == {"/b.pem"}
    assert child["NODE_USE_ENV_PROXY"] == "1"
    assert child["PATH"] == "/bin"


def test_where_nothing_but_the_proxy_is_reached_decisions_are_asked_for_there() -> None:
    parent = {"TF_SERVER_URL": "http://127.0.0.1:3000", "TF_AGENT_KEY": "tf_live_x"}
    assert made(parent, only_way=True).variables["TF_SERVER_URL"] == "http://127.0.0.1:8443"
    assert made(parent).variables["TF_SERVER_URL"] == parent["TF_SERVER_URL"]
    without = {"TF_SERVER_URL": "http://127.0.0.1:3000"}
    assert made(without, only_way=True).variables["TF_SERVER_URL"] == without["TF_SERVER_URL"], "it asks for none"


def test_ways_round_the_proxy_are_closed() -> None:
    child = made({"ALL_PROXY": "x", "all_proxy": "x", "NO_PROXY": "*", "no_proxy": "*"}).variables
    assert not {"ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"} & child.keys()


def test_hosts_that_the_user_names_are_reached_directly() -> None:
    child = made({"NO_PROXY": "*"}, no_proxy=["a.internal", "b.internal"]).variables
    assert child["NO_PROXY"] == child["no_proxy"] == "a.internal,b.internal"


@pytest.mark.parametrize(
    "name",
    [
        "DASHBOARD_PASSWORD",
        "DATABASE_URL",
        "SETTINGS_ENCRYPTION_KEY",
        "SIGNING_KEY_PRIVATE",
        "SLACK_SIGNING_SECRET",
        "TF_DATA_DIR",
        "TF_GATEWAY_TOKEN",
        "TF_LINK_TOKEN",
        "TF_LISTEN_FD",
        "TF_TOKEN",
        "TURSO_AUTH_TOKEN",
    ],
)
def test_our_own_secrets_are_taken_out(name: str) -> None:
    assert name not in made({name: "s3cret"}).variables


@pytest.mark.parametrize(
    "name", ["TF_SERVER_URL", "TF_AGENT_KEY", "TF_VAR_region", "TF_CPP_MIN_LOG_LEVEL", "TFLAGS", "HOME"]
)
def test_harmless_variables_stay(name: str) -> None:
    assert not is_removed(name)


def test_a_variable_can_be_kept_by_name() -> None:
    assert made({"DATABASE_URL": "postgres://app"}, keep=["DATABASE_URL"]).variables["DATABASE_URL"] == "postgres://app"


def test_a_real_key_gives_way_to_a_placeholder_and_that_is_told() -> None:
    child = made({"OPENAI_API_KEY": "sk-real"}, connectors=[("openai", "openai")])
    assert bound_to(child.variables["OPENAI_API_KEY"]) == "openai"
    assert child.replaced == ("OPENAI_API_KEY",)


def test_a_placeholder_of_an_outer_run_is_no_real_key() -> None:
    outer = made({}, connectors=[("openai", "openai")]).variables
    assert made(outer, connectors=[("openai", "openai")]).replaced == ()


def test_of_two_instances_the_one_named_like_its_type_gets_the_variable() -> None:
    child = made({}, connectors=[("azure", "openai"), ("openai", "openai")])
    assert bound_to(child.variables["OPENAI_API_KEY"]) == "openai"


def test_the_bundle_has_our_authority_first_then_the_systems_and_the_users(tmp_path: Path) -> None:
    own = tmp_path / "corporate.pem"
    own.write_text("CORPORATE\n")
    text = bundle_text("OURS\n", {"REQUESTS_CA_BUNDLE": str(own), "CURL_CA_BUNDLE": "/missing.pem"}, Reader([]))
    assert text.startswith("OURS\n")
    assert text.count("BEGIN CERTIFICATE") > 50
    assert text.rstrip().endswith("CORPORATE")
