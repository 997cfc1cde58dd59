from __future__ import annotations

import configparser
import os
import socket
import subprocess
from pathlib import Path
from shutil import which

import pytest

from tameflare.cli import settings_files
from tameflare.cli.ordinary import Reader

PROXY = "http://bot:tfr_a.b@127.0.0.1:8443"
SECURE = "https://bot:tfr_a.b@proxy.example:9443"
ENVIRONMENT = {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY, "SSL_CERT_FILE": "/run/b.pem"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the run; the user's home is beside its files."""
    made = tmp_path / "run"
    (made / "home").mkdir(parents=True)
    return made


def written(folder: Path, **more: str) -> dict[str, str]:
    return settings_files.write(folder, {**ENVIRONMENT, "HOME": str(folder / "home"), **more}, (), Reader([]))


def last_words(wgetrc: str) -> dict[str, str]:
    """As wget reads it: of each command the last one counts."""
    lines = [line for line in Path(wgetrc).read_text().splitlines() if line and not line.startswith("#")]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def test_wget_gets_proxy_and_certificates(folder: Path) -> None:
    file = written(folder)["WGETRC"]
    assert last_words(file) == {
        "use_proxy": "on",
        "http_proxy": PROXY,
        "https_proxy": PROXY,
        "no_proxy": "",
        "ca_certificate": "/run/b.pem",
    }
    assert Path(file).stat().st_mode & 0o777 == 0o600


def test_the_users_own_settings_of_wget_stay_but_for_ways_round(folder: Path) -> None:
    (folder / "home" / ".wgetrc").write_text("# mine\ntries = 3\nuse_proxy = off\nhttps_proxy = http://other:1")
    found = last_words(written(folder, NO_PROXY="a.internal")["WGETRC"])
    assert found["tries"] == "3"
    assert (found["use_proxy"], found["https_proxy"], found["no_proxy"]) == ("on", PROXY, "a.internal")


def test_a_file_that_the_user_names_goes_before_the_one_at_home(folder: Path) -> None:
    (folder / "named").write_text("timeout = 5\n")
    assert last_words(written(folder, WGETRC=str(folder / "named"))["WGETRC"])["timeout"] == "5"


@pytest.mark.parametrize(("before", "after"), [("", ":"), ("/etc/a:/etc/b", "/etc/a:/etc/b:")])
def test_php_reads_one_directory_more(folder: Path, before: str, after: str) -> None:
    scanned = written(folder, **({"PHP_INI_SCAN_DIR": before} if before else {}))["PHP_INI_SCAN_DIR"]
    assert scanned == f"{after}{folder}/php"
    read = configparser.ConfigParser()
    read.read_string("[php]\n" + (folder / "php" / "tameflare.ini").read_text())
    assert dict(read["php"]) == {"curl.cainfo": '"/run/b.pem"', "openssl.cafile": '"/run/b.pem"'}


def test_what_the_user_wants_to_keep_is_left(folder: Path) -> None:
    assert settings_files.write(folder, ENVIRONMENT, ("WGETRC", "PHP_INI_SCAN_DIR"), Reader([])) == {}
    assert [each.name for each in folder.iterdir()] == ["home"]


def test_curl_is_told_whom_to_trust_for_a_proxy_in_tls(folder: Path) -> None:
    (folder / "home" / ".curlrc").write_text("max-time = 5")
    home = written(folder, HTTPS_PROXY=SECURE)["CURL_HOME"]
    file = Path(home, ".curlrc")
    assert file.read_text().splitlines() == [
        "max-time = 5",
        f'proxy = "{SECURE}"',
        'noproxy = ""',
        'proxy-cacert = "/run/b.pem"',
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "CURL_HOME" not in settings_files.write(
        folder / "home", ENVIRONMENT, ("WGETRC", "PHP_INI_SCAN_DIR"), Reader([])
    )


@pytest.mark.skipif(not which("curl"), reason="needs curl")
def test_the_users_own_settings_of_curl_lead_nowhere_else(folder: Path) -> None:
    """Where nobody listens, for curl to fail if it goes there."""
    (folder / "home" / ".curlrc").write_text('proxy = "http://127.0.0.1:1"\nnoproxy = "*"\n')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        ours = f"https://bot:tfr_a.b@127.0.0.1:{listener.getsockname()[1]}"
        variables = written(folder, HTTPS_PROXY=ours)
        asking = subprocess.Popen(
            ["curl", "--silent", "http://127.0.0.1:1/"], env={"PATH": os.environ["PATH"], **variables}
        )
        listener.accept()[0].close()
    assert asking.wait(20) != 0


@pytest.mark.parametrize("name", [".curlrc", ".config/curlrc", "curlrc", ".wgetrc"])
def test_a_link_to_what_is_hidden_is_not_followed(folder: Path, name: str) -> None:
    (folder / "hidden").mkdir()
    (folder / "hidden" / "token").write_text("canary")
    place = folder / "home" / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(folder / "hidden" / "token")
    reader = Reader([str(folder / "hidden")])
    environment = {**ENVIRONMENT, "HTTPS_PROXY": SECURE, "HOME": str(folder / "home")}
    made = settings_files.write(folder, environment, (), reader)
    texts = [Path(made["WGETRC"]).read_text(), Path(made["CURL_HOME"], ".curlrc").read_text()]
    assert not any("canary" in text for text in texts)
    assert [str(place) in remark for remark in reader.remarks] == [True]
