"""Templates, the frame around every page, and the headers that keep a page to itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tameflare.control.dashboard import assets, texts
from tameflare.control.dashboard.frame import Frame, frame_for
from tameflare.control.services.sessions import Visitor
from tameflare.control.wiring import Services

_FOLDER: Final = Path(__file__).parent / "templates"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    # Without it browsers would not say where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        visible=texts.visible,
        ticked=texts.ticked,
        who_must_agree=texts.who_must_agree,
        value_text=texts.value_text,
        moment=texts.moment,
        span=texts.span,
        milliseconds=texts.milliseconds,
    )
    environment.globals["asset"] = assets.address
    return environment


_ENVIRONMENT: Final = _environment()


async def page(
    services: Services, visitor: Visitor, template: str, status: int = 200, *, place: str, **values: Any
) -> HTMLResponse:
    """A page for somebody who is logged in. `place` is the entry of the menu that it belongs to."""
    frame = await frame_for(services, visitor, place)
    return _answer(template, status, {"frame": frame, **values})


def bare_page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for anybody, without menu and state."""
    return _answer(template, status, {"frame": Frame.blank(), **values})


def _answer(template: str, status: int, values: Mapping[str, Any]) -> HTMLResponse:
    text = _ENVIRONMENT.get_template(template).render(values)
    return HTMLResponse(text.encode("utf-8", "replace"), status, headers=HEADERS)
