"""Style, script and picture of the pages: files of this package, under addresses that change with what they hold."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from tameflare.control.services.faults import NotFound

_FOLDER: Final = Path(__file__).parent / "static"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _KINDS}
_MARKS: Final = {name: sha256(content).hexdigest()[:16] for name, content in _FILES.items()}

router = APIRouter(include_in_schema=False)


def address(name: str) -> str:
    return f"/dashboard/static/{_MARKS[name]}/{name}"


@router.get("/dashboard/static/{mark}/{name}")
async def read_asset(mark: str, name: str) -> Response:
    """Raises NotFound."""
    if _MARKS.get(name) != mark:
        raise NotFound("file", name)
    return Response(
        _FILES[name],
        media_type=_KINDS[Path(name).suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
