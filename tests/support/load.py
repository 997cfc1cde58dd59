"""A small load loop: threads that call through the proxy, each request on a path of its own."""

from __future__ import annotations

import itertools
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
from tests.support.product import Governed

THREADS = 4
PREFIX = "/repos/acme/site/contents/load-"


@dataclass(frozen=True)
class Answered:
    """A response that a client got in full."""

    method: str
    path: str
    status: int
    request_id: str


@dataclass
class Load:
    """Reads and writes in turn until the context ends. A client whose connection broke goes on with a new one."""

    governed: Governed
    answered: list[Answered] = field(default_factory=list)
    broken: int = 0

    def __post_init__(self) -> None:
        product = self.governed.product
        self._proxy = product.proxy.replace("://", f"://{product.gateway_token}:@")
        self._trust = ssl.create_default_context(cafile=product.data / "proxy" / "ca.pem")
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._loop, name=f"load-{index}") for index in range(THREADS)]

    def _requests(self) -> Iterator[tuple[str, str]]:
        for number in self._numbers:
            yield ("PUT" if number % 2 else "GET"), f"{PREFIX}{number}.txt"

    def _loop(self) -> None:
        client = self._client()
        for method, path in self._requests():
            if self._stop.is_set():
                break
            try:
                self._call(client, method, path)
            except httpx.TransportError:
                self.broken += 1
                client.close()
                client = self._client()
                self._stop.wait(0.05)
        client.close()

    def _client(self) -> httpx.Client:
        return httpx.Client(proxy=self._proxy, verify=self._trust, trust_env=False, timeout=30)

    def _call(self, client: httpx.Client, method: str, path: str) -> None:
        body = {"message": "load", "content": ""} if method == "PUT" else None
        answer = client.request(method, f"https://api.github.com{path}", json=body)
        request_id = answer.headers.get("x-tameflare-request-id", "")
        self.answered.append(Answered(method, path, answer.status_code, request_id))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
