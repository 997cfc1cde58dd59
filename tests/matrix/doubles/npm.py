"""A registry of npm packages with one package, `tiny`, that only its owner may read
(https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from typing import Any, Final

from tests.matrix.gateways import NPM

from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer

VERSION: Final = "1.0.0"
MANIFEST: Final = {"name": "tiny", "version": VERSION, "main": "index.js"}


def _packed() -> bytes:
    """The package as npm packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in (("package.json", json.dumps(MANIFEST)), ("index.js", "module.exports = 'tiny';\n")):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


class Registry:
    """Its tags are `latest` and `beta`."""

    hosts = (NPM,)

    def __init__(self, key: str) -> None:
        self._key, self._packed = key, _packed()
        self._routes = Routes()
        self._routes.add("GET", "/tiny", self._document)
        self._routes.add("PUT", "/tiny", self._done)
        self._routes.add("GET", f"/tiny/-/tiny-{VERSION}.tgz", self._archive)
        self._routes.add("GET", "/-/package/tiny/dist-tags", self._tags)
        self._routes.add("DELETE", "/-/package/tiny/dist-tags/beta", self._done)

    def authorised(self, request: Request) -> bool:
        """Bearer token."""
        return request.authorization() == ("bearer", self._key)

    async def answer(self, request: Request) -> Answer:
        if not self.authorised(request):
            return json_answer({"error": "authentication is needed"}, 401)
        return await self._routes.answer(request) or json_answer({"error": "not found"}, 404)

    async def _document(self, _: Request) -> Answer:
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(self._packed).digest()).decode()
        dist = {"tarball": f"https://{NPM}/tiny/-/tiny-{VERSION}.tgz", "integrity": integrity}
        versions: dict[str, Any] = {VERSION: {**MANIFEST, "dist": dist}}
        return json_answer({"name": "tiny", "dist-tags": {"latest": VERSION, "beta": VERSION}, "versions": versions})

    async def _archive(self, _: Request) -> Answer:
        return Answer(body=self._packed, headers=(("content-type", "application/octet-stream"),))

    async def _tags(self, _: Request) -> Answer:
        return json_answer({"latest": VERSION, "beta": VERSION})

    async def _done(self, _: Request) -> Answer:
        return json_answer({"ok": True})
