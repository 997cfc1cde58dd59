"""Looking a plain path up finds what walking the trie finds."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tameflare.connectors.routes import Route
from tameflare.connectors.shapes import Shapes
from tameflare.connectors.trie import Trie

PARTS = ("a", "b", "7", "{x}", "{n:int}", "{y:any}", "{rest+}")
templates = st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4), min_size=1, max_size=8)
paths = st.lists(st.sampled_from(("a", "b", "7", "c", "\u0663")), min_size=1, max_size=4)


def routes(found: list[list[str]]) -> list[Route]:
    """One route for each template; captures named by their place, so that siblings agree. GET and POST in turn."""
    made = {}
    for number, parts in enumerate(found):
        named = [
            part.replace("x", f"x{at}").replace("n:", f"n{at}:").replace("y:", f"y{at}:")
            for at, part in enumerate(parts)
        ]
        path = "/" + "/".join(part.replace("rest", f"rest{at}") for at, part in enumerate(named))
        made.setdefault(path, Route(("GET", "POST")[number % 2], path, f"v.r{len(made)}.get"))
    return list(made.values())


@settings(max_examples=600, deadline=None)
@given(found=templates, segments=paths, method=st.sampled_from(("GET", "POST", "HEAD")))
@example([["a", "{n:int}", "{x}"], ["a", "{x}", "b"]], ["a", "7", "b"], "GET")
@example([["a", "{rest+}"], ["{x}", "b"]], ["a", "b"], "POST")
@example([["a", "{y:any}"], ["{x}", "b"]], ["a", "b"], "POST")
def test_as_the_walk(found: list[list[str]], segments: list[str], method: str) -> None:
    quick, walking = Trie(routes(found)), Trie(routes(found))
    walking._shapes = Shapes(())
    path = "/" + "/".join(segments)
    one, other = quick.find(method, path), walking.find(method, path)
    if one is None or other is None:
        assert one is other
        return
    assert (one[0].routes[0].type, list(one[1])) == (other[0].routes[0].type, list(other[1]))
