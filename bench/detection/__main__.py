"""`make bench-detection`: recall and false alarms of `keepgate check` per source, peers beside it.

python -m bench.detection                all of it, into docs/detection.md
python -m bench.detection --quick        keepgate alone, to the terminal
python -m bench.detection --list SOURCE  what of a source is judged wrongly, with the rules that were seen
"""

from __future__ import annotations

import argparse
import json
import sys

from bench.detection import corpora, judges, measure, report
from bench.detection.items import by_source
from bench.detection.stats import share, shown


def quick(found: corpora.Corpora, *, sources: list[str]) -> None:
    """One line for each source."""
    for attack in (True, False):
        print("\nfound of attacks" if attack else "\nflagged of harmless")
        chosen = [
            each for each in found.items if each.attack == attack and (not sources or each.source in sources)
        ]
        for (source, kind), items in sorted(measure.by_source_and_kind(chosen).items()):
            flags = [judges.by_keepgate(item).flagged for item in items]
            print(f"  {kind:12} {source:28} {shown(share(flags))}")


def wrong(found: corpora.Corpora, source: str, limit: int) -> None:
    """The items of a source that are judged wrongly, as JSON Lines."""
    for item in by_source(found.items).get(source, [])[:100_000]:
        judgement = judges.by_keepgate(item)
        if judgement.flagged != item.attack:
            line = {
                "id": item.id,
                "class": item.attack_class,
                "score": judgement.score,
                "rules": judgement.rules,
            }
            print(json.dumps(line | {"artifact": item.artifact}, ensure_ascii=False)[:limit])


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.detection")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", metavar="SOURCE")
    parser.add_argument("--limit", type=int, default=700)
    parser.add_argument("--source", action="append", default=[])
    said = parser.parse_args()
    found = corpora.gathered()
    if said.list:
        wrong(found, said.list, said.limit)
    elif said.quick:
        quick(found, sources=said.source)
    else:
        report.write(measure.everything(found, tell=lambda line: print(line, file=sys.stderr, flush=True)))


if __name__ == "__main__":
    main()
