"""The configuration as the proxy serves it: hosts to connectors, with their credentials ready to be put in.

Built off the hot path from a configuration and its bundle, then only read. A new version replaces the whole.
"""

from __future__ import annotations

import hashlib

import structlog

from tameflare.connectors import registry
from tameflare.connectors.auth import NEGOTIATION, Injection
from tameflare.connectors.base import NO_DOWNLOADS, Connector
from tameflare.connectors.secret_forms import SHORTEST, secret_forms
from tameflare.core.addresses import AddressGuard
from tameflare.core.compile import CompiledConfiguration, CompiledConnector, CompiledGateway
from tameflare.core.config import Configuration, ConnectorConfig, CredentialMode
from tameflare.core.errors import TameFlareError
from tameflare.link.messages import Bundle, OpenCredential
from tameflare.proxy.answer_changes import AnswerChanges
from tameflare.wire.masking import Masker
from tameflare.wire.target import DEFAULT_PORT

log = structlog.get_logger(__name__)

OWN_KEYS = 64
KEPT_HOSTS = 256


class Binding:
    """One connector instance of one gateway: its rules, its way of naming, its credential, its address guard."""

    __slots__ = (
        "_answers",
        "_credential",
        "_injections",
        "_maskers",
        "alters_answers",
        "compiled",
        "connector",
        "downloads",
        "fingerprint",
        "guard",
        "identify",
        "mode",
        "name",
        "own_keys",
        "plain_strip",
        "ports",
        "type",
    )

    def __init__(self, compiled: CompiledConnector, connector: Connector, credential: OpenCredential | None) -> None:
        config = compiled.config
        self.compiled = compiled
        self.connector = connector
        self.name = config.name
        self.type = config.type
        self.mode = config.credential
        self.identify = config.identify
        self.ports = frozenset(config.ports)
        self.guard = AddressGuard(config.allow_addresses)
        self.fingerprint = _fingerprint(config, credential)
        self._credential = credential
        self._injections: dict[str, Injection] = {}
        self._answers: dict[str, AnswerChanges] = {}
        self._maskers: dict[Injection, Masker | None] = {}
        masks = credential is not None and self.mode is CredentialMode.REQUIRED and not connector.is_tunnel
        self.alters_answers = masks or connector.filters_responses
        self.downloads = connector.downloads if self.alters_answers and not config.strict_mask else NO_DOWNLOADS
        self.plain_strip = connector.strip.headers | NEGOTIATION
        self.own_keys: set[bytes] = set()

    def learn_own_key(self, value: bytes) -> None:
        """Remember how this connector's placeholder is written in a header, so that it need not be read again."""
        if len(self.own_keys) < OWN_KEYS:
            self.own_keys.add(value)

    def serves(self, scheme: str, port: int) -> bool:
        """Whether this connector covers the port; plain http only where the connector says so."""
        if scheme == "http" and not self.compiled.config.allow_plaintext:
            return False
        if self.ports:
            return port in self.ports
        return port == DEFAULT_PORT[scheme]

    @property
    def lacks_credential(self) -> bool:
        return self.mode is CredentialMode.REQUIRED and self._credential is None and not self.connector.is_tunnel

    def injection(self, host: str) -> Injection | None:
        """What is put into requests for `host`, or None where nothing is."""
        if self._credential is None or self.mode is not CredentialMode.REQUIRED:
            return None
        ready = self._injections.get(host)
        if ready is None:
            if len(self._injections) >= KEPT_HOSTS:
                self._injections.clear()
            ready = self._injections[host] = self.connector.injection(host, self._credential)
        return ready

    def answers(self, host: str) -> AnswerChanges:
        """What is done to answers from `host`, beside the connector's own filter."""
        ready = self._answers.get(host)
        if ready is None:
            if len(self._answers) >= KEPT_HOSTS:
                self._answers.clear()
            masker = self._masker(self.injection(host))
            ready = self._answers[host] = AnswerChanges(masker, self.compiled.config.strict_mask)
        return ready

    def _masker(self, injection: Injection | None) -> Masker | None:
        """Many hosts may share one injection, as under a wildcard."""
        if injection is None or self._credential is None:
            return None
        if injection in self._maskers:
            return self._maskers[injection]
        forms = secret_forms(self._credential.value, injection)
        if len(self._credential.value.encode()) < SHORTEST:
            log.warning("credential too short to be masked", connector=self.name)
        masker = self._maskers[injection] = Masker(forms) if forms else None
        return masker


def _fingerprint(config: ConnectorConfig, credential: OpenCredential | None) -> str:
    """Connections are shared only where connector, credential and allowed addresses are the same."""
    secret = f"{credential.username}\0{credential.value}" if credential is not None else ""
    text = "\0".join((config.id, *config.allow_addresses, secret))
    return hashlib.sha256(text.encode()).hexdigest()


class ServedGateway:
    """A gateway with its hosts."""

    __slots__ = ("_exact", "_suffixes", "bindings", "compiled")

    def __init__(self, compiled: CompiledGateway, credentials: dict[str, OpenCredential]) -> None:
        self.compiled = compiled
        self.bindings: list[Binding] = []
        self._exact: dict[str, list[Binding]] = {}
        self._suffixes: list[tuple[str, Binding]] = []
        for connector in compiled.connectors.values():
            self._add(connector, credentials.get(connector.config.id))

    def _add(self, compiled: CompiledConnector, credential: OpenCredential | None) -> None:
        try:
            binding = Binding(compiled, registry.create(compiled.config), credential)
        except TameFlareError as fault:
            log.error("connector left out", connector=compiled.name, gateway=self.compiled.name, fault=fault.message)
            return
        self.bindings.append(binding)
        for domain in binding.connector.domains:
            if domain.startswith("*."):
                self._suffixes.append((domain[1:].lower(), binding))
            else:
                self._exact.setdefault(domain.lower(), []).append(binding)

    def covers(self, host: str) -> list[Binding]:
        """The connectors that name this host, whatever the port; an exact name beats a wildcard."""
        found = self._exact.get(host)
        if found is None:
            found = [binding for suffix, binding in self._suffixes if host.endswith(suffix)]
        return found

    def tunnel_to(self, host: str, port: int) -> Binding | None:
        """The connector that lets this place through unopened, if it is served by such a one alone."""
        found = self.locate("https", host, port)
        return found[0] if len(found) == 1 and found[0].connector.is_tunnel else None

    def locate(self, scheme: str, host: str, port: int) -> list[Binding]:
        return [binding for binding in self.covers(host) if binding.serves(scheme, port)]


class Served:
    """Everything at one version."""

    __slots__ = ("compiled", "gateways", "token_key", "version")

    def __init__(self, configuration: Configuration, bundle: Bundle) -> None:
        self.compiled = CompiledConfiguration(configuration)
        self.version = configuration.version
        self.token_key = bundle.token_key
        credentials = {credential.connector: credential for credential in bundle.credentials}
        self.gateways = {gateway.id: ServedGateway(gateway, credentials) for gateway in self.compiled.gateways.values()}
