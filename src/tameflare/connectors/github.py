"""GitHub beside its table: three hosts, GitHub Enterprise's paths, git's own way of signing in and of being refused."""

from __future__ import annotations

from typing import ClassVar, Final

from msgspec.structs import replace

from tameflare.connectors import auth, denials, git_push
from tameflare.connectors.auth import Credential, Injection, header_line
from tameflare.connectors.base import BodySays
from tameflare.connectors.denials import Denial, Rendered
from tameflare.connectors.git_push import Push
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import API, Route
from tameflare.connectors.table import TableConnector, Vendor
from tameflare.core.action import Action
from tameflare.core.errors import InvalidValue

GIT: Final = "git"
UPLOADS: Final = "uploads"
_OWN: Final = {"api.github.com": API, "uploads.github.com": UPLOADS, "github.com": GIT}
_PREFIXES: Final = {API: "/api/v3", UPLOADS: "/api/uploads", GIT: ""}
_GIT_USER: Final = "x-access-token"
_BEFORE_A_PUSH: Final = "service=git-receive-pack"
_BEFORE_A_FETCH: Final = "service=git-upload-pack"
_PUSH: Final = "/git-receive-pack"
_FETCH: Final = "/git-upload-pack"
_LFS: Final = "/info/lfs/"


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

    def name(self, request: HttpRequest) -> tuple[Action, ...]:
        """Of a push one action for each ref that it moves, with where to."""
        actions, push = super().name(request), self._push(request)
        if push is None:
            return actions
        moves = push.moves()
        return tuple(replace(each, parameters={**each.parameters, **move}) for each in actions for move in moves)

    def body_says(self, request: HttpRequest) -> BodySays:
        """A push says which refs it moves before the pack begins."""
        if self.surface(request)[0] != GIT or not _is_push(request):
            return super().body_says(request)
        packed, known = request.header(b"content-encoding"), request.body in (None, git_push.NOTHING)
        return BodySays.BEGINNING if not packed and (known or self._push(request)) else BodySays.UNREADABLE

    def is_enough(self, beginning: bytes) -> bool:
        return git_push.read(beginning) is not None

    def untold(self, request: HttpRequest) -> str:
        push = self._push(request)
        return "the objects that are pushed are not shown" if push is not None and push.rest else ""

    def preparation(self, request: HttpRequest) -> tuple[Action, ...]:
        """Before a push git asks what the repository holds, as a fetch does, and perhaps pushes nothing as a trial."""
        if self.surface(request)[0] != GIT:
            return ()
        if request.method == "GET" and request.query == _BEFORE_A_PUSH:
            return self.classify(replace(request, query=_BEFORE_A_FETCH)).actions
        if _is_push(request) and request.body == git_push.NOTHING:
            return self.classify(replace(request, path=request.path.removesuffix(_PUSH) + _FETCH)).actions
        return ()

    def deny(self, denial: Denial, request: HttpRequest | None = None) -> Rendered:
        if request is None or self.surface(request)[0] != GIT or _LFS in request.path:
            return denials.github(denial)
        push = self._push(request)
        return (git_push.deny(denial, push) if push is not None else None) or denials.git(denial)

    def _push(self, request: HttpRequest) -> Push | None:
        """What a push asks for, once as much of its body is there."""
        if not request.body or not _is_push(request) or self.surface(request)[0] != GIT:
            return None
        return None if request.header(b"content-encoding") else git_push.read(request.body)

    def address(self, route: Route) -> tuple[str, str]:
        for domain in self.domains:
            if _own_surface(domain) == route.surface:
                return domain, ""
        for domain in self.domains:
            if not _own_surface(domain) and not domain.startswith("*."):
                return domain, _PREFIXES[route.surface]
        raise InvalidValue(f"the connector `{self.config.name}` names no host for the action `{route.type}`")


def _is_push(request: HttpRequest) -> bool:
    return request.method == "POST" and request.path.endswith(_PUSH)


def _own_surface(host: str) -> str:
    """The one surface of a host that has only one; empty for GitHub Enterprise Server."""
    if host == "github.com":
        return GIT
    if host.startswith("api."):
        return API
    return UPLOADS if host.startswith("uploads.") else ""
