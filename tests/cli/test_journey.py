"""From nothing to a governed run, by the command line alone: real server, real proxy, doubles of the vendors."""

from __future__ import annotations

import json
import re
import select
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cli.installation import PASSWORD, Person, person
from tests.support.doubles import Vendors

from tameflare.cli.platforms import PLATFORMS

MODELS = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "https://api.openai.com/v1/models")
CHAT = ("curl", "-sS", "https://api.openai.com/v1/chat/completions", "--json", '{"model":"m","messages":[]}')


def test_the_log_in_is_private_and_the_gateway_is_named_like_the_directory(owner: Person) -> None:
    stored = owner.home / ".config" / "tameflare" / "login.json"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE((owner.project / ".tf").stat().st_mode) == 0o700
    assert "BEGIN CERTIFICATE" in (owner.project / ".tf" / "ca.pem").read_text()
    assert [gateway["name"] for gateway in owner.json("status")["gateways"]] == ["my-agent"]


def test_an_unchanged_program_reaches_its_vendor_without_a_key(owner: Person, vendors: Vendors) -> None:
    mark = len(vendors.ledger)
    ended = owner.tf("run", "--", *MODELS)
    assert (ended.returncode, ended.stdout) == (0, "200")
    assert ended.stderr.endswith("tameflare: 1 allowed, 0 denied, 0 held\n")
    assert [seen.path for seen in vendors.ledger.since(mark)] == ["/v1/models"]


def test_a_written_deny_is_in_force_when_its_command_ends(owner: Person) -> None:
    owner.done("permissions", "set", "openai", "openai.chat.*", "deny")
    ended = owner.tf("run", "--", *CHAT)
    assert json.loads(ended.stdout)["error"]["reason"] == "rule_deny"
    assert ended.stderr.endswith("tameflare: 0 allowed, 1 denied, 0 held\n")
    owner.done("permissions", "remove", "openai", "openai.chat.*")
    assert [rule["pattern"] for rule in owner.json("permissions", "list")] == ["**"]


def test_the_kill_switch_bites_and_is_lifted(owner: Person) -> None:
    owner.done("kill-switch", "--activate", "--scope", "connector:openai", "--reason", "drill")
    assert owner.tf("run", "--", *MODELS).stdout == "403"
    assert "drill" in owner.done("kill-switch", "status")
    again = "Kill switch is active for all; let it go on with `tf kill-switch off`\n"
    assert owner.tf("kill-switch", "on").stderr == again
    assert owner.tf("kill-switch", "off").stderr.startswith("kill switch is off for all\nstill active centrally for ")
    owner.done("kill-switch", "off", "--scope", "openai")
    assert owner.tf("run", "--", *MODELS).stdout == "200"
    assert owner.done("kill-switch", "status") == "kill switch is off\n"


def test_the_keys_of_decision_tokens_are_rotated(owner: Person) -> None:
    (former,) = owner.json("keys", "list")
    assert (former["signs"], former["source"]) == (True, "vault")
    ended = owner.tf("keys", "rotate")
    assert ended.returncode == 0
    newer, older = owner.json("keys", "list")
    assert f"decision tokens are signed with `{newer['kid']}` from now on" in ended.stderr
    assert (older["kid"], older["signs"]) == (former["kid"], False)
    assert [line.split()[:3] for line in owner.done("keys", "list").splitlines() if former["kid"] in line] == [
        [former["kid"], "no", "vault"]
    ]


def test_a_new_name_makes_an_agent(owner: Person) -> None:
    ended = owner.tf("run", "--name", "deploy-bot", "--", *MODELS)
    assert (ended.stdout, "agent `deploy-bot` made" in ended.stderr) == ("200", True)
    assert "deploy-bot" in owner.done("agents", "list")
    owner.done("agents", "set", "deploy-bot", "--status", "suspended")
    assert "agent `deploy-bot` is suspended" in owner.tf("run", "--name", "deploy-bot", "--", "true").stderr


def test_logs_follow_what_happens(owner: Person) -> None:
    owner.done("run", "--", *MODELS)
    with owner.start("logs", "-f", "--last", "0", "--json") as following:
        assert following.stdout is not None
        shown = False
        while not shown:  # until it has begun to follow, nothing that happens is its to show
            owner.done("run", "-q", "--", "curl", "-sS", "https://nobody.example/x")
            shown = bool(select.select([following.stdout], [], [], 0.5)[0])
        row = json.loads(following.stdout.readline())
        following.terminate()
    assert (row["host"], row["reason"]) == ("nobody.example", "no_connector")
    assert "no_connector" in owner.done("logs", "--last", "5", "--decision", "deny")


def test_a_connector_is_tried_out(owner: Person) -> None:
    assert owner.done("connector", "test", "openai") == (
        "GET https://api.openai.com/v1/models: allowed, the upstream answered 200\n"
    )
    owner.done("connector", "add", "stripe", "--secret-stdin", text="sk_test_wrong")
    denied = owner.tf("connector", "test", "stripe")
    assert denied.returncode == 1
    assert "denied by TameFlare (no_rule)" in denied.stdout
    assert "connector `stripe` was not let through" in owner.tf("doctor", "--test").stdout
    owner.done("permissions", "preset", "stripe", "allow-all")
    assert "connector `stripe` does not work: GET" in owner.tf("doctor", "--test").stdout
    refused = owner.tf("connector", "test", "stripe")
    assert refused.returncode == 1
    assert "replace it with `tf connector credential`" in refused.stderr
    owner.done("connector", "remove", "stripe", "--yes")
    assert [item["name"] for item in owner.json("connector", "list")] == ["openai"]


def test_a_try_that_waits_for_people_says_so(owner: Person) -> None:
    owner.done("permissions", "set", "openai", "openai.model.list", "--ask")
    with owner.start("connector", "test", "openai", stderr=subprocess.PIPE) as trying:
        assert trying.stderr is not None
        told = trying.stderr.readline()
        command = told.partition("`tf ")[2].partition("`")[0]
        assert told == f"the request waits for an approval; `tf {command}` lets it go on\n"
        owner.done(*command.split())
        out, rest = trying.communicate(timeout=20)
    assert (trying.returncode, rest) == (0, "")
    assert out.endswith(": allowed, the upstream answered 200\n")
    owner.done("permissions", "remove", "openai", "openai.model.list")


def test_a_connector_may_insist_on_masking(owner: Person) -> None:
    added = owner.tf("connector", "add", "slack", "--strict-mask", "--secret-stdin", text="xoxb-demo-0123456789")
    assert (added.returncode, "masked" in added.stderr) == (0, False)
    strict = {item["name"]: item["strict_mask"] for item in owner.json("connector", "list")}
    assert (strict["slack"], strict["openai"]) == (True, False)
    short = owner.tf("connector", "credential", "slack", "--secret-stdin", text="seven77")
    assert "fewer than 8 characters is not masked" in short.stderr
    owner.done("connector", "remove", "slack", "--yes")


def test_an_unknown_type_is_told_before_a_secret_is_asked_for(owner: Person) -> None:
    ended = owner.tf("connector", "add", "gitub")
    assert (ended.returncode, ended.stderr) == (2, "tf: there is no connector type `gitub`; did you mean `github`?\n")


@pytest.mark.parametrize(
    ("options", "text", "words"),
    [
        ((), "", "cannot ask for `Credential for github` without a terminal; use `--secret-stdin` or `--secret-env`"),
        (("--secret-env", "NOT_SET"), "", "the variable `NOT_SET` is not set; set it, or use `--secret-stdin`"),
        (("--secret-stdin",), "\n", "the secret is empty; try again"),
        (
            ("--secret-stdin", "--secret-env", "X"),
            "",
            "both `--secret-stdin` and `--secret-env` were given; choose one",
        ),
    ],
)
def test_a_secret_that_cannot_be_had(owner: Person, options: tuple[str, ...], text: str, words: str) -> None:
    ended = owner.tf("connector", "add", "github", *options, text=text)
    assert (ended.returncode, ended.stderr) == (2, f"tf: {words}\n")


def test_init_again_keeps_the_token(owner: Person) -> None:
    before = (owner.project / ".tf" / "config.yaml").read_text()
    owner.done("init")
    assert (owner.project / ".tf" / "config.yaml").read_text() == before
    owner.done("init", "--new-token")
    assert (owner.project / ".tf" / "config.yaml").read_text() != before
    assert owner.tf("run", "--", *MODELS).stdout == "200"


def test_init_mends_what_cannot_be_used(owner: Person) -> None:
    config = owner.project / ".tf" / "config.yaml"
    good = config.read_text()
    config.write_text(re.sub("gwtk_.*", "gwtk_revoked", good))
    owner.done("trust")
    assert "run `tf init` to get a new one" in owner.tf("run", "--", "true").stderr
    owner.done("init")
    assert owner.tf("run", "--", *MODELS).stdout == "200"
    config.write_text("[")
    owner.done("init")
    assert owner.tf("run", "--", *MODELS).stdout == "200"
    config.parent.chmod(0o755)
    assert "is not private to you" in owner.tf("init").stderr
    config.parent.chmod(0o700)


def shown(owner: Person, name: str) -> dict[str, Any]:
    return {item["name"]: item for item in owner.json("connector", "list")}[name]


def test_a_connector_is_changed_and_the_rest_of_it_stays(owner: Person) -> None:
    generic = ("connector", "add", "generic", "--name", "crm", "--domain", "crm.example", "--auth", "bearer")
    owner.done(*generic, "--secret-stdin", text="crm-secret")
    before = shown(owner, "crm")
    addresses = ("--allow-address", "10.1.2.3", "--allow-address", "10.8.0.0/16")
    told = owner.tf("connector", "set", "crm", *addresses, "--record", "title", "--identify", "--port", "8443")
    assert "the stored credential would go there as well" in told.stderr
    told = owner.tf("connector", "set", "crm", *addresses, "--record", "title", "--identify")
    assert told.stderr == "connector `crm` changed: allow_addresses, identify, record\n"
    changes = {"allow_addresses": ["10.1.2.3", "10.8.0.0/16"], "record": ["title"], "identify": True}
    assert shown(owner, "crm") == before | changes
    after = json.loads(owner.done("connector", "set", "crm", "--allow-address", "", "--no-identify", "--json"))
    assert (after["allow_addresses"], after["identify"], after["record"]) == ([], False, ["title"])
    owner.done("connector", "set", "crm", "--port", "8443", "--secret-stdin", text="crm-secret")
    assert shown(owner, "crm")["ports"] == [8443]
    owner.done("connector", "remove", "crm", "--yes")


def test_a_change_of_a_connector_that_makes_no_sense_says_so(owner: Person) -> None:
    for arguments, words in (
        ((), "nothing to change was named; see `tf connector set --help`"),
        (("--port", "eighty"), "`eighty` is not a port; write a number from 1 to 65535"),
        (("--allow-address", "nowhere"), "`nowhere`"),
    ):
        ended = owner.tf("connector", "set", "openai", *arguments)
        assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_has_its_recipe(owner: Person, platform: str) -> None:
    told = owner.done("init", "--platform", platform)
    assert (owner.project / ".tf" / f"{platform}.md").read_text().strip() == told.strip()
    assert str(owner.project) in told
    assert "tf run" in told or '"run"' in told
    assert platform in owner.done("init", "--list")


def test_status_names_what_is_up(owner: Person) -> None:
    told = owner.done("status")
    assert "my-agent  full_enforce" in told
    assert "kill switch  off" in told
    assert "heard from the control plane" in told


def test_a_shared_user_is_a_warning_and_red_in_production(owner: Person) -> None:
    for options, code, level in (((), 0, "warning"), (("--production",), 1, "red")):
        ended = owner.tf("doctor", "--json", *options, SETTINGS_ENCRYPTION_KEY="ab" * 32)
        report = json.loads(ended.stdout)
        told = {finding["check"]: finding["level"] for finding in report["findings"] if finding["level"] != "ok"}
        told.pop("agents", None)  # one that another test has suspended
        assert (ended.returncode, told) == (code, {"separation": level})
    shown = {row["name"]: (row["value"], row["source"]) for row in report["settings"]}
    assert shown["SETTINGS_ENCRYPTION_KEY"] == ("***", "environment")
    assert shown["TF_PORT"] == ("3000", "default")


def test_doctor_knows_what_the_server_knows(owner: Person) -> None:
    owner.done("agents", "add", "sleeper")
    owner.done("agents", "suspend", "sleeper")
    owner.done("kill-switch", "on", "--scope", "connector:openai")
    owner.done(
        "connector", "add", "generic", "--name", "bare", "--domain", "bare.example", "--secret-stdin", text="x" * 20
    )
    owner.done("connector", "set", "bare", "--credential", "none")
    owner.done("connector", "set", "bare", "--credential", "required")
    told = owner.tf("doctor").stdout
    assert "agent `sleeper` is suspended" in told
    assert "tf agents activate sleeper" in told
    assert "the kill switch is on for connector:openai" in told
    owner.done("kill-switch", "off", "--scope", "connector:openai")
    owner.done("agents", "remove", "sleeper", "--yes")
    owner.done("connector", "remove", "bare", "--yes")


def test_doctor_is_told_of_a_refused_log_in_and_a_gateway_that_is_gone(owner: Person, tmp_path: Path) -> None:
    told = owner.tf("doctor", TF_TOKEN="tfu_made_up").stdout
    assert "log-in: the server does not accept TF_TOKEN" in told
    config = owner.project / ".tf" / "config.yaml"
    kept = config.read_text()
    config.write_text(kept.replace("gateway: my-agent", "gateway: gone"))
    owner.done("trust")
    try:
        told = owner.tf("doctor").stdout
    finally:
        config.write_text(kept)
        owner.done("trust")
    assert "gateway: there is no gateway `gone` at" in told
    assert "gateway: the token in use is of gateway `my-agent`, not of `gone`" in told


def test_a_level_is_lowered_only_by_who_says_so(owner: Person) -> None:
    ended = owner.tf("gateways", "set", "my-agent", "--level", "monitor")
    assert (ended.returncode, "say so by `--yes`" in ended.stderr) == (2, True)
    owner.done("gateways", "set", "my-agent", "--level", "monitor", "--yes")
    assert "gateway `my-agent` is at level monitor: everything passes" in owner.tf("doctor").stdout
    owner.done("gateways", "set", "my-agent", "--level", "full_enforce")
    assert "full_enforce" in owner.done("gateways", "list")
    assert "nothing to change" in owner.tf("gateways", "set", "my-agent").stderr


def test_doctor_names_a_wrong_setting(owner: Person) -> None:
    ended = owner.tf("doctor", TF_PORT="eighty")
    assert ended.returncode == 1
    assert "TF_PORT is not a port from 0 to 65535" in ended.stdout


def test_a_viewer_is_told_which_role_is_needed(owner: Person, tmp_path: Path) -> None:
    viewer = person(owner.product, tmp_path / "viewer")
    options = ("--register", "--name", "Vi", "--email", "vi@example.com", "--password-stdin")
    viewer.done("login", *options, text=PASSWORD)
    assert "default" in viewer.done("agents", "list", "--gateway", "my-agent")
    ended = viewer.tf("agents", "add", "x", "--gateway", "my-agent")
    assert (ended.returncode, ended.stderr) == (
        1,
        "tf: this needs the role `admin`, yours is `viewer`; ask an owner or admin\n",
    )


def test_a_wrong_password_and_a_stale_log_in(owner: Person, tmp_path: Path) -> None:
    somebody = person(owner.product, tmp_path / "somebody")
    ended = somebody.tf("login", "--email", "ada@example.com", "--password-stdin", text="wrong-wrong-wrong")
    assert ended.returncode == 1
    assert ended.stderr.startswith("tf: Invalid email or password")
    ended = somebody.tf("agents", "list", "--gateway", "my-agent", TF_TOKEN="tfu_made_up")
    assert (ended.returncode, ended.stderr) == (
        4,
        "tf: the server does not accept TF_TOKEN; set a personal access token that is valid\n",
    )


def test_what_does_not_exist_is_named(owner: Person) -> None:
    assert "`nothing`" in owner.tf("kill-switch", "on", "--scope", "nothing").stderr
    assert owner.tf("connector", "test", "nothing").returncode == 1
    assert owner.tf("agents", "list", "--gateway", "nothing").returncode == 1
    assert "there is no gateway `nothing`" in owner.tf("logs", "--gateway", "nothing").stderr
    assert "there is no agent `nothing`; see `tf agents list`" in owner.tf("logs", "--agent", "nothing").stderr
    assert owner.tf("logs", "--agent", "default", "--last", "1").returncode == 0
    assert "no rule for `x.y`" in owner.tf("permissions", "remove", "openai", "x.y").stderr
    assert "there is no connector `nothing`" in owner.tf("permissions", "list", "--connector", "nothing").stderr


def test_a_rule_that_can_never_match_is_doubted(owner: Person) -> None:
    ended = owner.tf("permissions", "set", "openai", "openai.chat.creat", "deny")
    assert ended.returncode == 0
    assert "matches `openai.chat.creat`; did you mean `openai.chat.create`?" in ended.stderr
    owner.done("permissions", "remove", "openai", "openai.chat.creat")
    assert "warning" not in owner.tf("permissions", "set", "openai", "openai.unknown.get", "deny").stderr
    owner.done("permissions", "remove", "openai", "openai.unknown.get")


def test_nobody_is_asked_for_the_secret_of_a_connector_that_cannot_be(owner: Person) -> None:
    assert "needs a domain" in owner.tf("connector", "add", "generic").stderr
    wrong = ("connector", "add", "generic", "--domain", "a.example", "--auth", "header")
    assert "needs a name" in owner.tf(*wrong).stderr
    assert "this is no name: letters," in owner.tf("agents", "add", "two words").stderr
    assert "begin it with `/`" in owner.tf("connector", "test", "openai", "--path", "v1/models").stderr


def test_a_proxy_that_is_no_url_is_not_written_down(owner: Person) -> None:
    before = (owner.project / ".tf" / "config.yaml").read_text()
    ended = owner.tf("init", "--proxy", "127.0.0.1:8443")
    assert (ended.returncode, "is not the URL of a proxy" in ended.stderr) == (2, True)
    assert (owner.project / ".tf" / "config.yaml").read_text() == before
