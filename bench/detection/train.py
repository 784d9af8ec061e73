"""Trains the small model: deterministic, in plain Python, from the open collections and our own grammar.

    python -m bench.detection.train            writes src/keepgate/detect/weights.py
    python -m bench.detection.train --leave    each source judged by a model that has not seen it

Examples are marked places only: what the model is asked about. Sources count alike, however large they are.
"""

from __future__ import annotations

import argparse
import math
from base64 import b85encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.detection import corpora, harmless, opened, record
from bench.detection.items import Item
from bench.detection.stats import percent
from keepgate.detect.instructions import InstructionDetector
from keepgate.detect.model import SIZE, Model, features, place
from keepgate.detect.rules import PHRASES
from keepgate.detect.setting import Channel
from keepgate.detect.weigh import THRESHOLD

OUT = Path(__file__).resolve().parents[2] / "src" / "keepgate" / "detect" / "weights.py"
CHANNELS = {"tool": Channel.DEFINITION, "tool_output": Channel.CONTENT, "prompt": Channel.PROMPT}
ROUNDS = 7
RATE = 0.25
SHRINK = 2e-4
FOLDS = 5
SEED = 11
LONGEST = 16 * 1024
"""Characters of a text that are looked at for its one example."""
CALM = 3.0
"""What a harmless example counts more than an attack."""


@dataclass(frozen=True)
class Example:
    """One marked place."""

    item: Item
    names: frozenset[str]
    over: float
    """What the phrases weigh there, above the threshold."""


def examples(items: Iterable[Item]) -> list[Example]:
    """What passes the gate of each item; the plain text, or what was hidden in it if that says more."""
    detector = InstructionDetector(PHRASES)
    out = []
    for item in items:
        if item.kind not in CHANNELS:
            continue
        value = dict(item.tool) if item.tool is not None else item.text[:LONGEST]
        seen = list(detector.seen(value, CHANNELS[item.kind]))
        if seen:
            best, weighed = max(seen, key=lambda each: each[1].score if each[1] is not None else 0.0)
            over = (weighed.score if weighed is not None else 0.0) - THRESHOLD[CHANNELS[item.kind]]
            out.append(Example(item, frozenset(features(best)), over))
    return out


def material() -> list[Item]:
    """What is learned from: of what was written by hand the half to develop, of the grammar the half to train."""
    own = corpora.own_attacks("train", tools=1500, results=2000, prompts=400)
    apart = (*opened.ORDINARY, *opened.NEEDS_CONTEXT)
    collected = [item for item in opened.items() if item.source not in apart]
    said = [*corpora.by_hand("develop"), *corpora.templated("train", 40)]
    return [*collected, *harmless.items(), *record.items(), *own, *corpora.own_harmless("train"), *said]


def fitted(found: Sequence[Example]) -> Model:
    """Logistic regression, AdaGrad, in a fixed order."""
    sizes = Counter((example.item.source, example.item.attack) for example in found)
    shown = [(sorted({place(name) for name in example.names}), example) for example in found]
    weights, squares = [0.0] * SIZE, [1e-8] * SIZE
    bias, bias_square = 0.0, 1e-8
    order = Random(SEED)
    for _ in range(ROUNDS):
        order.shuffle(shown)
        for places, example in shown:
            value = 1 / math.sqrt(len(places) or 1)
            guess = bias + value * sum(weights[each] for each in places)
            share = 10 * (1.0 if example.item.attack else CALM)
            share /= math.sqrt(sizes[example.item.source, example.item.attack])
            error = (curve(guess) - example.item.attack) * share
            bias_square += error * error
            bias -= RATE * error / math.sqrt(bias_square)
            for each in places:
                step = error * value + SHRINK * weights[each]
                squares[each] += step * step
                weights[each] -= RATE * step / math.sqrt(squares[each])
    scale = max(map(abs, weights), default=1.0) / 127 or 1.0
    return Model(bytes(round(weight / scale) & 0xFF for weight in weights), scale, bias)


def curve(logit: float) -> float:
    """From a sum to a probability."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def calibrated(found: Sequence[Example]) -> Model:
    """With probabilities as they are for sources that were not seen: Platt's scaling over folds of sources."""
    folds: list[set[str]] = [set() for _ in range(FOLDS)]
    for number, source in enumerate(sorted({each.item.source for each in found})):
        folds[number % FOLDS].add(source)
    points: list[tuple[float, bool, float]] = []
    for fold in folds:
        blind = fitted([each for each in found if each.item.source not in fold])
        sizes = Counter((each.item.source, each.item.attack) for each in found)
        points += [
            (
                blind.logit(each.names),
                each.item.attack,
                1 / math.sqrt(sizes[each.item.source, each.item.attack]),
            )
            for each in found
            if each.item.source in fold
        ]
    slope, offset = 1.0, 0.0
    for _ in range(400):
        errors = [((curve(slope * x + offset) - attack) * weight, x, weight) for x, attack, weight in points]
        whole = sum(weight for _, _, weight in errors)
        slope -= sum(error * x for error, x, _ in errors) / whole
        offset -= 2 * sum(error for error, _, _ in errors) / whole
    model = fitted(found)
    return Model(model.weights, slope * model.scale, slope * model.bias + offset)


def found_at(
    model: Model, attacks: Sequence[Example], calm: Sequence[Example], rate: float, whole: int
) -> float:
    """Share of the attacks above the point where this share of all harmless items is."""
    allowed = int(rate * whole)
    scores = sorted((model.logit(each.names) for each in calm), reverse=True)
    point = scores[allowed] if allowed < len(scores) else -math.inf
    return sum(model.logit(each.names) > point for each in attacks) / len(attacks) if attacks else 0.0


def left_out(found: Sequence[Example], counts: Mapping[str, int]) -> list[tuple[str, int, int, float, float]]:
    """Source, its items, those marked, and what of those is found by a model that has not seen the source and by one
    that has, at 1 % of harmless items."""
    calm = [each for each in found if not each.item.attack]
    whole = fitted(found)
    harmless_items = counts["harmless"]
    out = []
    for source in sorted({each.item.source for each in found if each.item.attack}):
        attacks = [each for each in found if each.item.attack and each.item.source == source]
        blind = fitted([each for each in found if each.item.source != source])
        unseen = found_at(blind, attacks, calm, 0.01, harmless_items)
        known = found_at(whole, attacks, calm, 0.01, harmless_items)
        out.append((source, counts[source], len(attacks), unseen, known))
    return out


def write(model: Model, found: Sequence[Example]) -> None:
    """As a module: no file is read at run time."""
    lines = b85encode(model.weights).decode()
    body = "\n".join(f'    "{lines[at : at + 100]}"' for at in range(0, len(lines), 100))
    attacks = sum(each.item.attack for each in found)
    OUT.write_text(
        '"""Written by bench/detection/train.py: the weights of detect/model.py, one byte each, in base 85."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Final\n\n"
        f"EXAMPLES: Final = ({attacks}, {len(found) - attacks})\n"
        '"""Marked places of attacks and of harmless texts that were learned from."""\n'
        f"SCALE: Final = {model.scale!r}\nBIAS: Final = {model.bias!r}\nWEIGHTS: Final = (\n{body}\n)\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.detection.train")
    parser.add_argument("--leave", action="store_true")
    said = parser.parse_args()
    items = material()
    found = examples(items)
    print(f"{len(items)} items, {len(found)} marked")
    if not said.leave:
        write(calibrated(found), found)
        return
    counts = Counter(item.source for item in items if item.attack)
    counts["harmless"] = sum(not item.attack for item in items)
    for source, size, marked, unseen, known in left_out(found, counts):
        found_of = f"found {percent(unseen)} unseen, {percent(known)} seen"
        print(f"{source:28} {size:5} items, {marked:5} marked; of these {found_of}")


if __name__ == "__main__":
    main()
