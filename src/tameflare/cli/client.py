"""The control plane's HTTP API as the commands see it: JSON in, JSON out, faults as sentences."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from tameflare import settings
from tameflare.cli import loginstore, project
from tameflare.cli.errors import NotLoggedIn, Rejected, Unreachable
from tameflare.core import addresses
from tameflare.core.errors import SettingError, TameFlareError

_TIMEOUT: Final = httpx.Timeout(30, connect=5)


class Api:
    """One server and, where there is one, the token for it."""

    def __init__(self, server: str, token: str | None = None) -> None:
        self.server = server.rstrip("/")
        _check_encrypted(self.server)
        self.logged_in = token is not None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=self.server, headers=headers, timeout=_TIMEOUT, trust_env=not is_loopback(server)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self._call("POST", path, body=body)

    def put(self, path: str, body: Any) -> Any:
        return self._call("PUT", path, body=body)

    def patch(self, path: str, body: Any) -> Any:
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def _call(self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """The decoded answer (None for 204). Raises Unreachable, NotLoggedIn, Rejected or TameFlareError."""
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            response = self._http.request(method, path, json=body, params=params)
        except httpx.InvalidURL:
            raise SettingError(f"`{self.server}` is not a URL", "correct TF_SERVER_URL") from None
        except httpx.UnsupportedProtocol:
            raise SettingError(f"`{self.server}` is not a URL", "begin it with http:// or https://") from None
        except httpx.ReadTimeout:
            raise Unreachable(
                f"the server at `{self.server}` took too long", "look at its log, then try again"
            ) from None
        except httpx.HTTPError:
            raise Unreachable(
                f"cannot reach the server at `{self.server}`", "start it with `tf up`, or set TF_SERVER_URL"
            ) from None
        if response.is_success:
            return _decoded(response) if response.content else None
        raise fault_of(response.status_code, _decoded(response, {}), self.logged_in)


def _check_encrypted(server: str) -> None:
    """Raises SettingError where a token or password would be readable on its way."""
    if server.startswith("http://") and not is_loopback(server):
        raise SettingError(f"`{server}` is not encrypted", "use https, or a server on this machine")


def _decoded(response: httpx.Response, default: Any = None) -> Any:
    try:
        return response.json()
    except ValueError:
        if default is not None:
            return default
        raise TameFlareError(
            f"`{response.url.copy_with(query=None)}` did not answer with JSON",
            "check that TF_SERVER_URL is TameFlare's",
        ) from None


def fault_of(status: int, body: Any, logged_in: bool) -> TameFlareError:
    """The fault that an error answer of the API stands for."""
    answer = body if isinstance(body, dict) else {}
    sentence = str(answer.get("message") or answer.get("error") or f"the server answered {status}")
    advice, code = str(answer.get("help") or ""), str(answer.get("code") or "error")
    if code == "wrong_master_key":
        return NotLoggedIn(sentence, advice, code=code)
    if status == 401 and code != "login_failed":
        if logged_in and settings.Settings().is_set(settings.TOKEN):
            return NotLoggedIn("the server does not accept TF_TOKEN", "set a personal access token that is valid")
        if logged_in:
            return NotLoggedIn("the server does not accept the stored log-in", "run `tf login`")
        return NotLoggedIn("not logged in", "run `tf login`")
    if status == 403 and "required_role" in answer:
        return TameFlareError(
            f"this needs the role `{answer['required_role']}`, yours is `{answer.get('your_role', '?')}`",
            "ask an owner or admin",
            code="forbidden",
        )
    if status == 422:
        faults = _faults(answer)
        return Rejected(", ".join(map(_fault, faults)) or sentence, faults, code=code)
    return TameFlareError(sentence, advice, code=code)


def _faults(answer: dict[str, Any]) -> list[dict[str, Any]]:
    faults = answer.get("faults")
    return [fault for fault in faults if isinstance(fault, dict)] if isinstance(faults, list) else []


def _fault(fault: dict[str, Any]) -> str:
    field, advice = fault.get("field"), fault.get("help")
    sentence = f"`{field}`: {fault.get('message')}" if field else str(fault.get("message"))
    return f"{sentence} ({advice})" if advice else sentence


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def is_loopback(url: str) -> bool:
    """Whether the URL is on this machine. Raises SettingError where it is none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        raise SettingError(f"`{url}` is not a URL", "correct TF_SERVER_URL") from None
    return addresses.is_loopback(host)


def server_url(environment: settings.Settings) -> str:
    """TF_SERVER_URL, else a trusted project's server, else that at TF_PORT, else the log-in's, else the default."""
    if environment.is_set(settings.SERVER_URL):
        return environment.get(settings.SERVER_URL)
    folder = project.find_folder()
    stored = project.read_if_trusted(folder) if folder else None
    if stored:
        return stored["server"]
    login = None if environment.is_set(settings.PORT) else loginstore.read()
    return login.server if login else environment.get(settings.SERVER_URL)


def trusted_server(environment: settings.Settings) -> str:
    """As `server_url`, for what must reach no stranger: a token or password that is not bound to one server.

    Raises SettingError where nothing but a `.tf` folder names it, since the folder may have come with somebody's files.
    """
    server, login = server_url(environment).rstrip("/"), loginstore.read()
    known = {environment.get(settings.SERVER_URL).rstrip("/"), login.server.rstrip("/") if login else ""}
    if server not in known:
        raise SettingError(
            f"nothing but the `.tf` folder says that `{server}` is your server", "if it is: set TF_SERVER_URL to it"
        )
    return server


def connect(*, required: bool = True) -> Api:
    """The API with TF_TOKEN or the stored log-in. A stored token goes only to the server that it was made for.

    Raises NotLoggedIn where `required` and there is no token for this server, SettingError as `trusted_server`.
    """
    environment = settings.Settings()
    given = environment.get(settings.TOKEN)
    if given:
        return Api(trusted_server(environment), given.reveal())
    server = server_url(environment).rstrip("/")
    login = loginstore.read()
    if login and login.server.rstrip("/") == server:
        return Api(server, login.token)
    if required:
        raise NotLoggedIn(f"not logged in at `{server}`", "run `tf login`")
    return Api(server)


def items(answer: Any) -> list[dict[str, Any]]:
    """The objects of a list answer. Raises TameFlareError where it is none."""
    found = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise TameFlareError("the server's answer is no list", "use the same version of `tf` and server")
    return found
