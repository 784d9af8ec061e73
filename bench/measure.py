"""The rounds of a scenario: all contenders take turns, nginx in every round."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import client, load, yardstick
from bench.contender import Contender, Running, Site
from bench.load import Run
from bench.processes import Stage, UnfitError, stage
from bench.scenarios import Scenario


@dataclass
class Result:
    """A scenario, measured."""

    scenario: Scenario
    rounds: list[dict[str, Run]] = field(default_factory=list)
    """by the contender's name; one that is out is in none"""
    out: dict[str, str] = field(default_factory=dict)
    """who could not take part or was discarded, and why"""
    notes: dict[str, str] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)
    """load average after each round"""


Started = dict[str, tuple[Running, list[str], int]]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ready(contender: Contender, site: Site, result: Result) -> tuple[Running, list[str], int] | None:
    """The contender, started and found to work; sessions to call in; how much longer its runs take."""
    try:
        running = contender.start(site)
        if not (site.scenario.denied and contender.name in ("direct", "nginx")):
            client.check(running, site.scenario)
        return running, client.sessions(running, site.scenario), contender.longer
    except Exception as e:  # whatever a contender may do: the others are measured
        reason = str(e) if isinstance(e, UnfitError) else repr(e)
        result.out[contender.name] = " ".join(reason.split())[:300]
        say(f"{site.scenario.name}: {contender.name}: {result.out[contender.name]}")
        return None


def measure(scenario: Scenario, contenders: Sequence[Contender], rounds: int, seconds: int) -> Result:
    """Start them all, let them take turns, see what they have to show for it."""
    result = Result(scenario)
    with stage() as place:
        program = yardstick.build(place.directory)
        port = yardstick.upstream(place, program, scenario.events)
        site = Site(place, scenario, port, program, yardstick.certify(place.directory))
        up: Started = {c.name: found for c in contenders if (found := ready(c, site, result)) is not None}
        for number in range(rounds):
            say(f"{scenario.name}: round {number + 1} of {rounds}")
            result.rounds.append(one_round(up, scenario, place, seconds, result))
            result.loads.append(os.getloadavg()[0])
        settle_accounts(up, scenario, result)
    for name in result.out:
        for each in result.rounds:
            each.pop(name, None)
    return result


def one_round(up: Started, scenario: Scenario, place: Stage, seconds: int, result: Result) -> dict[str, Run]:
    found = {}
    for name, (running, sessions, longer) in up.items():
        if name in result.out:
            continue
        try:
            found[name] = load.run(running, scenario, place, sessions, seconds * scenario.longer * longer)
        except UnfitError as e:
            result.out[name] = str(e)
            say(f"{scenario.name}: {name} {e}")
    return found


def settle_accounts(up: Started, scenario: Scenario, result: Result) -> None:
    """End those that have something to show afterwards, and look at it."""
    for name, (running, _, _) in up.items():
        if running.after is None or name in result.out:
            continue
        running.stop()
        answered = 1 + sum(each[name].calls for each in result.rounds)
        try:
            result.notes[name] = running.after(answered, scenario.connections * len(result.rounds))
            say(f"{scenario.name}: {name}: {result.notes[name]}")
        except UnfitError as e:
            result.out[name] = str(e)
            say(f"{scenario.name}: {name} {e}")
