"""What looking for a credential in answers costs, by what they are like: `python bench/masking.py`."""

from __future__ import annotations

import base64
import random
import string
import time
from collections.abc import Callable
from statistics import median

from tameflare.connectors.auth import bearer
from tameflare.connectors.secret_forms import secret_forms
from tameflare.link.messages import OpenCredential
from tameflare.wire.masking import Masker

SECRETS = 9
ROUNDS = 7
SECONDS = 0.02
LARGE = 1 << 18
HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 22:28:04 GMT\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1024\r\nConnection: keep-alive\r\nETag: W/"abc"\r\nCache-Control: private\r\n\r\n'
)
ITEM = (
    b'{"id":1296269,"node_id":"MDEwOlJlcG9zaXRvcnkx","name":"Hello-World","private":false,"owner":{"login":"octocat",'
    b'"type":"User","site_admin":false},"html_url":"https://github.com/octocat/Hello-World","fork":false,"size":108,'
    b'"pushed_at":"2026-01-26T19:06:43Z","description":"This your first repo!","topics":["octocat","atom","api"]},'
)
EVENT = (
    b'data: {"id":"chatcmpl-AbC9xYz","object":"chat.completion.chunk","model":"gpt-4o-2024-08-06",'
    b'"choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}\n\n'
)


def bodies(chance: random.Random) -> dict[str, bytes]:
    binary = chance.randbytes(LARGE)
    return {
        "head and 1 KiB of JSON": HEAD + (ITEM * 4)[:1024],
        "head and 1 KiB of one letter": HEAD + b'{"x":"' + b"a" * 1016 + b'"}',
        "one server-sent event": EVENT,
        "256 KiB of JSON": (ITEM * 1000)[:LARGE],
        "256 KiB of base64": base64.b64encode(binary)[:LARGE],
        "256 KiB of random bytes": binary,
        "256 KiB of zeros": bytes(LARGE),
    }


def masker(chance: random.Random) -> Masker:
    """For a secret as vendors make them."""
    secret = "ghp_" + "".join(chance.choices(string.ascii_letters + string.digits, k=36))
    return Masker(secret_forms(secret, bearer(OpenCredential("c", secret))))


def seconds(work: Callable[[], object]) -> float:
    """The median of several rounds, for one call."""
    repeats = 1
    while (took := _time(work, repeats)) < SECONDS:
        repeats = max(2 * repeats, int(repeats * SECONDS / max(took, 1e-6)))
    return median(_time(work, repeats) for _ in range(ROUNDS)) / repeats


def _time(work: Callable[[], object], repeats: int) -> float:
    began = time.thread_time()
    for _ in range(repeats):
        work()
    return time.thread_time() - began


def main() -> None:
    chance = random.Random(7)
    maskers = [masker(chance) for _ in range(SECRETS)]
    print("| what is searched | µs | MB/s | of the slowest secret, µs |\n|---|---|---|---|")
    for name, body in bodies(chance).items():
        costs = sorted(seconds(lambda one=one, body=body: one.stream().feed(body)) for one in maskers)
        usual, worst = median(costs), costs[-1]
        print(f"| {name} | {usual * 1e6:.2f} | {len(body) / usual / 1e6:,.0f} | {worst * 1e6:.2f} |")
    made = seconds(lambda: masker(chance)) * 1e6
    print(f"\nGetting ready for a credential, once per connector and configuration: {made:.0f} µs")


if __name__ == "__main__":
    main()
