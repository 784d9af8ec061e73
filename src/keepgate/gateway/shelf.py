"""What one server offers: its listed tools, prompts, resources and templates, all pages, as last seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from keepgate.decide.schemas import contract_of
from keepgate.model.contract import Contract
from keepgate.model.errors import UpstreamError
from keepgate.model.folding import folded
from keepgate.protocol import http
from keepgate.protocol.eras import LISTS

MAX_PAGES = 200
LONGEST = 300.0
"""Seconds that a list is taken to hold at most, whatever `ttlMs` the server gives it."""

Meta = dict[str, Any] | None


class Approved(Protocol):
    """What the lock says of one server and its lists, in public words."""

    def fault(self, server_name: str) -> str: ...

    def withheld(self, method: str, items: Sequence[dict[str, Any]]) -> Mapping[str, str]: ...


Pinned = Callable[[], tuple[Approved, str] | None]
"""The lock's word on this server and the name the server gives itself; None where no lock is in force."""


def unpinned() -> None:
    """No lock is in force."""


class Vetted(Protocol):
    """What follows from what the server says in its lists."""

    def learn(self, names: Iterable[str]) -> None: ...

    def listed(self, method: str, items: Sequence[dict[str, Any]]) -> Judged: ...

    def past(self, method: str, name: str) -> str: ...


class Judged(Protocol):
    """One list, judged by its words."""

    items: Sequence[dict[str, Any]]

    def faults(self) -> Mapping[str, str]: ...

    async def read(self, now: Callable[[], float]) -> None: ...


Fetch = Callable[[str, str | None, Meta], Awaitable[dict[str, Any]]]
"""List method, cursor and the asking client's `_meta` to one page (a result object). Raises UpstreamError."""

CHANGED = {
    "notifications/tools/list_changed": ("tools/list",),
    "notifications/prompts/list_changed": ("prompts/list",),
    "notifications/resources/list_changed": ("resources/list", "resources/templates/list"),
}
"""Notification to the lists it invalidates."""

UNLISTED = "its server does not list it, and only what is listed can be approved"

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


class _Loading:
    """One fetch of a list, for all who ask for it while it runs."""

    def __init__(self, task: asyncio.Task[list[dict[str, Any]]], begun: float, epoch: int) -> None:
        self.task = task
        self.begun = begun
        self.epoch = epoch
        self.waiting = 0


class Shelf:
    """The lists of one server towards one session, or towards everybody in the stateless era.

    `lasting`: the server says with `ttlMs` how long a list holds, so it need not be asked again before. What is kept
    was given to keepgate's own credentials; what each principal may see of it is decided elsewhere.
    """

    changes: ClassVar[int] = 0
    """Changes of all shelves of this process: one comparison tells a table of many servers that it is current."""

    def __init__(  # noqa: PLR0913 - what a list is held against
        self,
        server: str,
        fetch: Fetch,
        most: int,
        *,
        lasting: bool = False,
        pinned: Pinned = unpinned,
        vetting: Vetted | None = None,
        assess: Callable[[Iterable[dict[str, Any]]], None] = lambda _: None,
    ) -> None:
        self._server = server
        self._fetch = fetch
        self._most = most
        self._lists: dict[str, list[dict[str, Any]]] = {}
        self._extras: dict[str, dict[str, Any]] = {}
        self._index: dict[str, dict[str, dict[str, Any]]] = {}
        self._tokens: dict[str, dict[tuple[str, ...], str] | None] = {}
        self._contracts: dict[str, tuple[dict[str, Any], Contract]] = {}
        self._pinned = pinned
        self._withheld: dict[str, tuple[Approved, list[dict[str, Any]], Mapping[str, str]]] = {}
        """By list: what it was worked out from, and names with the reason."""
        self._vetting = vetting
        self._assess = assess
        self._judged: dict[str, Judged] = {}
        self._folded: dict[str, frozenset[str]] = {}
        """Names of a list as a careless server may take them, made when first needed."""
        self._stale: set[str] = set()
        self._lasting = lasting
        self._fetched: dict[str, tuple[float, int]] = {}
        """When a list was fetched, and its `ttlMs` (-1: it has none)."""
        self._loading: dict[str, _Loading] = {}
        self._epoch = 0
        """Grows with every announced change: a fetch that began before does not answer who asks after."""
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

    def resembles(self, method: str, name: str) -> bool:
        """Whether a name is that of a listed item, but for case, forms of characters, blanks."""
        if method not in self._folded:
            self._folded[method] = frozenset(map(folded, self._index.get(method, ())))
        return folded(name) in self._folded[method]

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

    def contract(self, tool: str) -> Contract | None:
        """The compiled schemas of a listed tool; None for one that is not listed. Compiled once per definition."""
        item = self.find("tools/list", tool)
        if item is None:
            return self._unlisted(tool)
        kept = self._contracts.get(tool)
        if kept is None or kept[0] is not item:
            same = kept is not None and kept[0] == item
            kept = self._contracts[tool] = (item, kept[1] if kept is not None and same else contract_of(item))
        withheld, refused = self.withheld("tools/list", tool), self.refused("tools/list", tool)
        return replace(kept[1], withheld=withheld, refused=refused) if withheld or refused else kept[1]

    def _unlisted(self, tool: str) -> Contract | None:
        withheld = "" if self._pinned() is None else UNLISTED
        refused = self.refused("tools/list", tool)
        return Contract(withheld=withheld, refused=refused) if withheld or refused else None

    def promise(self, method: str, name: str) -> Contract | None:
        """What the lock and the judgement say of a prompt or a resource, None where they say nothing.

        Which resources there are changes by nature, so one that is not listed is left to policy.
        """
        refused, why = self.refused(method, name), ""
        if self._pinned() is not None:
            why = self.withheld(method, name)
            if not why and method == "prompts/list" and self.find(method, name) is None:
                why = UNLISTED
        return Contract(withheld=why, refused=refused) if why or refused else None

    def refused(self, method: str, name: str) -> str:
        """Why an item of a list is refused for what it says; "" if it is not."""
        vetting = self._vetting
        if vetting is None:
            return ""
        if name not in self._index.get(method, ()):
            return vetting.past(method, name)
        return self._judgement(method, vetting).faults().get(name, "")

    def _judgement(self, method: str, vetting: Vetted) -> Judged:
        items = self._lists[method]
        judged = self._judged.get(method)
        if judged is None or judged.items is not items:
            judged = self._judged[method] = vetting.listed(method, items)
            if method == "tools/list":  # what the lock withholds says nothing of other servers' tools
                vetting.learn(item["name"] for item in items if not self.withheld(method, item["name"]))
        return judged

    def withheld(self, method: str, name: str) -> str:
        """Why the lock withholds an item of a list; "" if it does not."""
        pinned = self._pinned()
        if pinned is None:
            return ""
        approved, server_name = pinned
        fault = approved.fault(server_name)
        items = self._lists.get(method)
        if fault or items is None:
            return fault
        kept = self._withheld.get(method)
        if kept is None or kept[0] is not approved or kept[1] is not items:
            kept = self._withheld[method] = approved, items, approved.withheld(method, items)
        return kept[2].get(name, "")

    def known(self, method: str) -> list[dict[str, Any]]:
        """The items as last fetched, in the server's order; empty if never."""
        return self._lists.get(method, [])

    def remaining(self, method: str) -> int:
        """Milliseconds that the list still holds by the server's word, its age counted in seconds; -1 without one."""
        fetched, ttl = self._fetched.get(method, (0.0, -1))
        age = int(asyncio.get_running_loop().time() - fetched) * 1000
        return ttl if ttl < 0 else max(ttl - age, 0)

    def _holds(self, method: str) -> bool:
        fetched, ttl = self._fetched.get(method, (0.0, -1))
        held = asyncio.get_running_loop().time() - fetched
        return self._lasting and held < min(ttl / 1000, LONGEST)

    async def items(
        self, method: str, *, fresh: bool = False, meta: Meta = None, patience: float | None = None
    ) -> list[dict[str, Any]]:
        """All items of a list, from the server if not known, or if `fresh` and no longer valid.

        Whoever asks while a fetch runs shares it; the last one to go away cancels it. After `patience` seconds of a
        fetch nobody waits for it any longer, but it goes on. Raises UpstreamError.
        """
        if self.has(method) and (not fresh or self._holds(method)):
            return self._lists[method]
        loading = self._loading.get(method)
        if loading is None or loading.epoch != self._epoch:
            loading = self._begin(method, meta)
        now = asyncio.get_running_loop().time()
        left = None if patience is None else max(loading.begun + patience - now, 0.0)
        loading.waiting += 1
        try:
            await asyncio.wait((loading.task,), timeout=left)
        except asyncio.CancelledError:
            if loading.waiting == 1:
                self._loading.pop(method, None)  # who asks next begins anew
                loading.task.cancel()
            raise
        finally:
            loading.waiting -= 1
        if not loading.task.done():
            text = f"server `{self._server}` did not answer `{method}` within {patience or 0:g} s"
            raise UpstreamError("timeout", text)
        if loading.task.cancelled():
            raise UpstreamError("closed", f"asking server `{self._server}` for `{method}` was given up")
        return loading.task.result()

    def _begin(self, method: str, meta: Meta) -> _Loading:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._load(method, meta))
        loading = self._loading[method] = _Loading(task, loop.time(), self._epoch)
        task.add_done_callback(lambda _: self._ended(method, loading))
        return loading

    def _ended(self, method: str, loading: _Loading) -> None:
        if self._loading.get(method) is loading:
            del self._loading[method]
        if not loading.task.cancelled():
            _ = loading.task.exception()  # there may be nobody left to hear of it

    async def _load(self, method: str, meta: Meta) -> list[dict[str, Any]]:
        async with self._locks[method]:  # a fetch that was overtaken by a change still ends first
            return await self._pages(method, meta)

    async def _pages(self, method: str, meta: Meta) -> list[dict[str, Any]]:
        epoch = self._epoch
        lasts: list[Any] = []
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
            lasts.append(page.get("ttlMs"))
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
        valid = all(type(last) is int and last >= 0 for last in lasts)
        self._fetched[method] = (asyncio.get_running_loop().time(), min(lasts) if valid else -1)
        items = self._store(method, found, extras, changed=epoch != self._epoch)
        if self._vetting is not None:
            await self._judgement(method, self._vetting).read(asyncio.get_running_loop().time)
        return items

    def _store(
        self, method: str, found: list[dict[str, Any]], extras: dict[str, Any], *, changed: bool
    ) -> list[dict[str, Any]]:
        """Keep the list. Of two items with one name the first counts: what is called must be what was shown."""
        index: dict[str, dict[str, Any]] = {}
        for item in found:
            index.setdefault(item[KEY[method]], item)
        items = list(index.values())
        if not changed:
            self._stale.discard(method)
        if self._lists.get(method) != items:
            self.generation += 1
            Shelf.changes += 1
        self._lists[method] = items
        self._extras[method] = extras
        self._index[method] = index
        self._folded.pop(method, None)
        if method == "tools/list":
            self._assess(items)
            self._tokens = {}
            self._contracts = {name: kept for name, kept in self._contracts.items() if name in index}
        return items

    def invalidate(self, notification: str) -> None:
        """Fetch anew, before the next use, what a list_changed notification names. Until then the old names hold."""
        methods = CHANGED.get(notification, ())
        if methods:
            self._stale.update(methods)
            self._epoch += 1
