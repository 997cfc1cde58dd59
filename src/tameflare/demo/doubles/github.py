"""GitHub's REST API, as far as small agents use it (https://docs.github.com/en/rest), and git on the same token."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from tameflare.demo.doubles import github_shapes as shapes
from tameflare.demo.doubles.git import GitHttp
from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer

API = "api.github.com"
GIT = "github.com"
REPOSITORY = "acme/site"


def _error(status: int, message: str) -> Answer:
    return json_answer({"message": message, "documentation_url": "https://docs.github.com/rest"}, status)


class GitHub:
    """One repository, `acme/site`, with an open pull request 1. `repositories` is the root of the bare repositories."""

    hosts = (API, GIT)

    def __init__(self, key: str, repositories: Path | None = None) -> None:
        self._key = key
        self._git = GitHttp(repositories) if repositories else None
        self._pulls = {1: shapes.pull(1, "Add a page", "feature", "main")}
        self._issues = {2: shapes.issue(2, "A question", "")}
        self._files = {"README.md": b"# site\n"}
        self._routes = Routes()
        self._add_routes()

    def _add_routes(self) -> None:
        at = f"/repos/{REPOSITORY}"
        for method, template, handler in (
            ("GET", "/user", self._user),
            ("GET", at, self._repository),
            ("DELETE", at, self._delete_repository),
            ("GET", f"{at}/pulls", self._list_pulls),
            ("POST", f"{at}/pulls", self._create_pull),
            ("GET", f"{at}/pulls/{{number}}", self._get_pull),
            ("PUT", f"{at}/pulls/{{number}}/merge", self._merge_pull),
            ("GET", f"{at}/issues", self._list_issues),
            ("POST", f"{at}/issues", self._create_issue),
            ("GET", f"{at}/issues/{{number}}", self._get_issue),
            ("GET", f"{at}/contents/{{name+}}", self._get_file),
            ("PUT", f"{at}/contents/{{name+}}", self._put_file),
        ):
            self._routes.add(method, template, handler)

    def authorised(self, request: Request) -> bool:
        """`token` or Bearer for REST; Basic with user `x-access-token` for git."""
        accepted = {("basic", f"x-access-token:{self._key}")}
        if request.host == API:
            accepted = {("token", self._key), ("bearer", self._key)}
        return request.authorization() in accepted

    async def answer(self, request: Request) -> Answer:
        """Errors come as GitHub's `{message, documentation_url}`; git is asked for Basic authentication."""
        if request.host == GIT:
            return await self._answer_git(request)
        if not self.authorised(request):
            return _error(401, "Bad credentials" if "authorization" in request.headers else "Requires authentication")
        return await self._routes.answer(request) or _error(404, "Not Found")

    async def _answer_git(self, request: Request) -> Answer:
        if not self.authorised(request):
            return Answer(401, b"Authentication required\n", (("www-authenticate", 'Basic realm="GitHub"'),))
        return await self._git.answer(request) if self._git else Answer(404, b"Not Found\n")

    async def _user(self, _: Request) -> Answer:
        return json_answer(shapes.user("octo-demo"))

    async def _repository(self, _: Request) -> Answer:
        return json_answer(shapes.repository(REPOSITORY))

    async def _delete_repository(self, _: Request) -> Answer:
        return Answer(204)

    async def _list_pulls(self, _: Request) -> Answer:
        return json_answer([pull for pull in self._pulls.values() if pull["state"] == "open"])

    async def _create_pull(self, request: Request) -> Answer:
        asked = request.json()
        if not all(asked.get(name) for name in ("title", "head", "base")):
            return _error(422, "Validation Failed")
        number = self._next_number()
        self._pulls[number] = shapes.pull(number, asked["title"], asked["head"], asked["base"])
        return json_answer(self._pulls[number], 201)

    async def _get_pull(self, _: Request, number: str) -> Answer:
        found = self._pulls.get(int(number))
        return json_answer(found) if found else _error(404, "Not Found")

    async def _merge_pull(self, _: Request, number: str) -> Answer:
        found = self._pulls.get(int(number))
        if found is None:
            return _error(404, "Not Found")
        if found["merged"]:
            return _error(405, "Pull Request is not mergeable")
        found.update(merged=True, state="closed")
        return json_answer({"sha": shapes.SHA, "merged": True, "message": "Pull Request successfully merged"})

    async def _list_issues(self, _: Request) -> Answer:
        return json_answer(list(self._issues.values()))

    async def _create_issue(self, request: Request) -> Answer:
        asked = request.json()
        if not asked.get("title"):
            return _error(422, "Validation Failed")
        number = self._next_number()
        self._issues[number] = shapes.issue(number, asked["title"], asked.get("body") or "")
        return json_answer(self._issues[number], 201)

    async def _get_issue(self, _: Request, number: str) -> Answer:
        found = self._issues.get(int(number))
        return json_answer(found) if found else _error(404, "Not Found")

    async def _get_file(self, _: Request, name: str) -> Answer:
        content = self._files.get(name)
        return (
            json_answer(shapes.content(REPOSITORY, name, content)) if content is not None else _error(404, "Not Found")
        )

    async def _put_file(self, request: Request, name: str) -> Answer:
        asked = request.json()
        if not asked.get("message") or "content" not in asked:
            return _error(422, "Invalid request.")
        existing = self._files.get(name)
        if existing is not None and asked.get("sha") != hashlib.sha1(existing, usedforsecurity=False).hexdigest():
            return _error(409, f"{name} does not match")
        self._files[name] = base64.b64decode(asked["content"])
        made: dict[str, Any] = {"content": shapes.content(REPOSITORY, name, self._files[name])}
        return json_answer({**made, "commit": shapes.commit()}, 200 if existing is not None else 201)

    def _next_number(self) -> int:
        return max((*self._pulls, *self._issues)) + 1
