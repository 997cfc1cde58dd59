"""Stripe: customers, charges and refunds with form bodies (https://docs.stripe.com/api)."""

from __future__ import annotations

from typing import Any

from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer


def _error(status: int, kind: str, message: str) -> Answer:
    return json_answer({"error": {"type": kind, "message": message}}, status)


class Stripe:
    """Objects live in memory; charge `ch_demo` of 5000 cents is there from the start."""

    hosts = ("api.stripe.com",)

    def __init__(self, key: str) -> None:
        self._key = key
        self._objects: dict[str, dict[str, Any]] = {}
        self._keep("charge", "ch_demo", {"amount": 5000, "currency": "usd", "paid": True, "status": "succeeded"})
        self._routes = Routes()
        for noun, prefix, make in (
            ("customers", "cus", self._customer),
            ("charges", "ch", self._charge),
            ("refunds", "re", self._refund),
        ):
            kind = noun.removesuffix("s")
            self._routes.add("POST", f"/v1/{noun}", self._creator(kind, prefix, make))
            self._routes.add("GET", f"/v1/{noun}", self._lister(kind))
            self._routes.add("GET", f"/v1/{noun}/{{id}}", self._retrieve)

    def authorised(self, request: Request) -> bool:
        """Bearer key, or Basic with the key as user."""
        return request.authorization() in (("bearer", self._key), ("basic", f"{self._key}:"))

    async def answer(self, request: Request) -> Answer:
        """Errors come as Stripe's error object."""
        if not self.authorised(request):
            return _error(401, "invalid_request_error", "Invalid API Key provided")
        found = await self._routes.answer(request)
        return found or _error(404, "invalid_request_error", f"Unrecognized request URL ({request.method})")

    def _keep(self, kind: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
        made = {"id": name, "object": kind, "livemode": False, "created": 1700000000, "metadata": {}, **values}
        self._objects[name] = made
        return made

    def _creator(self, kind: str, prefix: str, make: Any) -> Any:
        async def create(request: Request) -> Answer:
            values = make(request.fields())
            if isinstance(values, Answer):
                return values
            return json_answer(self._keep(kind, f"{prefix}_{len(self._objects)}", values))

        return create

    def _lister(self, kind: str) -> Any:
        async def all_of_kind(request: Request) -> Answer:
            data = [value for value in self._objects.values() if value["object"] == kind]
            return json_answer({"object": "list", "url": request.path, "has_more": False, "data": data})

        return all_of_kind

    async def _retrieve(self, _: Request, id: str) -> Answer:  # noqa: A002  # the name in the path template
        found = self._objects.get(id)
        return json_answer(found) if found else _error(404, "invalid_request_error", f"No such object: '{id}'")

    def _customer(self, fields: dict[str, str]) -> dict[str, Any]:
        return {"email": fields.get("email"), "name": fields.get("name")}

    def _charge(self, fields: dict[str, str]) -> dict[str, Any] | Answer:
        if not fields.get("amount", "").isdecimal():
            return _error(400, "invalid_request_error", "Missing required param: amount.")
        return {
            "amount": int(fields["amount"]),
            "currency": fields.get("currency", "usd"),
            "paid": True,
            "status": "succeeded",
        }

    def _refund(self, fields: dict[str, str]) -> dict[str, Any] | Answer:
        charge = self._objects.get(fields.get("charge", ""))
        if charge is None:
            return _error(400, "invalid_request_error", "No such charge")
        amount = int(fields.get("amount", charge["amount"]))
        return {"amount": amount, "charge": charge["id"], "currency": charge["currency"], "status": "succeeded"}
