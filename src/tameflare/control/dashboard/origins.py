"""Where the browser believes to be: the origin of a request, and whether a form comes from it."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from tameflare.control.services.faults import Refused
from tameflare.settings import PUBLIC_URL, Settings


def own_origin(request: Request, settings: Settings) -> str:
    """Scheme, host and port by which this request reached us; the guard has checked that the host is ours.

    For the host of TF_PUBLIC_URL it is that URL's origin, since TLS ends before us there.
    """
    host = request.headers.get("host", "").lower()
    public = urlsplit(settings.get(PUBLIC_URL))
    if public.hostname and urlsplit(f"//{host}").hostname == public.hostname:
        return f"{public.scheme}://{public.netloc}".lower()
    return f"http://{host}"


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether the browser reached us by https."""
    return own_origin(request, settings).startswith("https://")


def check_origin(request: Request, settings: Settings) -> None:
    """Browsers say where a form comes from. Raises Refused where that is not one of our own pages."""
    if request.headers.get("origin", "").lower() != own_origin(request, settings):
        raise Refused(
            "this form comes from another place", "open the dashboard's own page and try again", code="origin_refused"
        )
