"""Request methods that the proxy carries.

TRACE is left out on purpose: its answer repeats the request, and with it the credential that was put in.
"""

from __future__ import annotations

from typing import Final

_STANDARD: Final = "GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT QUERY"
_WEBDAV: Final = "PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT MKCALENDAR ACL BIND REBIND UNBIND"
_OTHERS: Final = "LINK UNLINK PURGE MERGE CHECKOUT MKACTIVITY NOTIFY SUBSCRIBE UNSUBSCRIBE"

METHODS: Final[dict[bytes, str]] = {
    method.encode("ascii"): method for method in f"{_STANDARD} {_WEBDAV} {_OTHERS}".split()
}
"""As on the wire → as text."""
