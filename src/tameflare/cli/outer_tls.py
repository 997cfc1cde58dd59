"""TLS to a proxy on another machine, as `tf` itself speaks it: whom it trusts, and what to do where that fails."""

from __future__ import annotations

import http.client
import ssl
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from tameflare.cli.errors import Unreachable
from tameflare.core.addresses import is_loopback
from tameflare.core.errors import SettingError, TameFlareError

if TYPE_CHECKING:
    import httpx

_SECONDS: Final = 5.0
_HOST_MISMATCH: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL
_TLS_NEEDED: Final = "tls_needed"
_NO_TLS: Final = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"}


class NotTrusted(TameFlareError):
    """A proxy that does not show who it is."""

    code = "proxy_not_trusted"


class TlsNeeded(TameFlareError):
    """A proxy that speaks TLS was asked without."""

    code = "proxy_needs_tls"


def context(authority: str) -> ssl.SSLContext:
    """What a proxy is verified by: the system's authorities, and `authority` (PEM) where there is one.

    Raises SettingError where `authority` cannot be read.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority:
        try:
            made.load_verify_locations(cadata=authority)
        except (ssl.SSLError, ValueError):
            raise SettingError("the proxy's authority is no certificate in PEM", "correct TF_PROXY_CA") from None
    return made


class Pages:
    """The proxy's own pages, asked for one after the other. Raises SettingError for a URL that cannot be used."""

    def __init__(self, url: str, authority: str) -> None:
        import httpx

        check_encrypted(url)
        verify = context(authority) if url.startswith("https:") else False  # there is nothing to verify
        self._url = url
        self._client = httpx.Client(timeout=_SECONDS, verify=verify, trust_env=not _is_near(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._client.close()

    def get(self, path: str) -> httpx.Response:
        """Raises Unreachable, NotTrusted, TlsNeeded, or SettingError for what is no URL."""
        import httpx

        try:
            answer = self._client.get(f"{self._url}{path}")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise SettingError(f"`{self._url}` is not the URL of a proxy", "correct GATEWAY_URL") from None
        except httpx.HTTPError as fault:
            raise problem(self._url, fault) from None
        if _wants_tls(answer):
            raise TlsNeeded(f"the proxy at `{self._url}` speaks TLS", "write https:// in its address")
        return answer


def _wants_tls(answer: httpx.Response) -> bool:
    """Whether this is what the proxy answers where TLS would have to come."""
    try:
        said = answer.json() if answer.status_code == http.client.BAD_REQUEST else None
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("code") == _TLS_NEEDED


def get(url: str, authority: str, path: str) -> httpx.Response:
    """One of the proxy's own pages; raises as `Pages.get`."""
    with Pages(url, authority) as pages:
        return pages.get(path)


def check_encrypted(url: str) -> None:
    """Raises SettingError where the token for the proxy would be readable on its way."""
    if url.startswith("http:") and not _is_near(url):
        raise SettingError(
            f"the way to the proxy at `{url}` is not encrypted",
            "use https, with TF_PROXY_TLS_NAMES set on the proxy's machine, or a proxy on this one",
        )


def problem(url: str, fault: BaseException) -> TameFlareError:
    """What keeps us from the proxy, and what to do."""
    cause = _tls_fault(fault)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _not_trusted(url, cause)
    if cause is not None and cause.reason in _NO_TLS:
        return Unreachable(
            f"the proxy at `{url}` speaks no TLS",
            "write http:// for one on this machine, else set its TF_PROXY_TLS_NAMES",
        )
    if isinstance(fault, TimeoutError) or type(fault).__name__ in {"ConnectTimeout", "ReadTimeout"}:
        return Unreachable(f"the proxy at `{url}` took too long", "look at its log, then try again")
    if isinstance(fault, http.client.BadStatusLine | http.client.HTTPException) and cause is None:
        return Unreachable(f"the proxy at `{url}` closed the connection", "look at its log, then try again")
    return Unreachable(f"cannot reach the proxy at `{url}`", "start it with `tf up`, or set GATEWAY_URL")


def _not_trusted(url: str, fault: ssl.SSLCertVerificationError) -> NotTrusted:
    if fault.verify_code in _HOST_MISMATCH:
        return NotTrusted(
            f"the certificate of the proxy at `{url}` is for another host",
            "use a name that it has, or add this one to TF_PROXY_TLS_NAMES on the proxy's machine",
        )
    return NotTrusted(
        f"the certificate of the proxy at `{url}` is not trusted here ({fault.verify_message})",
        "give the authority that signed it: TF_PROXY_CA=FILE, or `tf init --proxy-ca FILE`",
    )


def _tls_fault(fault: BaseException | None) -> ssl.SSLError | None:
    """The fault of TLS below, which client libraries wrap in their own."""
    while fault is not None:
        if isinstance(fault, ssl.SSLError):
            return fault
        fault = fault.__cause__ or fault.__context__
    return None


def _is_near(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        raise SettingError(f"`{url}` is not the URL of a proxy", "correct GATEWAY_URL") from None
