"""An index of Python packages as pip reads it (https://packaging.python.org/en/latest/specifications/simple-repository-api/)."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

from tests.matrix.gateways import INDEX, MIRROR, WHEELS

from tameflare.demo.doubles.web import Answer, Request

_METADATA: Final = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: double\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_PAGE: Final = re.compile(r"/simple/([a-z_-]+)/")
_FILE: Final = re.compile(r"/files/([a-z_]+)-1\.0-py3-none-any\.whl")
_ELSEWHERE: Final = {"_elsewhere": WHEELS, "_mirrored": MIRROR}
_HTML: Final = (("content-type", "text/html"),)


class PyPI:
    """Every name is that of a package of one version. The wheel is on another host where the name ends so."""

    hosts = (INDEX, MIRROR, WHEELS)

    def __init__(self, key: str) -> None:
        self._key = key

    def authorised(self, request: Request) -> bool:
        return request.authorization() == ("bearer", self._key)

    async def answer(self, request: Request) -> Answer:
        if not self.authorised(request):
            return Answer(401, b"no key\n")
        if page := _PAGE.fullmatch(request.path):
            return Answer(200, _page(page[1].replace("-", "_")).encode(), _HTML)
        if file := _FILE.fullmatch(request.path):
            return Answer(200, _wheel(file[1]), (("content-type", "application/octet-stream"),))
        return Answer(404, b"no such page\n")


def _page(name: str) -> str:
    host = next((host for ending, host in _ELSEWHERE.items() if name.endswith(ending)), INDEX)
    file = f"{name}-1.0-py3-none-any.whl"
    return f'<!DOCTYPE html><html><body><a href="https://{host}/files/{file}">{file}</a></body></html>'


def _wheel(name: str) -> bytes:
    """A package without modules; the same bytes each time."""
    about = f"{name}-1.0.dist-info"
    files = {f"{about}/METADATA": _METADATA.format(name=name), f"{about}/WHEEL": _WHEEL}
    files[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return packed.getvalue()
