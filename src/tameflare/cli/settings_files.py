"""Programs that take certificates from a file of settings only: each gets one in the folder of its run.

The user's own settings stay in force, except where they lead past the proxy or to other certificates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from tameflare.cli.files import write_private
from tameflare.cli.ordinary import SETTINGS_BYTES, Reader

WGET: Final = "WGETRC"
PHP: Final = "PHP_INI_SCAN_DIR"
CURL: Final = "CURL_HOME"


def write(folder: Path, environment: Mapping[str, str], keep: Collection[str], reader: Reader) -> dict[str, str]:
    """Write the files for a command's environment into `folder`; the variables that lead to them.

    Variables in `keep` are left alone, and so are their programs. The user's own files are read by `reader`.
    """
    made = {WGET: _wget, PHP: _php}
    if environment["HTTPS_PROXY"].startswith("https:"):
        made[CURL] = _curl
    return {name: make(folder, environment, reader) for name, make in made.items() if name not in keep}


def _wget(folder: Path, environment: Mapping[str, str], reader: Reader) -> str:
    """https://www.gnu.org/software/wget/manual/html_node/Wgetrc-Location.html: one file, of which the last word counts.

    What the user's file says of a proxy would win over the environment.
    """
    place = environment.get(WGET) or str(Path(environment.get("HOME", "/"), ".wgetrc"))
    ours = {
        "use_proxy": "on",
        "http_proxy": environment["HTTP_PROXY"],
        "https_proxy": environment["HTTPS_PROXY"],
        "no_proxy": environment.get("NO_PROXY", ""),
        "ca_certificate": environment["SSL_CERT_FILE"],
    }
    file = folder / "wgetrc"
    write_private(file, _text(Path(place), reader) + "".join(f"{name} = {value}\n" for name, value in ours.items()))
    return str(file)


def _php(folder: Path, environment: Mapping[str, str], reader: Reader) -> str:  # noqa: ARG001 - all are called alike
    """https://www.php.net/manual/en/configuration.file.php: one more directory behind those that PHP reads anyway; an
    empty place in the list stands for those that it was built with."""
    directory = folder / "php"
    directory.mkdir(mode=0o700)
    bundle = environment["SSL_CERT_FILE"]
    write_private(directory / "tameflare.ini", f'curl.cainfo = "{bundle}"\nopenssl.cafile = "{bundle}"\n')
    return f"{environment.get(PHP, '')}:{directory}"


def _curl(folder: Path, environment: Mapping[str, str], reader: Reader) -> str:
    """https://curl.se/docs/manpage.html#-K: the first of these places that has a file. No variable tells curl by which
    authorities a proxy in TLS is verified. Of an option the last line counts, and a line goes before the environment.
    """
    homes = [environment.get(name, "") for name in (CURL, "XDG_CONFIG_HOME", "HOME")]
    places = [Path(home, name) for home in homes if home for name in (".curlrc", "curlrc", ".config/curlrc")]
    users = next((_text(place, reader) for place in places if place.is_file()), "")
    ours = {
        "proxy": environment["HTTPS_PROXY"],
        "noproxy": environment.get("NO_PROXY", ""),
        "proxy-cacert": environment["SSL_CERT_FILE"],
    }
    home = folder / "curl"
    home.mkdir(mode=0o700)
    write_private(home / ".curlrc", users + "".join(f'{name} = "{value}"\n' for name, value in ours.items()))
    return str(home)


def _text(file: Path, reader: Reader) -> str:
    """The user's own settings, or nothing where there are none that may be read."""
    found = reader.text(file, SETTINGS_BYTES).rstrip("\n")
    return f"{found}\n" if found else ""
