"""Measure what a call costs.

usage: python -m bench [NAME ...] [-r ROUNDS] [-d SECONDS] [--write]

NAME is a scenario (S1 to S10), a profile of keepgate (P0 to P3, P1sync), the name of another contender, or `peers` for
all of those. Without a scenario all are measured; without a profile or contender all profiles and all peers.
nginx is always among them. `python -m bench --list` says what there is.
"""

import argparse
import sys

from bench import keepgate, table, yardstick
from bench.contender import Contender
from bench.measure import measure
from bench.scenarios import SCENARIOS

PEERS: tuple[Contender, ...] = ()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("-r", dest="rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("-d", dest="seconds", type=int, default=2, help="seconds of each run (2)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--list", action="store_true", help="say what there is")
    given = parser.parse_args()
    known = {*SCENARIOS, *(c.name for c in everybody()), "peers"}
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"{', '.join(unknown)}: there is only {', '.join(sorted(known))}")
    return given


def everybody() -> tuple[Contender, ...]:
    return (*keepgate.PROFILES, *keepgate.EXTRA, *PEERS)


def chosen(names: list[str]) -> list[Contender]:
    named = [c for c in everybody() if c.name in names or ("peers" in names and c in PEERS)]
    return named or [*keepgate.PROFILES, *PEERS]


def main() -> int:
    given = arguments()
    if given.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:12}{scenario.title}")
        for contender in everybody():
            print(f"{contender.name:12}{contender.what}")
        return 0
    if lacking := yardstick.missing():
        print(
            f"skipped: {', '.join(lacking)} not installed (Debian: apt install gcc libc6-dev nginx wrk util-linux)"
        )
        return 0
    scenarios = [SCENARIOS[name] for name in given.names if name in SCENARIOS] or list(SCENARIOS.values())
    broken = False
    for scenario in scenarios:
        first = [yardstick.DIRECT, yardstick.NGINX, *([yardstick.REFUSES] if scenario.denied else [])]
        result = measure(scenario, [*first, *chosen(given.names)], given.rounds, given.seconds)
        print(table.plain(result), flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
