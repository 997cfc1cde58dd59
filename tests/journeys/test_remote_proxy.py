"""Agents on another machine than server and proxy: a network namespace plays it, with a cable and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from tests.support import product, web_server
from tests.support.another_machine import Machine, machine, missing
from tests.support.doubles import Vendors

from tameflare.cli.isolating import available
from tameflare.demo.product import free_port, tf

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

NO_ISOLATION = available()
SERVER, PROXY = "server.example", "proxy.example"
USER = "https://api.github.com/user"
CURL = ("curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", USER)
ENVIRONMENT = ("python", "-c", "import os, json; print(json.dumps(dict(os.environ)))")


@dataclass(frozen=True)
class Remote:
    """The other machine with a user on it, and the product here."""

    machine: Machine
    governed: product.Governed
    server: str
    proxy: str
    home: Path

    @property
    def authority(self) -> Path:
        """The proxy's, as an operator has carried it over."""
        return self.home / "proxy-ca.pem"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/bin",
            "HOME": str(self.home),
            "SSL_CERT_FILE": str(self.home / "company-ca.pem"),
            "TF_SERVER_URL": self.server,
            "TF_TOKEN": self.governed.product.personal_token,
        }

    def tf(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        project = self.home / "project"
        project.mkdir(exist_ok=True)
        return self.machine.run(*tf(), *arguments, env={**self.environment(), **more}, cwd=project)

    def set_up(self) -> None:
        done = self.tf("init", "--gateway", product.GATEWAY, "--proxy", self.proxy, "--proxy-ca", str(self.authority))
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> Iterator[Remote]:
    directory, company = tmp_path_factory.mktemp("remote"), trustme.CA()
    home, port = directory / "home-there", free_port()
    home.mkdir()
    company.cert_pem.write_to_path(str(home / "company-ca.pem"))
    with machine(SERVER, PROXY) as other:
        settings = {
            "TF_PROXY_TLS_HOST": other.here,
            "TF_PROXY_TLS_NAMES": PROXY,
            "TF_PUBLIC_URL": f"https://{SERVER}:{port}",
        }
        with (
            product.installed(directory / "here", vendors, tls=True, **settings) as governed,
            web_server.before(governed.product.server, SERVER, other.here, port, directory / "nginx", company),
        ):
            proxy = f"https://{PROXY}:{urlsplit(governed.product.secured_proxy).port}"
            made = Remote(other, governed, settings["TF_PUBLIC_URL"], proxy, home)
            shutil.copy(governed.product.data / "proxy" / "ca.pem", made.authority)
            yield made


def test_a_machine_is_set_up_and_its_programs_are_governed(remote: Remote) -> None:
    remote.set_up()
    config = (remote.home / "project" / ".tf" / "config.yaml").read_text()
    assert "proxy_ca:" in config
    assert "BEGIN CERTIFICATE" in config
    with remote.governed.upstream("api.github.com") as reached:
        ended = remote.tf("run", "--", *CURL)
        assert (ended.stdout, ended.returncode) == ("200", 0), ended.stderr
        assert reached() == ["GET /user"]
    assert ended.stderr.endswith("tameflare: 1 allowed, 0 denied, 0 held\n")


@pytest.mark.skipif(NO_ISOLATION is not None, reason=f"no isolation here: {NO_ISOLATION}")
def test_an_isolated_program_there_reaches_it_by_its_name(remote: Remote) -> None:
    """The proxy's certificate is for that name, which inside leads to the way out."""
    remote.set_up()
    with remote.governed.upstream("api.github.com") as reached:
        ended = remote.tf("run", "--isolate", "--", *CURL)
        assert (ended.stdout, ended.returncode) == ("200", 0), ended.stderr
        assert reached() == ["GET /user"]
    assert remote.tf("run", "--isolate", "--", "curl", "-sS", "--noproxy", "*", USER).returncode == 6


def test_what_a_program_there_is_given(remote: Remote) -> None:
    remote.set_up()
    ended = remote.tf("run", "--", *ENVIRONMENT, NO_PROXY=PROXY)
    variables = json.loads(ended.stdout)
    proxy = urlsplit(variables["HTTPS_PROXY"])
    assert (proxy.scheme, proxy.hostname, proxy.username) == ("https", PROXY, "default")
    assert (proxy.password or "").startswith("tfr_")
    assert "NO_PROXY" not in variables
    secrets = [remote.governed.product.personal_token, "gwtk_"]
    assert not [value for value in variables.values() if any(secret in value for secret in secrets)]


def test_there_is_no_way_but_through_it(remote: Remote) -> None:
    """Without a route, names of vendors lead nowhere; the proxy resolves them."""
    remote.set_up()
    ended = remote.tf("run", "--", *CURL, "--noproxy", "*")
    assert (ended.returncode, ended.stdout) == (6, "000")


def test_status_and_doctor_reach_both(remote: Remote) -> None:
    remote.set_up()
    status = remote.tf("status", "--json")
    told = json.loads(status.stdout)
    assert (status.returncode, told["proxy"]["url"], told["server"]["url"]) == (0, remote.proxy, remote.server)
    assert told["proxy"]["health"]["configuration"]["version"]
    found = json.loads(remote.tf("doctor", "--json").stdout)["findings"]
    red = [finding for finding in found if finding["level"] == "red"]
    assert not red, red
    assert any(remote.proxy in finding["finding"] for finding in found)


def test_a_run_by_two_variables_and_an_authority(remote: Remote) -> None:
    """As in CI: no log-in, no folder."""
    environment = {
        "TF_TOKEN": "", "TF_SERVER_URL": "", "GATEWAY_URL": remote.proxy, "TF_PROXY_CA": str(remote.authority),
        "TF_GATEWAY_TOKEN": remote.governed.product.gateway_token,
    }  # fmt: skip
    ended = remote.machine.run(*tf(), "run", "--", *CURL, env={**remote.environment(), **environment}, cwd=remote.home)
    assert (ended.stdout, ended.returncode) == ("200", 0), ended.stderr


FAULTS = {
    "nobody vouches for it": ({"TF_PROXY_CA": ""}, PROXY, "https", "is not trusted here (unable to get local issuer"),
    "another name": ({}, SERVER, "https", "is for another host"),
    "not encrypted": ({}, PROXY, "http", "is not encrypted"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_trusted_gets_no_token(remote: Remote, fault: str) -> None:
    more, host, scheme, said = FAULTS[fault]
    environment = {
        "GATEWAY_URL": remote.proxy.replace(PROXY, host).replace("https", scheme), "TF_PROXY_CA": str(remote.authority),
        "TF_GATEWAY_TOKEN": remote.governed.product.gateway_token, **more,
    }  # fmt: skip
    ended = remote.machine.run(*tf(), "run", "--", *CURL, env={**remote.environment(), **environment}, cwd=remote.home)
    assert ended.returncode != 0
    assert said in ended.stderr
    assert "--proxy-ca" in ended.stderr or "TF_PROXY_TLS_NAMES" in ended.stderr


def test_a_folder_is_not_made_for_a_proxy_that_nobody_vouches_for(remote: Remote, tmp_path: Path) -> None:
    ended = remote.machine.run(*tf(), "init", "--proxy", remote.proxy, env=remote.environment(), cwd=tmp_path)
    assert (ended.returncode, "is not trusted here" in ended.stderr) == (1, True)
    assert not (tmp_path / ".tf" / "config.yaml").exists()
