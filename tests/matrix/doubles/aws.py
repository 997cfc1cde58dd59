"""AWS's STS and one bucket of S3, with signatures checked as version 4 says
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, quote

from tests.matrix.gateways import BUCKET, STS

from tameflare.demo.doubles.web import Answer, Request

KEY_ID = "AKIADOUBLE0000000000"
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\S+), ?SignedHeaders=(\S+), ?Signature=(\w+)")
_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::000000000000:user/demo</Arn><UserId>AIDADEMO</UserId><Account>000000000000</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_BAD = "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message></Error>"


class Aws:
    """Whose key is `KEY_ID` with a secret that the program has: it signs by itself."""

    hosts = (STS, BUCKET)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def authorised(self, request: Request) -> bool:
        """Whether what came is what was signed."""
        found = _SIGNED.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1] != KEY_ID:
            return False
        return hmac.compare_digest(found[4], self._signature(request, found[2], found[3].split(";")))

    def _signature(self, request: Request, scope: str, names: list[str]) -> str:
        headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
        pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in parse_qsl(request.query, True))
        query = "&".join(f"{name}={value}" for name, value in pairs)
        payload = request.headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest()
        path = quote(request.path, safe="/-_.~")
        whole = "\n".join([request.method, path, query, headers, ";".join(names), payload])
        digest = hashlib.sha256(whole.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", request.headers.get("x-amz-date", ""), scope, digest])
        key = f"AWS4{self._secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    async def answer(self, request: Request) -> Answer:
        """Errors come as S3's XML."""
        if not self.authorised(request):
            return Answer(403, _BAD.encode(), (("content-type", "application/xml"),))
        if request.host == STS:
            return Answer(200, _IDENTITY.encode(), (("content-type", "text/xml"),))
        if request.method == "GET":
            return Answer(200, headers=(("content-type", "text/plain"),), stream=_pieces())
        return Answer(200, headers=(("etag", '"0"'),))


async def _pieces() -> AsyncIterator[bytes]:
    for word in (b"Hello ", b"from ", b"the ", b"double."):
        yield word
