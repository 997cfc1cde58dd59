"""How a client is set up."""

from __future__ import annotations

import pytest

from tameflare.sdk import AsyncClient, Client, ConfigurationError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_SERVER_URL", "TF_AGENT_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_the_environment_sets_a_client_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_SERVER_URL", "https://flare.example.com/")
    monkeypatch.setenv("TF_AGENT_KEY", "tf_live_abc")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for client in (Client(), AsyncClient()):
        assert repr(client).endswith("(server_url='https://flare.example.com')")
        assert client._http.trust_env is False
    assert "10.0.0.1" in repr(Client(server_url="https://10.0.0.1"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no agent key"),
        ({"key": "two words"}, "no key has"),
        ({"key": "k", "server_url": "ftp://x"}, "no http or https URL"),
        ({"key": "k", "server_url": "https://u:p@x.test"}, "no password"),
        ({"key": "k", "server_url": "http://flare.example.com"}, "plain http"),
        ({"key": "k", "timeout": 0}, "timeout"),
        ({"key": "k", "max_retries": -1}, "max_retries"),
    ],
)
def test_what_cannot_work_is_said_at_once(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Client(**values)


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000", "http://localhost", "http://[::1]:3000"])
def test_plain_http_stays_on_this_machine(url: str) -> None:
    assert Client("k", server_url=url)


def test_plain_http_to_another_machine_must_be_wished_for() -> None:
    assert Client("k", server_url="http://flare.internal", allow_http=True)
