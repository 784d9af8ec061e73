"""What one server offers: its listed tools, prompts, resources and templates, all pages, as last seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from keepgate.model.errors import UpstreamError
from keepgate.protocol import http
from keepgate.protocol.eras import LISTS

MAX_PAGES = 200

Meta = dict[str, Any] | None
Fetch = Callable[[str, str | None, Meta], Awaitable[dict[str, Any]]]
"""List method, cursor and the asking client's `_meta` to one page (a result object). Raises UpstreamError."""

CHANGED = {
    "notifications/tools/list_changed": ("tools/list",),
    "notifications/prompts/list_changed": ("prompts/list",),
    "notifications/resources/list_changed": ("resources/list", "resources/templates/list"),
}
"""Notification to the lists it invalidates."""

KEY = {
    "tools/list": "name",
    "prompts/list": "name",
    "resources/list": "uri",
    "resources/templates/list": "uriTemplate",
}
"""List method to the item key that names it."""

CAPABILITY = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resources",
}


class Shelf:
    """The lists of one server towards one session, or towards everybody in the stateless era."""

    changes: ClassVar[int] = 0
    """Changes of all shelves of this process: one comparison tells a table of many servers that it is current."""

    def __init__(self, server: str, fetch: Fetch, most: int) -> None:
        self._server = server
        self._fetch = fetch
        self._most = most
        self._lists: dict[str, list[dict[str, Any]]] = {}
        self._extras: dict[str, dict[str, Any]] = {}
        self._index: dict[str, dict[str, dict[str, Any]]] = {}
        self._tokens: dict[str, dict[tuple[str, ...], str] | None] = {}
        self._stale: set[str] = set()
        self._locks = {method: asyncio.Lock() for method in LISTS}
        self.generation = 0
        """Grows with every change, so tables built from it know when they are stale."""

    def has(self, method: str) -> bool:
        """Whether the list has been fetched since it last changed."""
        return method in self._lists and method not in self._stale

    def extras(self, method: str) -> dict[str, Any]:
        """Fields of the list result other than the items and the cursor: `_meta`, ttlMs, unknown ones."""
        return self._extras.get(method, {})

    def find(self, method: str, name: str) -> dict[str, Any] | None:
        """The listed item of that name, from what was last fetched."""
        return self._index.get(method, {}).get(name)

    def tokens(self, tool: str) -> dict[tuple[str, ...], str] | None:
        """Argument path to `Mcp-Param-*` token of a listed tool; None if its annotations are invalid.

        Remembered with the list: walking a schema costs more than all the rest of a decision.
        """
        item = self.find("tools/list", tool)
        if item is None:
            return {}
        if tool not in self._tokens:
            self._tokens[tool] = http.annotated(item.get("inputSchema"))
        return self._tokens[tool]

    def known(self, method: str) -> list[dict[str, Any]]:
        """The items as last fetched, in the server's order; empty if never."""
        return self._lists.get(method, [])

    async def items(self, method: str, *, fresh: bool = False, meta: Meta = None) -> list[dict[str, Any]]:
        """All items of a list, from the server if `fresh` or not known. Raises UpstreamError."""
        if not fresh and self.has(method):
            return self._lists[method]
        async with self._locks[method]:
            if not fresh and self.has(method):
                return self._lists[method]
            return await self._load(method, meta)

    async def _load(self, method: str, meta: Meta) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        extras: dict[str, Any] = {}
        cursor: str | None = None
        seen: set[str] = set()
        for _page in range(MAX_PAGES):
            page = await self._fetch(method, cursor, meta)
            items = page.get(LISTS[method])
            if not isinstance(items, list):
                raise UpstreamError("protocol", f"server `{self._server}` answered `{method}` without a list")
            found.extend(
                item for item in items if isinstance(item, dict) and isinstance(item.get(KEY[method]), str)
            )
            if not extras:
                extras = {
                    key: value for key, value in page.items() if key not in (LISTS[method], "nextCursor")
                }
            cursor = page.get("nextCursor")
            if cursor is None:
                break
            if not isinstance(cursor, str) or cursor in seen or len(found) > self._most:
                raise UpstreamError(
                    "protocol", f"server `{self._server}` lists without end or more than {self._most} items"
                )
            seen.add(cursor)
        else:
            raise UpstreamError("protocol", f"server `{self._server}` lists more than {MAX_PAGES} pages")
        if len(found) > self._most:
            raise UpstreamError("too-large", f"server `{self._server}` lists more than {self._most} items")
        return self._store(method, found, extras)

    def _store(
        self, method: str, found: list[dict[str, Any]], extras: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Keep the list. Of two items with one name the first counts: what is called must be what was shown."""
        index: dict[str, dict[str, Any]] = {}
        for item in found:
            index.setdefault(item[KEY[method]], item)
        items = list(index.values())
        self._stale.discard(method)
        if self._lists.get(method) != items:
            self.generation += 1
            Shelf.changes += 1
        self._lists[method] = items
        self._extras[method] = extras
        self._index[method] = index
        if method == "tools/list":
            self._tokens = {}
        return items

    def invalidate(self, notification: str) -> None:
        """Fetch anew, before the next use, what a list_changed notification names. Until then the old names hold."""
        self._stale.update(CHANGED.get(notification, ()))
