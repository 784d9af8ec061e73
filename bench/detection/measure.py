"""What is measured, as plain numbers for the report."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.detection import corpora, judges, opened
from bench.detection.evasion import TRANSFORMS
from bench.detection.items import Item
from bench.detection.judges import Judgement
from bench.detection.stats import Share, quantile, share

NAIVE = "15 naive regexes"
EVADED = 300
"""Attacks that are written in other ways, of each kind."""
SIZES = ((0, 512), (512, 4096), (4096, 16384), (16384, 65536), (65536, 10_000_000))

Sources = dict[tuple[str, str], list[Item]]


@dataclass
class Measured:
    """By contender, kind and source."""

    attacks: dict[tuple[str, str], dict[str, Share]] = field(default_factory=dict)
    harmless: dict[tuple[str, str], dict[str, Share]] = field(default_factory=dict)
    context: dict[str, Share] = field(default_factory=dict)
    """Tools beside nine other servers: by source."""
    evasion: dict[str, dict[str, Share]] = field(default_factory=dict)
    """By transform and kind: how many of those found in plain form are found."""
    formats: dict[str, Share] = field(default_factory=dict)
    """Kinds of secret and of private data."""
    latency: list[tuple[str, str, int, float, float]] = field(default_factory=list)
    """Harmless or marked, sizes, count, p50 and p99 in milliseconds."""
    marked: dict[str, Share] = field(default_factory=dict)
    """Harmless texts in which any rule for attacks sees something, however weak."""


def by_source_and_kind(items: Iterable[Item]) -> Sources:
    found: Sources = {}
    for item in items:
        found.setdefault((item.source, item.kind), []).append(item)
    return found


def compared(items: Sequence[Item], said: Mapping[str, Mapping[str, Judgement]]) -> dict[str, Share]:
    return {name: share([answers[item.id].flagged for item in items]) for name, answers in said.items()}


def evaded(items: Sequence[Item]) -> dict[str, Share]:
    """Of attacks that are found in plain form: how many are found in each other form."""
    plain = [item for item in items if judges.by_keepgate(item).flagged]
    chosen = random.Random(5).sample(plain, min(EVADED, len(plain)))
    return {
        name: share([judges.by_keepgate(item.with_text(change)).flagged for item in chosen])
        for name, change in TRANSFORMS.items()
    }


def latencies(
    items: Sequence[Item], said: Mapping[str, Judgement]
) -> list[tuple[str, str, int, float, float]]:
    out = []
    for what in ("harmless", "marked"):
        for low, high in SIZES:
            took = [
                1000 * said[item.id].took
                for item in items
                if low <= item.size < high and bool(said[item.id].rules) == (what == "marked")
            ]
            if took:
                out.append((what, f"{low}–{high}", len(took), quantile(took, 0.5), quantile(took, 0.99)))
    return out


def families(items: Sequence[Item], said: Mapping[str, Judgement]) -> dict[str, Share]:
    """By class of attack: a format of secret, a kind of private data."""
    classes: dict[str, list[bool]] = {}
    for item in items:
        classes.setdefault(item.attack_class, []).append(said[item.id].flagged)
    return {name: share(flags) for name, flags in sorted(classes.items())}


def everything(found: corpora.Corpora, tell: Callable[[str], None] = lambda _: None) -> Measured:
    """All of it; some minutes."""
    out = Measured()
    items = list({item.id: item for item in found.items}.values())
    tell(f"judging {len(items)} items")
    keepgate = judges.all_of(items)
    text_items = [item for item in items if item.kind in {"tool", "tool_output", "prompt"}]
    tell("peers")
    said: dict[str, Mapping[str, Judgement]] = {"keepgate": keepgate, **judges.by_peers(text_items)}
    said[NAIVE] = {item.id: judges.by_naive(item) for item in items}
    for (source, kind), group in by_source_and_kind(items).items():
        chosen = {name: answers for name, answers in said.items() if kind != "text" or name == "keepgate"}
        for attack, into in ((True, out.attacks), (False, out.harmless)):
            if some := [item for item in group if item.attack == attack]:
                into[source, kind] = compared(some, chosen)
    tell("beside other servers")
    sessions = corpora.in_session(found)
    judged = judges.all_of(sessions)
    for (source, _), group in by_source_and_kind(sessions).items():
        out.context[source] = share([judged[item.id].flagged for item in group])
    tell("evasion")
    for kind in ("tool", "tool_output"):
        per = evaded(found.of(kind, attack=True))
        for name, each in per.items():
            out.evasion.setdefault(name, {})[kind] = each
    for source in ("secrets_gitleaks_gen", "pii_presidio"):
        attacks = [item for item in found.source(source) if item.attack]
        out.formats |= {f"{source}: {name}": each for name, each in families(attacks, keepgate).items()}
    harmless = [item for item in items if not item.attack and item.kind != "text"]
    out.latency = latencies(harmless, keepgate)
    for (source, _), group in by_source_and_kind(harmless).items():
        flags = [any(rule.startswith("attack.") for rule in keepgate[item.id].rules) for item in group]
        out.marked[source] = share(flags)
    return out


def total(
    shares: Mapping[tuple[str, str], Mapping[str, Share]],
    kind: str,
    who: str = "keepgate",
    *,
    own: bool | None = None,
) -> Share:
    """Over the sources of a kind; `own` chooses those of our own making, or the others."""
    apart = (*opened.ORDINARY, *opened.NEEDS_CONTEXT)
    found = Share(0, 0)
    for (source, each), by_name in shares.items():
        mine = source.startswith(corpora.OWN)
        if each == kind and source not in apart and (own is None or own == mine) and who in by_name:
            found = found + by_name[who]
    return found
