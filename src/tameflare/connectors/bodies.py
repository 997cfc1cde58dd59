"""Bodies that are judged: decompressed within limits, then read as what the vendor reads them as."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from tameflare.connectors.auth import METHOD_OVERRIDE_FIELD, field_name
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import Fields, parse_form
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.strict_json import parse_json

MAX_RATIO: Final = 100
MAX_DECODED: Final = 16 << 20
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_SEPARATOR: Final = re.compile(r"[&;]")
_MEDIA_TYPE_END: Final = re.compile(r"[;,\s]")
_OVERRIDE_WORD: Final = re.compile(rb"(?<![A-Za-z0-9])[._]method(?![A-Za-z0-9_])")
_AS_PART_NAME: Final = re.compile(rb"\*?\s*=[^\r\n]*")
_LOOK_BACK: Final = 200
_GZIP: Final = 31
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def content_type(request: HttpRequest) -> str:
    """The media type in lower case, without parameters."""
    return request.header(b"content-type").partition(";")[0].strip().lower()


def is_form(request: HttpRequest) -> bool:
    """Whether a server might read the body as a form: urlencoded or multipart.

    Rack takes a POST without a type for one, and ends the type at a comma; of several types any may count.
    """
    kinds = [value.decode("latin-1").strip().lower() for value in request.values(b"content-type")]
    return not any(kinds) or any(map(_names_form, kinds))


def _names_form(kind: str) -> bool:
    bare = _MEDIA_TYPE_END.split(kind, 1)[0]
    return bare in {"", FORM} or bare.startswith("multipart/")


def plain_body(request: HttpRequest) -> bytes:
    """The body without its content coding. Raises Unreadable for codings other than gzip, and for bombs."""
    _check_head(request)
    body = request.body or b""
    codings = request.values(b"content-encoding")
    if not codings or not body:
        return body
    coding = b",".join(codings).strip().lower()
    if coding in {b"", b"identity"}:
        return body
    if coding not in {b"gzip", b"x-gzip"}:
        raise Unreadable("the body has a content coding other than gzip")
    return _gunzip(body)


def _check_head(request: HttpRequest) -> None:
    types = request.values(b"content-type")
    if len(types) > 1:
        raise Unreadable("the request has several content types")
    charsets = {charset.lower() for charset in _CHARSET.findall(request.header(b"content-type"))}
    if charsets - {"utf-8", "utf8", "us-ascii"}:
        raise Unreadable("the body has a charset other than UTF-8")


def _gunzip(body: bytes) -> bytes:
    limit = min(MAX_DECODED, MAX_RATIO * len(body))
    decoder = zlib.decompressobj(_GZIP)
    try:
        plain = decoder.decompress(body, limit + 1)
    except zlib.error:
        raise Unreadable("the body is not gzip") from None
    if len(plain) > limit or decoder.unconsumed_tail:
        raise Unreadable(f"the body grows by more than {MAX_RATIO} or over {MAX_DECODED >> 20} MiB when decompressed")
    if not decoder.eof or decoder.unused_data:
        raise Unreadable("the body is not exactly one gzip member")
    return plain


def json_value(request: HttpRequest) -> Any:
    """The body as JSON whatever its content type says; None where there is none. Raises Unreadable."""
    plain = plain_body(request)
    if not plain.strip():
        return None
    if is_form(request):
        refuse_override(plain)
    return parse_json(plain)


def json_fields(request: HttpRequest) -> Fields:
    """The body as a JSON object. Raises Unreadable for any other value."""
    value = json_value(request)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return value


def form_fields(request: HttpRequest) -> Fields:
    """The body as an urlencoded form; also one without a content type. Raises Unreadable."""
    plain = plain_body(request)
    if not plain:
        return {}
    if content_type(request) not in {FORM, ""}:
        raise Unreadable("the body is not an urlencoded form")
    refuse_override(plain)
    return parse_form(plain)


def refuse_override(plain: bytes) -> None:
    """Refuse a body that a server could read as a form with a `_method` field. Raises Unreadable."""
    decoded = unquote_to_bytes(plain).replace(b"\\", b"")
    if b"method" not in decoded:
        return
    if _has_override_field(plain) or _has_override_part(decoded):
        raise Unreadable("the body overrides the method")


def _has_override_field(plain: bytes) -> bool:
    """PHP makes `_method` of `.method` as well."""
    names = map(field_name, set(_SEPARATOR.split(plain.decode("latin-1"))))
    return any(name.replace(".", "_") == METHOD_OVERRIDE_FIELD for name in names)


def _has_override_part(decoded: bytes) -> bool:
    """Whether the word stands where a multipart part says its name, quoted or not."""
    for match in _OVERRIDE_WORD.finditer(decoded):
        _, found, behind = decoded[max(0, match.start() - _LOOK_BACK) : match.start()].rpartition(b"name")
        if found and _AS_PART_NAME.fullmatch(behind):
            return True
    return False
