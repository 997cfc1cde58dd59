"""git's smart HTTP protocol by git's own CGI program (https://git-scm.com/docs/git-http-backend)."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tameflare.core.errors import TameFlareError
from tameflare.demo.doubles.web import Answer, Request


class GitHttp:
    """Serves the bare repositories below `root`, for fetch and push."""

    def __init__(self, root: Path) -> None:
        self._root = root
        found = shutil.which("git")
        if found is None:
            raise TameFlareError("git is not installed", "install it, for example with `apt install git`")
        self._git = found

    async def answer(self, request: Request) -> Answer:
        """One run of the CGI program for each request."""
        return await asyncio.to_thread(self._run, request)

    def _run(self, request: Request) -> Answer:
        done = subprocess.run(  # noqa: S603 - git's own program, found on the path
            [self._git, "http-backend"],
            input=request.body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(request),
            check=False,
        )
        return _cgi_answer(done.stdout)

    def _environment(self, request: Request) -> Mapping[str, str]:
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        for name in ("HTTP_AUTHORIZATION", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"):
            headers.pop(name, None)
        return {
            **headers,
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REMOTE_USER": "octo-demo",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        }


def _cgi_answer(output: bytes) -> Answer:
    """Head and body of a CGI answer (RFC 3875, section 6); no head at all is a failure of the program."""
    head, gap, body = output.partition(b"\r\n\r\n")
    if not gap:
        return Answer(500, b"git http-backend failed\n")
    headers = [line.partition(": ")[::2] for line in head.decode("latin-1").split("\r\n")]
    status = next((value for name, value in headers if name.lower() == "status"), "200")
    return Answer(int(status.split()[0]), body, tuple(pair for pair in headers if pair[0].lower() != "status"))
