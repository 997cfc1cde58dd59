"""A hundred policies, as somebody may have them: some can match what is measured, most are about other things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tameflare.demo.product import Product

COUNT: Final = 100
HERE: Final = 10
"""How many of them are about GitHub; each of the others is about Stripe."""
_RULE: Final = """  - name: {name}
    conditions:
      all:
        - {{field: parameters.owner, operator: equals, value: owner-{name}}}
        - {{field: parameters.repo, operator: in, value: [one, two, three]}}
        - {{field: request.host, operator: ends_with, value: .com}}
    decision: deny
"""


@contextmanager
def governed(product: Product) -> Iterator[None]:
    """With the policies in force."""
    files = [{"name": f"{name}.yaml", "text": source} for name, source in _policies()]
    product.api("POST", "/api/dashboard/policies/apply", {"files": files})
    product.wait_for_configuration()
    try:
        yield
    finally:
        for name, _ in _policies():
            product.api("DELETE", f"/api/dashboard/policies/{name}")
        product.wait_for_configuration()


def _policies() -> Iterator[tuple[str, str]]:
    for number in range(COUNT):
        name, about = f"bench-{number}", "github.*" if number < HERE else "stripe.*"
        rules = "".join(_RULE.format(name=f"{name}-{rule}") for rule in range(3))
        yield name, f"name: {name}\nscope:\n  action_types: [{about}]\nrules:\n{rules}"
