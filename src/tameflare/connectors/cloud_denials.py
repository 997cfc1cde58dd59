"""Refusals of connectors without a vendor, in the shapes of the clouds whose SDKs show nothing else to their users."""

from __future__ import annotations

from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

from tameflare.connectors import denials
from tameflare.connectors.denials import Denial, Rendered, facts, retry
from tameflare.connectors.request import HttpRequest

_GOOGLE: Final = ".googleapis.com"
_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn")
_GOOGLE_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FORBIDDEN: Final = 403


def shaped(denial: Denial, request: HttpRequest | None) -> Rendered:
    """By the host of the request; our own flat shape for all others."""
    host = "" if request is None else request.host
    if host.endswith(_GOOGLE):
        return google(denial)
    if request is not None and host.endswith(_AWS):
        return aws(denial, request)
    return denials.plain(denial)


def google(denial: Denial) -> Rendered:
    """Google's error object with our fields as an `ErrorInfo` (https://google.aip.dev/193)."""
    metadata = {name: value for name, value in facts(denial).items() if isinstance(value, str)}
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": denial.code.upper(),
        "domain": "tameflare",
        "metadata": metadata,
    }
    status = _GOOGLE_STATUS.get(denial.status, "FAILED_PRECONDITION")
    error = {"code": denial.status, "message": denial.message, "status": status, "details": [info]}
    return _json(denial, {"error": error | {"matched": list(denial.matched)}}, "application/json")


def aws(denial: Denial, request: HttpRequest) -> Rendered:
    """S3's XML, that of the services with a query protocol, or the JSON of the others
    (https://smithy.io/2.0/aws/protocols/index.html): botocore shows its user the code and the message in them."""
    code = "AccessDenied" if denial.status == _FORBIDDEN else "".join(map(str.capitalize, denial.code.split("_")))
    kind = request.header(b"content-type")
    if "json" in kind:
        body = {"__type": code, "code": code, "message": denial.message, **facts(denial)}
        return _json(denial, body, kind.partition(";")[0], (("x-amzn-ErrorType", code),))
    fields = {"Code": code, "Message": denial.message, "RequestId": denial.request_id, "Reason": denial.code}
    fields |= {"Action": denial.action, "Help": denial.help}
    error = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    text = f"<Error>{error}</Error>"
    if not _is_s3(request.host):
        text = f"<ErrorResponse>{text}<RequestId>{escape(denial.request_id)}</RequestId></ErrorResponse>"
    return Rendered(denial.status, retry(denial), "application/xml", f'<?xml version="1.0"?>\n{text}\n'.encode())


def _is_s3(host: str) -> bool:
    """`s3.…`, `s3-fips.…` and with a bucket before it."""
    return any(label == "s3" or label.startswith("s3-") for label in host.split("."))


def _json(denial: Denial, body: dict[str, Any], kind: str, extra: denials.Headers = ()) -> Rendered:
    return Rendered(denial.status, retry(denial) + extra, kind, msgspec.json.encode(body) + b"\n")
