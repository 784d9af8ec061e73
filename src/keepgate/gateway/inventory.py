"""Asks one server once what it offers, with no client behind the question: for `keepgate up` and `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from keepgate.decide.schemas import contract_of
from keepgate.gateway.backends import HandshakeBackend, StatelessBackend
from keepgate.gateway.link import Link
from keepgate.gateway.pins import own_name
from keepgate.gateway.settings import Identity, Limits, ServerSettings
from keepgate.gateway.shelf import CAPABILITY, KEY
from keepgate.gateway.upstream import Upstream
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import display
from keepgate.protocol.eras import R2025_11, R2026_07, Era


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a server offers, by its own names."""

    tools: tuple[str, ...]
    prompts: tuple[str, ...]
    resources: tuple[str, ...]
    """URIs and URI templates"""
    revision: str
    server: str
    """name/version as the server claims"""
    unusable: tuple[tuple[str, str], ...] = ()
    """Tools with a schema that cannot be used, and why"""
    definitions: Mapping[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    """By list method: the definitions as listed"""
    name: str = ""
    instructions: str = ""
    capabilities: tuple[str, ...] = ()
    """Names of what it declares"""


class _Nobody:
    """Owner of a link that serves nobody."""

    def unsolicited(self, link: Link, message: Message) -> None: ...

    def lost(self, link: Link, failure: UpstreamError) -> None: ...

    def dropped(self, link: Link, message: Message | None, why: str) -> None: ...


async def list_server(
    settings: ServerSettings, identity: Identity, limits: Limits, monotonic: Callable[[], float]
) -> Inventory:
    """Start or reach the server, list everything, stop it. Raises UpstreamError."""
    owner = _Nobody()
    upstream = Upstream(settings, identity, limits, owner, monotonic)

    async def connect(backend: HandshakeBackend) -> Link:
        params: dict[str, Any] = {
            "protocolVersion": R2025_11,
            "capabilities": {},
            "clientInfo": identity.info,
        }
        link, backend.initialized = await upstream.handshake_link(params, owner)
        link.post(jsonrpc.notification("notifications/initialized"))
        return link

    try:
        backend: StatelessBackend | HandshakeBackend
        if upstream.speaks(Era.STATELESS) is not False and await upstream.stateless_link() is not None:
            backend, revision = StatelessBackend(upstream), R2026_07
        else:
            backend = HandshakeBackend(upstream, connect)
            revision = (await backend.live()).revision
        names: dict[str, list[str]] = {}
        definitions: dict[str, tuple[dict[str, Any], ...]] = {}
        unusable: list[tuple[str, str]] = []
        for method, capability in CAPABILITY.items():
            found: list[dict[str, Any]] = []
            if capability in backend.capabilities:
                found = await _items(backend, method)
            if method == "tools/list":
                unusable = list(_unusable(found))
            names[method] = [item[KEY[method]] for item in found]
            definitions[method] = tuple(found)
        return Inventory(
            tuple(names["tools/list"]),
            tuple(names["prompts/list"]),
            (*names["resources/list"], *names["resources/templates/list"]),
            revision,
            display(backend.server_info),
            tuple(unusable),
            definitions,
            own_name(backend.hello),
            backend.instructions,
            tuple(backend.capabilities),
        )
    finally:
        await upstream.close()


def _unusable(tools: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for tool in tools:
        contract = contract_of(tool)
        if contract.unusable_input:
            yield tool["name"], f"its `inputSchema`: {contract.unusable_input}"
        if contract.unusable_output:
            yield tool["name"], f"its `outputSchema`: {contract.unusable_output}"


async def _items(backend: StatelessBackend | HandshakeBackend, method: str) -> list[dict[str, Any]]:
    """Tools must be listable where they are declared; of the rest an error means there are none."""
    try:
        return await backend.shelf.items(method)
    except UpstreamError:
        if method == "tools/list":
            raise
        return []
