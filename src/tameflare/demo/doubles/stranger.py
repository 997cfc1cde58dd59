"""A host that no connector names. Whatever reaches it got past the proxy."""

from __future__ import annotations

from tameflare.demo.doubles.web import Answer, Request, json_answer

HOST = "collector.example"


class Stranger:
    """Answers everything with 200, so that a leak shows as a success."""

    hosts = (HOST,)

    def authorised(self, request: Request) -> bool:  # noqa: ARG002  # the protocol's signature
        """Nobody holds a credential for this host."""
        return False

    async def answer(self, request: Request) -> Answer:
        """Always a success."""
        return json_answer({"received": len(request.body)})
