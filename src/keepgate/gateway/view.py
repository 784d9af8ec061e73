"""Several servers behind one endpoint: names and URIs towards the client, resolved by table, never by splitting.

A tool or prompt is `<prefix><name>`. If two servers then collide, the first in the configuration keeps the name and
the other gets its server id in front. Tables are built over all servers of the mount, not over what one principal may
see, so a name means the same for everybody; what a principal may use is policy's business.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

from keepgate.gateway import uris
from keepgate.gateway.backend import Backend
from keepgate.gateway.shelf import CAPABILITY, KEY, Meta, Shelf
from keepgate.model.access import Resource, ResourceKind
from keepgate.model.errors import UpstreamError

MAX_ISSUED = 10_000
NAMED = {"tools/list": ResourceKind.TOOL, "prompts/list": ResourceKind.PROMPT}
"""Lists whose items clients call by name."""
LIST_PATIENCE = 10.0
"""Seconds that a list over several servers waits for one of them."""

Failures = dict[str, UpstreamError]


@dataclass(slots=True)
class Target:
    """What a client's name or URI stands for: the server's own name, and the listed item if there is one."""

    backend: Backend
    name: str
    item: dict[str, Any] | None = None
    resource: Resource | None = None
    """As policy names it; set on what is listed by name."""
    _tokens: dict[tuple[str, ...], str] | EllipsisType | None = ...

    @property
    def tokens(self) -> dict[tuple[str, ...], str] | None:
        """Arguments that are mirrored in headers, see `Shelf.tokens`; asked of the shelf once."""
        if self._tokens is ...:
            self._tokens = self.backend.shelf.tokens(self.name)
        return self._tokens


class View:
    """The servers behind one endpoint, for one session or for all stateless callers."""

    def __init__(self, backends: Sequence[Backend], *, single: bool) -> None:
        self.backends = {backend.settings.id: backend for backend in backends}
        self.absent: dict[str, Backend] = {}
        """Servers that could not be reached: in no list, but a call by name leads to them."""
        self.single = single
        """Mounted alone: no prefix, the server's own instructions and identity pass."""
        self._names: dict[str, dict[str, Target]] = {}
        self._given: dict[str, dict[tuple[str, str], str]] = {}
        self._built: dict[str, tuple[int, ...]] = {}
        self._seen: dict[str, int] = {}
        """`Shelf.changes` when a table was last found current."""
        self._issued: OrderedDict[tuple[str, str], str] = OrderedDict()

    def add(self, backend: Backend) -> None:
        """A server became available later."""
        self.absent.pop(backend.settings.id, None)
        self.backends[backend.settings.id] = backend
        self._built.clear()
        self._seen.clear()

    def remove(self, server: str) -> None:
        """A server is gone."""
        self.absent.pop(server, None)
        self.backends.pop(server, None)
        self._built.clear()
        self._seen.clear()

    def offering(self, method: str) -> list[Backend]:
        """The servers that declared the capability a list method needs."""
        need = CAPABILITY[method]
        return [backend for backend in self.backends.values() if need in backend.capabilities]

    async def load(
        self, method: str, servers: Sequence[Backend], *, fresh: bool, meta: Meta = None
    ) -> Failures:
        """Fetch one list from the given servers at once; servers that fail are returned, not raised.

        Behind a common endpoint one that hangs must not hold up the others: what it last listed is shown.
        """
        patience = None if self.single else LIST_PATIENCE

        async def one(backend: Backend) -> UpstreamError | None:
            try:
                await backend.shelf.items(method, fresh=fresh, meta=meta, patience=patience)
            except UpstreamError as error:
                return error
            return None

        if len(servers) == 1:
            failures = [await one(servers[0])]
        else:
            failures = list(await asyncio.gather(*(one(backend) for backend in servers)))
        return {
            backend.settings.id: failure
            for backend, failure in zip(servers, failures, strict=True)
            if failure is not None
        }

    def _table(self, method: str) -> dict[str, Target]:
        """Client name to what it stands for, rebuilt when any shelf changed."""
        changes = Shelf.changes
        if self._seen.get(method) == changes:
            return self._names[method]
        self._seen[method] = changes
        built = tuple(backend.shelf.generation for backend in self.backends.values())
        if self._built.get(method) == built:
            return self._names[method]
        table: dict[str, Target] = {}
        given: dict[tuple[str, str], str] = {}
        kind = NAMED.get(method)
        for server, backend in self.backends.items():
            for item in backend.shelf.known(method):
                own = item[KEY[method]]
                if (server, own) in given:
                    continue
                name = self._free_name(method, server, backend, own, table)
                if name is not None:
                    resource = Resource(kind, server, own) if kind is not None else None
                    table[name] = Target(backend, own, item, resource)
                    given[server, own] = name
        self._names[method], self._given[method], self._built[method] = table, given, built
        return table

    def _free_name(
        self, method: str, server: str, backend: Backend, own: str, table: dict[str, Target]
    ) -> str | None:
        """The client's name for an item: the plain form, else the form with the server id, else none."""
        by_uri = KEY[method] != "name"
        plain = own if by_uri or self.single else backend.settings.prefix + own
        if plain not in table:
            return plain
        second = uris.alias(server, own) if by_uri else f"{server}_{own}"
        return second if second not in table else None

    def given_name(self, method: str, server: str, own: str) -> str | None:
        """The client's name for a server's item, or None if it has lost to collisions or is not listed."""
        self._table(method)
        return self._given[method].get((server, own))

    async def named(self, method: str, name: str) -> Target | None:
        """The tool or prompt a client's name stands for, asking servers anew if the name is not known."""
        found = self.ready(method, name)
        if found is not None:
            return found
        missing = [backend for backend in self.offering(method) if not backend.shelf.has(method)]
        if missing:
            await self.load(method, missing, fresh=False)
        return self._table(method).get(name) or self._unlisted(method, name)

    def ready(self, method: str, name: str) -> Target | None:
        """The listed tool or prompt of that name, if no server need be asked to know it."""
        found = self._table(method).get(name)
        return found if found is not None and found.backend.shelf.has(method) else None

    def _unlisted(self, method: str, name: str) -> Target | None:
        """A name no list has. Servers may offer what they do not list, so it goes to the one server it can belong to.

        Policy still decides on it, and an error of the server is answered as for an unknown name. Another spelling of
        what is listed is no such name: a server that ignores case would do what policy denies by its own name.
        """
        known = [*self.backends.values(), *self.absent.values()]
        fitting = [b for b in known if self.single or name.startswith(b.settings.prefix)]
        if len(fitting) != 1:
            return None
        own = name if self.single else name.removeprefix(fitting[0].settings.prefix)
        return None if fitting[0].shelf.resembles(method, own) else Target(fitting[0], own)

    async def located(self, uri: str, principal: str) -> Target | None:
        """The server that a resource URI belongs to: listed, aliased, fitting a template, or issued in a result."""
        offering = self.offering("resources/list")
        if len(self.backends) == 1 and offering:
            return Target(offering[0], uri)
        await self.know_uris()
        entry = self._table("resources/list").get(uri)
        if entry is not None:
            return Target(entry.backend, entry.name)
        aliased = uris.parse_alias(uri)
        if aliased is not None and aliased[0] in self.backends:
            return Target(self.backends[aliased[0]], aliased[1])
        owner = self._owner(uri, principal)
        return Target(self.backends[owner], uri) if owner is not None else None

    def _owner(self, uri: str, principal: str) -> str | None:
        """The server a plain URI stands for. What is listed comes first: an issued link must not take it over."""
        entry = self._table("resources/list").get(uri)
        owner = entry.backend.settings.id if entry is not None else self._by_template(uri)
        if owner is None:
            owner = self._issued.get((principal, uri))
        return owner if owner in self.backends else None

    async def know_uris(self) -> None:
        """Fetch the resource lists that are not known yet: without them two servers' equal URIs look like one."""
        pending = [
            b
            for b in self.offering("resources/list")
            if not (b.shelf.has("resources/list") and b.shelf.has("resources/templates/list"))
        ]
        if pending:
            await self.load("resources/list", pending, fresh=False)
            await self.load("resources/templates/list", pending, fresh=False)

    def _by_template(self, uri: str) -> str | None:
        """The one server of whose templates a URI may come; a template that another server has first is an alias."""
        method = "resources/templates/list"
        fitting = [
            server
            for server, backend in self.backends.items()
            if any(
                fits_template(item["uriTemplate"], uri)
                and self.given_name(method, server, item["uriTemplate"]) == item["uriTemplate"]
                for item in backend.shelf.known(method)
            )
        ]
        return fitting[0] if len(fitting) == 1 else None

    def note_issued(self, principal: str, server: str, links: Sequence[str]) -> None:
        """Remember which server first handed out a link, for this principal only, bounded."""
        for uri in links:
            self._issued.setdefault((principal, uri), server)
            self._issued.move_to_end((principal, uri))
        while len(self._issued) > MAX_ISSUED:
            self._issued.popitem(last=False)

    def to_client_uri(self, server: str, principal: str) -> uris.Rewrite:
        """Rewrites a server's URIs into what this view calls them: plain only if that leads back to the server."""
        if len(self.backends) == 1:
            return lambda uri: uri

        def rewrite(uri: str) -> str:
            owner = self._owner(uri, principal)
            if owner is None or owner == server:
                return uri
            return self.given_name("resources/list", server, uri) or uris.alias(server, uri)

        return rewrite


def fits_template(template: str, uri: str) -> bool:
    """Whether a URI may come from a template: the literal text before the first variable fits."""
    literal, brace, _ = template.partition("{")
    return bool(brace and literal) and uri.startswith(literal)
