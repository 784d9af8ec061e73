"""Everything that is judged, by the part it plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.detection import harmless, opened, record, sessions
from bench.detection.items import Item
from tests.attacks import harmless as twins
from tests.attacks import templates, texts, written
from tests.attacks.grammar import Attack, attacks
from tests.attacks.hosts import tool

OWN = "own: "
"""Sources of our own making begin with it."""


@dataclass(frozen=True)
class Corpora:
    """Attacks and harmless items of all sources."""

    items: Sequence[Item]

    def of(self, kind: str, *, attack: bool) -> list[Item]:
        """Those of a kind; ordinary requests and what needs context are counted apart."""
        apart = (*opened.ORDINARY, *opened.NEEDS_CONTEXT)
        return [
            each
            for each in self.items
            if each.kind == kind and each.attack == attack and each.source not in apart
        ]

    def source(self, name: str) -> list[Item]:
        return [each for each in self.items if each.source == name]


def own_attacks(
    half: str = "measure", *, tools: int = 600, results: int = 800, prompts: int = 150
) -> list[Item]:
    """From the grammar."""
    found = attacks(half, tools=tools, results=results, prompts=prompts)
    names = {"tool": "poisoned tools", "tool_output": "injected results", "prompt": "prompts"}
    return [
        Item(
            f"own-{half}-{number}", OWN + names[each.kind], each.kind, attack=True, text=each.text, tool=each.tool,
            attack_class=f"{each.how}/{each.language}", server="helper" if each.tool else "",
        )
        for number, each in enumerate(found)
    ]  # fmt: skip


def own_targets(half: str = "measure", *, tools: int = 600) -> dict[str, Attack]:
    """By id of the item: what it was composed from."""
    found = attacks(half, tools=tools, results=0, prompts=0)
    return {f"own-{half}-{number}": each for number, each in enumerate(found)}


def own_harmless(half: str = "measure") -> list[Item]:
    """The twins of the grammar."""
    found = twins.texts(half, tools=400, results=400, guides=60)
    out = [
        Item(
            f"twin-tool-{half}-{number}",
            OWN + "harmless tools",
            "tool",
            attack=False,
            tool=tool,
            server="helper",
        )
        for number, tool in enumerate(found["tool"])
    ]
    for kind, source in (("result", "harmless results"), ("guide", "security guides")):
        out += [
            Item(f"twin-{kind}-{half}-{number}", OWN + source, "tool_output", attack=False, text=text)
            for number, text in enumerate(found[kind])
        ]
    return out


def templated(half: str = "measure", each: int = 8) -> list[Item]:
    """From templates."""
    return [
        Item(
            f"template-{half}-{attack}-{number}", f"{OWN}templates", made.kind, attack=attack, text=made.text,
            tool=made.tool, attack_class=made.how, server="helper" if made.tool else "",
        )
        for attack, several in (
            (True, templates.attacks(half, each)), (False, templates.harmless(half, each)),
        )
        for number, made in enumerate(several)
    ]  # fmt: skip


def hard() -> list[Item]:
    """By hand."""
    out = []
    for attack, tools, results, prompts in (
        (True, written.TOOLS, written.RESULTS, written.PROMPTS),
        (False, written.HARMLESS_TOOLS, written.HARMLESS_RESULTS, written.HARMLESS_PROMPTS),
    ):
        side = "attacks" if attack else "harmless"
        for number, (name, said) in enumerate(tools):
            definition = tool(name, said, text="The text")
            key = f"written-{side}-tool-{number}"
            out.append(
                Item(key, f"{OWN}written by hand", "tool", attack=attack, tool=definition, server="helper")
            )
        for kind, several in (("tool_output", results), ("prompt", prompts)):
            for number, text in enumerate(several):
                key = f"written-{side}-{kind}-{number}"
                out.append(Item(key, f"{OWN}written by hand", kind, attack=attack, text=text))
    return out


def by_hand(*halves: str) -> list[Item]:
    """By hand, one a line; all of it without a half."""
    out = []
    for number, each in enumerate(texts.texts()):
        if halves and each.half not in halves:
            continue
        definition = tool(each.name, each.said, text="The text") if each.kind == "tool" else None
        out.append(
            Item(
                f"said-{number}", f"{OWN}said, {each.half}", each.kind, attack=each.attack, attack_class=each.sort,
                text="" if definition else each.said, tool=definition, server="helper" if definition else "",
            )
        )  # fmt: skip
    return out


def gathered() -> Corpora:
    """All that is here: what is absent is left out, and the report counts what there was."""
    return Corpora(
        [
            *opened.items(),
            *harmless.items(),
            *record.items(),
            *own_attacks(),
            *own_harmless(),
            *hard(),
            *by_hand(),
            *templated(),
        ]
    )


def in_session(corpora: Corpora) -> list[Item]:
    """Every tool beside nine other servers; attacks also beside the server that they are aimed at."""
    servers = sessions.servers_of(corpora.items)
    targets = own_targets()
    out = []
    for item in corpora.items:
        if item.kind != "tool":
            continue
        if not item.attack:
            out.append(sessions.with_session(item, servers))
            continue
        composed = targets.get(item.id)
        target: sessions.Servers = sessions.FILESYSTEM if item.source == "msb" else {}
        if composed is not None and composed.target:
            target = {"target": (composed.target, "list_items")}
        if item.source == "msb_context":
            target = {
                f"{item.server}_original": tuple(
                    str(each.tool["name"]) for each in corpora.source("msb_base") if each.tool
                )
            }
        out.append(sessions.with_session(item, servers, target))
    return out


def relabelled(items: Sequence[Item], suffix: str) -> list[Item]:
    """The same under other ids, so that they can be judged together."""
    return [replace(item, id=f"{item.id}{suffix}") for item in items]
