"""Node under `tf run`: what its user is told where there is no answer that could tell it."""

from __future__ import annotations

from tests.support.product import Governed

ASKED = """
const url = "https://api.github.com/user";
const failed = [];
fetch(url).catch((fault) => failed.push(fault.cause.message)).then(() =>
  require("https").get(url).on("error", (fault) => {
    failed.push(fault.message);
    console.log(failed.join("\\n"));
  }));
"""
NO_TOKEN = "the proxy token, run or agent is not valid; start the program with `tf run` (unauthenticated)"


def asked_with(governed: Governed, proxy: str) -> list[str]:
    """What both kinds of clients say, where the program itself names another proxy."""
    done = governed.run("env", f"HTTPS_PROXY={proxy}", f"https_proxy={proxy}", "node", "-e", ASKED)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    return done.stdout.splitlines()


def test_a_token_that_is_not_valid(governed: Governed) -> None:
    told = asked_with(governed, governed.product.proxy.replace("://", "://default:tfr_none@"))
    assert told == [f"the proxy refused a connection to api.github.com:443: {NO_TOKEN}"] * 2


def test_a_proxy_that_does_not_listen(governed: Governed) -> None:
    told = asked_with(governed, "http://127.0.0.1:1")
    assert told == ["the proxy at 127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1"] * 2
