"""Measure what a call costs.

usage: python -m bench [NAME ...] [-r ROUNDS] [-d SECONDS]

NAME is a scenario (S1 to S10), a profile of keepgate (P0 to P3; P1sync and P1jwt if named), the name of another
contender, or `peers` for all of those. Without a scenario all are measured; without a profile or contender all that are
made for the scenario. nginx is always among them. A scenario measured with all of them and at least five rounds goes
into docs/benchmarks.md.
Exits with 1 if keepgate failed a call or has not a record of each, whatever the figures.
"""

import argparse
import signal
import sys

from bench import about, keepgate, report, table, yardstick
from bench.contender import Contender
from bench.measure import measure
from bench.peers import PEERS
from bench.scenarios import SCENARIOS

LEAST_ROUNDS = 5
"""for figures that are written down"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("-r", dest="rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("-d", dest="seconds", type=int, default=2, help="seconds of each run (2)")
    parser.add_argument("--list", action="store_true", help="say what there is")
    given = parser.parse_args()
    known = {*SCENARIOS, *(c.name for c in everybody()), "peers"}
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"{', '.join(unknown)}: there is only {', '.join(sorted(known))}")
    return given


def everybody() -> tuple[Contender, ...]:
    return (*keepgate.PROFILES, *keepgate.EXTRA, *PEERS)


def chosen(names: list[str], scenario: str) -> list[Contender]:
    """Who was named; else everybody who is made for the scenario."""
    fit = [c for c in (*keepgate.PROFILES, *PEERS) if not c.scenarios or scenario in c.scenarios]
    named = [c for c in everybody() if c.name in names or ("peers" in names and c in PEERS and c in fit)]
    return named if any(name not in SCENARIOS for name in names) else fit


def ended(number: int, _: object) -> None:
    """What was started ends too."""
    sys.exit(128 + number)


def main() -> int:
    given = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
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
    everyone, broken = not set(given.names) - set(SCENARIOS), False
    for scenario in scenarios:
        first = [yardstick.DIRECT, yardstick.NGINX, *([yardstick.REFUSES] if scenario.denied else [])]
        result = measure(scenario, [*first, *chosen(given.names, scenario.name)], given.rounds, given.seconds)
        print(table.plain(result), flush=True)
        broken = broken or bool({c.name for c in (*keepgate.PROFILES, *keepgate.EXTRA)} & set(result.out))
        if everyone and given.rounds >= LEAST_ROUNDS:
            report.keep(result, about.build(), given.seconds)
            report.write()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
