"""Who judges: keepgate as anybody calls it, and the peers, each on the same artifacts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keepgate
from bench.detection import naive
from bench.detection.items import Item
from keepgate.model.verdict import Effect

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".cache" / "detection" / "bin" / "python"
WORKER = Path(__file__).parent / "peer_worker.py"


@dataclass(frozen=True)
class Judgement:
    """Of one item: whether it is flagged (any verdict but allow), by which rules, and how long it took, in seconds."""

    flagged: bool
    score: float = 0.0
    rules: tuple[str, ...] = ()
    took: float = 0.0


def by_keepgate(item: Item) -> Judgement:
    """Under the default profile."""
    line = item.artifact
    start = time.perf_counter()
    answer = keepgate.check(line)
    took = time.perf_counter() - start
    rules = tuple(dict.fromkeys(finding.rule for finding in answer.findings))
    return Judgement(answer.verdict is not Effect.ALLOW, answer.score, rules, took)


def by_naive(item: Item) -> Judgement:
    start = time.perf_counter()
    text = item.text or str((item.tool or {}).get("description", ""))
    flagged = naive.flagged(text)
    return Judgement(flagged, took=time.perf_counter() - start)


def by_peers(items: Sequence[Item]) -> dict[str, dict[str, Judgement]]:
    """Peer to item id to judgement; empty where the peers are not installed."""
    if not PEERS.exists():
        return {}
    lines = "".join(json.dumps(item.artifact) + "\n" for item in items)
    done = subprocess.run(
        [PEERS, WORKER],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "HOME": "/nonexistent"},
    )
    names, *answers = map(json.loads, done.stdout.splitlines())
    out: dict[str, dict[str, Judgement]] = {name: {} for name in names}
    for answer in answers:
        for name in names:
            out[name][answer["id"]] = Judgement(answer["flags"][name], took=answer["took"][name])
    return out


def all_of(items: Iterable[Item]) -> dict[str, Judgement]:
    """Of keepgate, by id."""
    return {item.id: by_keepgate(item) for item in items}
