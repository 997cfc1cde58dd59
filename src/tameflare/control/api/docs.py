"""The OpenAPI document, and a page that lists its operations; the page loads nothing from anywhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}"
    "code{font-family:ui-monospace,monospace}li{margin:.4rem 0}b{display:inline-block;min-width:4.5rem}"
    "pre{overflow:auto;padding:.5rem;border:1px solid}"
)
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/api/docs")
async def docs(request: Request) -> HTMLResponse:
    """Every operation of the API, grouped by tag."""
    page = _page(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def _page(document: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(_operation(method, path, operation))
    info = document["info"]
    sections = "".join(f"<h2>{escape(tag)}</h2><ul>{''.join(lines)}</ul>" for tag, lines in groups.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style><h1>{escape(info['title'])} API</h1>"
        f"<p>{escape(info['description'])}</p>"
        f'<p>For programs: <a href="/api/openapi.json">OpenAPI {escape(document["openapi"])}</a></p>'
        f"<pre>{_EXAMPLE}</pre>{sections}</html>"
    )


_EXAMPLE: Final = 'curl -H "Authorization: Bearer $TF_TOKEN" http://127.0.0.1:3000/api/dashboard/gateways'


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    text = operation.get("description") or operation.get("summary", "")
    return f"<li><b>{method.upper()}</b> <code>{escape(path)}</code><br>{escape(text)}</li>"
