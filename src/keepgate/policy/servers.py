"""What the administrator says of servers and their tools, for policies. What a server says of itself is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keepgate.model.access import Resource, ResourceKind
from keepgate.model.flow import OWN_LABELS, PRIVATE, UNTRUSTED, Mark, Reach
from keepgate.policy.conditions import Data, Trust
from keepgate.policy.pattern import Glob
from keepgate.policy.reach import seems_to_read


@dataclass(frozen=True, slots=True)
class Effects:
    """What calling a tool does. Where nothing is known of it the worst is assumed."""

    read_only: bool = False
    """It changes nothing."""
    destructive: bool = True
    """It can remove or overwrite."""
    open_world: bool = True
    """It reaches beyond its own data: the web, other people."""
    untrusted: bool | None = None
    """What it returns may hold instructions of strangers. Without a word keepgate assumes (docs/flow.md)."""
    private: bool | None = None
    """What it returns is not for everybody. The same."""
    sink: bool | None = None
    """Calling it carries data outside. The same."""
    labels: tuple[str, ...] = ()
    """More labels of what it returns, of your own."""


@dataclass(frozen=True, slots=True)
class Classes:
    """What a server brings into a flow, and where calls lead, for all that its tools say nothing about."""

    untrusted: bool | None = None
    """What it returns may hold instructions of strangers. Without a word keepgate assumes (docs/flow.md)."""
    private: bool | None = None
    """What it returns is not for everybody. The same."""
    sink: bool | None = None
    """Calls carry data outside. The same."""
    labels: tuple[str, ...] = ()
    """More labels of what it returns, of your own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server stands, as far as its configuration tells."""

    outward: bool = True
    """It can reach beyond this machine."""
    holds: bool = True
    """It was given what not everybody has: credentials, files, or all rights of the user."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as configured."""

    trust: Trust = "untrusted"
    owner: str = ""
    data: Data = "restricted"
    tools: Mapping[str, Effects] = field(default_factory=dict)
    """By name or pattern; of several that match the one with the longest literal text counts."""

    flow: Classes = Classes()
    place: Place = Place()

    def attributes(self) -> dict[str, Any]:
        """Of the `Server` entity."""
        return {"trust": self.trust, "owner": self.owner, "data": self.data}

    def said_of(self, tool: str, read: Effects | None = None) -> Effects:
        """What is known of a tool: as configured; else, of a server that is trusted to say what its tools do, as `read`
        (`policy.assess`) from that; else nothing."""
        assumed = _NOTHING if read is None or self.trust == "untrusted" else read
        found = [(pattern, said) for pattern, said in self.tools.items() if Glob.parse(pattern).matches(tool)]
        return max(found, key=lambda each: (len(each[0].replace("*", "")), each[0]))[1] if found else assumed

    def effects_of(self, tool: str, read: Effects | None = None) -> dict[str, bool]:
        """Of the `Tool` entity."""
        said = self.said_of(tool, read)
        return {
            "read_only": said.read_only,
            "destructive": said.destructive,
            "open_world": said.open_world,
        }

    def mark_of(self, resource: Resource | None) -> Mark:
        """The labels of what a thing returns; None: of what the server says unasked."""
        said = _NOTHING
        if resource is not None and resource.kind is ResourceKind.TOOL:
            said = self.said_of(resource.name)
        sure = {*said.labels, *self.flow.labels}
        labels = set(sure)
        for label, word, assumed in (
            (UNTRUSTED, _first(said.untrusted, self.flow.untrusted), self._assumed_untrusted(said)),
            (PRIVATE, _first(said.private, self.flow.private), self._assumed_private()),
        ):
            if word or (word is None and assumed):
                labels.add(label)
            if word:
                sure.add(label)
        return Mark(frozenset(labels), frozenset(sure))

    def _assumed_untrusted(self, said: Effects) -> bool:
        """A reviewed server is believed, what it fetches from the world is not."""
        if self.trust == "reviewed":
            return self.place.outward and said.open_world
        return self.trust == "untrusted"

    def _assumed_private(self) -> bool:
        return self.place.holds if self.data == "restricted" else self.data != "public"

    @property
    def may_lead_out(self) -> bool:
        """Whether using anything of it can carry data outside."""
        return self.place.outward or bool(self.flow.sink) or any(said.sink for said in self.tools.values())

    def reach_of(self, resource: Resource, definition: Any) -> Reach:
        """Where using a thing can carry data. `definition` is the server's own, if it lists the thing."""
        tool = resource.kind is ResourceKind.TOOL
        said = self.said_of(resource.name) if tool else _NOTHING
        word = _first(said.sink, self.flow.sink)
        if word is not None:
            return Reach.SINK if word else Reach.NONE
        if not (said.open_world and self.place.outward):
            return Reach.NONE
        if not tool:
            wide = definition is None and resource.name[:5].lower().startswith(("http:", "https", "ftp:"))
            return Reach.SINK if wide and resource.kind is ResourceKind.RESOURCE else Reach.READING
        return Reach.READING if seems_to_read(definition, said_so=said.read_only) else Reach.SINK

    def told(self) -> dict[str, Any]:
        """Everything, for the policy hash."""
        tools = {
            name: [
                said.read_only,
                said.destructive,
                said.open_world,
                *_classes(said),
            ]
            for name, said in self.tools.items()
        }
        place = [self.place.outward, self.place.holds]
        return {**self.attributes(), "tools": tools, "flow": _classes(self.flow), "place": place}


def _classes(said: Effects | Classes) -> list[Any]:
    return [said.untrusted, said.private, said.sink, sorted(said.labels)]


def _first(*words: bool | None) -> bool | None:
    """The first that says something."""
    return next((word for word in words if word is not None), None)


def check_labels(labels: tuple[str, ...]) -> None:
    """Raises ValueError for a label that cannot be one of an administrator's own."""
    for label in labels:
        fine = label.isascii() and label.replace("-", "").replace("_", "").isalnum() and len(label) <= 64
        if not fine or label in OWN_LABELS:
            raise ValueError(
                f"`{label}` is no label of your own: letters, digits, `-` and `_`, not {OWN_LABELS}"
            )


_NOTHING = Effects()
NOTHING_SAID = Server()
