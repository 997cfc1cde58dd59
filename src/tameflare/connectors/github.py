"""GitHub beside its table: three hosts, GitHub Enterprise's paths, git's own way of signing in and of being refused."""

from __future__ import annotations

from typing import ClassVar, Final

from tameflare.connectors import auth, denials
from tameflare.connectors.auth import Credential, Injection, header_line
from tameflare.connectors.denials import Denial, Rendered
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import API, Route
from tameflare.connectors.table import TableConnector, Vendor
from tameflare.core.errors import InvalidValue

GIT: Final = "git"
UPLOADS: Final = "uploads"
_OWN: Final = {"api.github.com": API, "uploads.github.com": UPLOADS, "github.com": GIT}
_PREFIXES: Final = {API: "/api/v3", UPLOADS: "/api/uploads", GIT: ""}
_GIT_USER: Final = "x-access-token"


class GitHubConnector(TableConnector):
    """`api.` and `uploads.` hosts and `github.com`; on any other host the paths of GitHub Enterprise Server, where one
    host has `/api/v3`, `/api/uploads` and repositories."""

    vendor: ClassVar = Vendor(
        "github",
        ("api.github.com", "uploads.github.com", "github.com"),
        denials.github,
        credential_headers=frozenset({b"authorization", b"x-github-otp"}),
        credential_query=frozenset({"access_token", "client_id", "client_secret"}),
        significant=frozenset({b"x-github-api-version"}),
        guards_forms=True,
    )

    def surface(self, request: HttpRequest) -> tuple[str, str]:
        own = _OWN.get(request.host) or _own_surface(request.host)
        if own:
            return own, request.path
        for name in (API, UPLOADS):
            prefix = _PREFIXES[name]
            if request.path.startswith(prefix + "/"):
                return name, request.path[len(prefix) :]
        return GIT, request.path

    def injection(self, host: str, credential: Credential) -> Injection:
        """`token` for the API; Basic on a host of repositories, which GitHub Enterprise Server's API takes too."""
        if _own_surface(host) in {API, UPLOADS}:
            return Injection(header_line("Authorization", f"token {credential.value}"))
        return auth.basic(credential, _GIT_USER)

    def deny(self, denial: Denial, request: HttpRequest | None = None) -> Rendered:
        if request is not None and self.surface(request)[0] == GIT:
            return denials.git(denial)
        return denials.github(denial)

    def address(self, route: Route) -> tuple[str, str]:
        for domain in self.domains:
            if _own_surface(domain) == route.surface:
                return domain, ""
        for domain in self.domains:
            if not _own_surface(domain) and not domain.startswith("*."):
                return domain, _PREFIXES[route.surface]
        raise InvalidValue(f"the connector `{self.config.name}` names no host for the action `{route.type}`")


def _own_surface(host: str) -> str:
    """The one surface of a host that has only one; empty for GitHub Enterprise Server."""
    if host == "github.com":
        return GIT
    if host.startswith("api."):
        return API
    return UPLOADS if host.startswith("uploads.") else ""
