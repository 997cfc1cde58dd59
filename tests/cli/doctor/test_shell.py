"""What `tf doctor` finds amiss in a shell and in the files of programs: it names the mistake and its mend."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.doctor.looking import Found, says


def test_a_no_proxy_with_a_star(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(NO_PROXY="localhost, *")
    assert says(doctor()["environment"], "NO_PROXY is `*`", "`tf run` clears it")
    shell(NO_PROXY="intranet.example")
    assert says(doctor()["environment"], "NO_PROXY is set", "`--no-proxy`")


def test_a_company_proxy_that_the_proxy_is_not_told_of(
    doctor: Callable[..., Found], shell: Callable[..., None]
) -> None:
    shell(HTTPS_PROXY="http://proxy.company.example:3128")
    assert says(
        doctor()["environment"], "HTTPS_PROXY is set, and TameFlare's proxy does not use it", "TF_UPSTREAM_PROXY"
    )
    shell(TF_UPSTREAM_PROXY="http://proxy.company.example:3128")
    assert "environment" not in doctor()


def test_a_shell_under_tf_run(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(HTTPS_PROXY="http://default:tfr_abc.def@127.0.0.1:8443")
    assert says(doctor()["environment"], "this shell runs under `tf run` itself")


def test_a_certificate_file_that_is_not_there(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(REQUESTS_CA_BUNDLE="/nowhere/company.pem")
    assert says(doctor()["environment"], "REQUESTS_CA_BUNDLE names `/nowhere/company.pem`, which cannot be read")


def test_certificates_that_are_not_checked(doctor: Callable[..., Found], shell: Callable[..., None]) -> None:
    shell(NODE_TLS_REJECT_UNAUTHORIZED="0", GIT_SSL_NO_VERIFY="1", PYTHONHTTPSVERIFY="1")
    told = [each["finding"].split()[0] for each in doctor()["environment"]]
    assert told == ["NODE_TLS_REJECT_UNAUTHORIZED", "GIT_SSL_NO_VERIFY"]


@pytest.mark.parametrize(
    ("says_", "status", "words"),
    [("v16.20.2", 0, "`node` is v16.20.2"), ("", 9, "`node` does not start with NODE_OPTIONS `--nonsense`")],
)
def test_a_node_that_cannot_be_helped(
    doctor: Callable[..., Found], shell: Callable[..., None], tmp_path: Path, says_: str, status: int, words: str
) -> None:
    program = tmp_path / "bin" / "node"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho {says_}\nexit {status}\n")
    program.chmod(0o755)
    shell(PATH=f"{program.parent}:{os.environ['PATH']}", NODE_OPTIONS="--nonsense")
    assert says(doctor()["node"], words)


@pytest.mark.parametrize(
    ("file", "line", "program"),
    [
        (".gitconfig", "[http]\n\tproxy = http://proxy.example:8080\n", "git"),
        (".npmrc", "https-proxy=http://proxy.example:8080\n", "npm"),
        (".curlrc", "proxy = proxy.example:8080\n", "curl"),
        (".config/pip/pip.conf", "[global]\nproxy = http://proxy.example\n", "pip"),
    ],
)
def test_a_proxy_in_a_programs_own_file(
    doctor: Callable[..., Found], home: Path, file: str, line: str, program: str
) -> None:
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(line)
    assert says(doctor()["files"], f"names a proxy of its own, so {program} goes past TameFlare's")


def test_a_proxy_in_curls_own_file_is_overruled_where_ours_is_in_tls(
    doctor: Callable[..., Found], shell: Callable[..., None], home: Path
) -> None:
    (home / ".curlrc").write_text("proxy = proxy.example:8080\n")
    shell(GATEWAY_URL="https://127.0.0.1:1")
    assert "files" not in doctor()
