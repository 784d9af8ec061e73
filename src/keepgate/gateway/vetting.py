"""What servers say of themselves, judged: each tool, prompt, resource and template that a list has, and instructions.

A definition is judged with the tools of the other servers in view, once for each text and for each set of their names
that matters to it. What is refused is not shown and not called; each refusal is reported once. All servers of a process
share one inventory: the names that any of them listed, or that the lock has of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

from keepgate.detect.artifact import Artifact, ArtifactKind
from keepgate.detect.inventory import Inventory, Mentions, Session, mentions_of
from keepgate.gateway.pins import Withheld
from keepgate.lock.document import KINDS
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import LISTS

MOST: Final = 20_000
"""Definitions of which is remembered what they mention, and judgements that are remembered."""
TOLD: Final = 10_000
"""Reports that were made, and names that are withheld while no list has them."""
SLICE: Final = 0.005
"""Seconds of judging after which others get their turn."""
_ALONE: Final = frozenset(("resources/list", "resources/templates/list"))
"""Lists of things that may bear the name of anything: there a name is no reference."""
_NAMES: Final = {"tools/list": "name", "prompts/list": "name", "resources/list": "uri"}
_FOREIGN: Final = "attack.foreign-tool"


class Judge(Protocol):
    """The content guard."""

    def judge_artifact(self, artifact: Artifact) -> Verdict | None: ...


class Hearer(Protocol):
    """Hears of what is refused, for the log."""

    def refused(self, what: Withheld) -> None:
        """A definition is refused: told once."""


class Vetting:
    """All servers of one process."""

    def __init__(self, judge: Judge, hearer: Hearer, most: int) -> None:
        """`most` names of tools are kept of each server."""
        self.inventory = Inventory(most)
        self._judge = judge
        self._hearer = hearer
        self._mentions: OrderedDict[bytes, Mentions] = OrderedDict()
        self._judged: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._told: OrderedDict[Withheld, None] = OrderedDict()

    def of(self, server: str, prefix: str) -> ServerVetting:
        """The vetting of one server."""
        return ServerVetting(self, server, prefix)

    def mentions(self, digest: bytes, definition: Any, *, tool: bool) -> Mentions:
        """What a definition mentions, remembered."""
        found = self._mentions.get(digest)
        if found is None:
            found = mentions_of(definition, tool=tool)
            _keep(self._mentions, digest, found, MOST)
        return found

    def fault(self, server: str, digest: bytes, definition: Any, session: Session) -> str:
        """Why a definition is refused, "" if it is not, remembered."""
        key = (server, digest, *session.items())
        found = self._judged.get(key)
        if found is None:
            artifact = Artifact(ArtifactKind.TOOL, definition, "tool", server=server, session=session)
            try:
                verdict = self._judge.judge_artifact(artifact)
            except Exception as error:  # noqa: BLE001 - what cannot be judged is refused
                return f"keepgate could not judge it ({type(error).__name__})"
            found = _why(verdict, server, session)
            _keep(self._judged, key, found, MOST)
        return found

    def tell(self, what: Withheld) -> None:
        """Report it, unless that was done."""
        if what not in self._told:
            _keep(self._told, what, None, TOLD)
            self._hearer.refused(what)


class ServerVetting:
    """One server: what it lists now, and what was refused of it before."""

    def __init__(self, vetting: Vetting, server: str, prefix: str) -> None:
        self._vetting = vetting
        self._server = server
        self._prefix = prefix
        self._past: OrderedDict[tuple[str, str], str] = OrderedDict()
        """By list and name: why something was refused when it was last seen."""

    @property
    def generation(self) -> int:
        """Grows with every change of what any server lists."""
        return self._vetting.inventory.generation

    def learn(self, names: Iterable[str]) -> None:
        """The names of its tools, for the judgement of others'."""
        self._vetting.inventory.learn(self._server, names, self._prefix)

    def past(self, method: str, name: str) -> str:
        """Why something that no list has now was refused when it was listed; "" if it was not."""
        return self._past.get((method, name), "")

    def refused(self) -> list[Withheld]:
        """What is refused of it, as last seen."""
        return [
            Withheld(self._server, KINDS[LISTS[method]], name, why)
            for (method, name), why in self._past.items()
        ]

    def listed(self, method: str, items: Sequence[dict[str, Any]]) -> Listed:
        """A list of it."""
        return Listed(self, method, items)

    def digest(self, method: str, item: Any) -> bytes:
        """What tells one definition from another."""
        return sha256(method.encode() + jsonrpc.canonical(item)).digest()

    def judge(self, method: str, name: str, item: Any, digest: bytes) -> str:
        """Why one definition is refused now, "" if it is not."""
        session: Session = {}
        if method not in _ALONE:
            mentions = self._vetting.mentions(digest, item, tool=method == "tools/list")
            session = self._vetting.inventory.about(self._server, mentions)
        why = self._vetting.fault(self._server, digest, item, session)
        if why:
            _keep(self._past, (method, name), why, TOLD)
            self._vetting.tell(Withheld(self._server, KINDS[LISTS[method]], name, why))
        else:
            self._past.pop((method, name), None)
        return why

    def instructions(self, text: str) -> bool:
        """Whether the server's instructions may be passed on."""
        digest = self.digest("", text)
        session = self._vetting.inventory.about(
            self._server, self._vetting.mentions(digest, text, tool=False)
        )
        why = self._vetting.fault(self._server, digest, text, session)
        if why:
            self._vetting.tell(Withheld(self._server, "server", "instructions", why))
        return not why


class Listed:
    """One list as it was fetched. It is judged anew where what other servers list has changed."""

    def __init__(self, vetting: ServerVetting, method: str, items: Sequence[dict[str, Any]]) -> None:
        self.items = items
        self._vetting = vetting
        self._method = method
        self._key = "uriTemplate" if method == "resources/templates/list" else _NAMES[method]
        self._digests: list[bytes] = []
        self._generation = -1
        self._faults: Mapping[str, str] = {}

    def faults(self) -> Mapping[str, str]:
        """Names of what must not be used, and why."""
        if self._generation != self._vetting.generation:
            self._generation = self._vetting.generation
            found = {item[self._key]: self._judge(number) for number, item in enumerate(self.items)}
            self._faults = {name: why for name, why in found.items() if why}
        return self._faults

    def _judge(self, number: int) -> str:
        item = self.items[number]
        if number >= len(self._digests):
            self._digests.append(self._vetting.digest(self._method, item))
        return self._vetting.judge(self._method, item[self._key], item, self._digests[number])

    async def read(self, now: Callable[[], float]) -> None:
        """Judge all of it beforehand, with others getting their turn in between."""
        begun = now()
        for number in range(len(self.items)):
            self._judge(number)
            if now() - begun > SLICE:
                await asyncio.sleep(0)
                begun = now()


def _why(verdict: Verdict | None, server: str, session: Session) -> str:
    if verdict is None or verdict.effect < Effect.ASK:
        return ""
    rules = ", ".join(dict.fromkeys(finding.rule for finding in verdict.findings[:20]))
    named = {finding.evidence for finding in verdict.findings if finding.rule == _FOREIGN}
    others = sorted(each for each, names in session.items() if each != server and named.intersection(names))
    of = f"; it names tools of {', '.join(f'`{each}`' for each in others[:5])}" if others else ""
    return f"{verdict.reason} ({rules}){of}"


def _keep(table: OrderedDict[Any, Any], key: object, value: object, most: int) -> None:
    table[key] = value
    while len(table) > most:
        table.popitem(last=False)
