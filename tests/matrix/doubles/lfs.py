"""Large files of a repository on GitHub Enterprise, as git-lfs fetches and pushes them
(https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md): the objects are on a host of their own."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from tests.matrix.gateways import LFS, OBJECTS

from tameflare.demo.doubles.web import Answer, Request, json_answer

CONTENT: Final = b"large"
_BATCH: Final = "/acme/site.git/info/lfs/objects/batch"
_OBJECT: Final = re.compile(r"/([0-9a-f]{64})")


class Lfs:
    """Every object that is asked for is there, with `CONTENT`."""

    hosts = (LFS, OBJECTS)

    def __init__(self, key: str) -> None:
        self._key = key
        self._signed = f"RemoteAuth {secrets.token_hex(18)}"

    def authorised(self, request: Request) -> bool:
        """The key for the repository; for objects what the answer about them says."""
        if request.host == OBJECTS:
            return request.headers.get("authorization") == self._signed
        return request.authorization() == ("basic", f"x-access-token:{self._key}")

    async def answer(self, request: Request) -> Answer:
        if not self.authorised(request):
            return json_answer({"message": "Credentials needed"}, 401)
        if request.host == OBJECTS and _OBJECT.fullmatch(request.path):
            return Answer(200, CONTENT if request.method == "GET" else b"")
        if (request.method, request.path) == ("POST", _BATCH):
            return json_answer(self._batch(request.json()), headers=(("content-type", "application/vnd.git-lfs+json"),))
        return json_answer({"message": "Not found"}, 404)

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        where = {"header": {"Authorization": self._signed}, "expires_in": 3600}
        objects = [
            {**each, "actions": {asked["operation"]: {"href": f"https://{OBJECTS}/{each['oid']}", **where}}}
            for each in asked["objects"]
        ]
        return {"transfer": "basic", "objects": objects}
