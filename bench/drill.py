"""Fourteen days of made traffic with ten incidents in it, and how many of them the watch finds.

    .venv/bin/python -m bench.drill                  # the table, over several seeds
    .venv/bin/python -m bench.drill --write 3 FILE   # the events of seed 3, for `keepgate alerts replay FILE`

The traffic has what makes false alarms: bursts, long tails of tools and sizes, late evenings, retries after denials,
expired tokens, a weekly batch, a new colleague, a new server that a team begins to use, a short outage. The thresholds
of the watch were set on seeds 0 to 4; the table is of others.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from keepgate.watch.engine import Watch
from keepgate.watch.event import event_of

START: Final = int(datetime(2026, 11, 2, tzinfo=UTC).timestamp())
"""A Monday."""
DAY: Final = 86_400
SERVERS: Final = (
    "github",
    "jira",
    "crm",
    "mail",
    "files",
    "wiki",
    "db",
    "calendar",
    "search",
    "deploy",
    "billing",
    "hr",
)
VERBS: Final = (
    "get",
    "list",
    "search",
    "read",
    "create",
    "update",
    "export",
    "comment",
    "delete",
    "preview",
    "sync",
    "count",
)
OPTIONAL: Final = ("limit", "offset", "format", "since", "filter")

Made = dict[str, Any]


@dataclass
class Incident:
    """What was planted, and by what an alert is known to be about it."""

    kind: str
    start: float
    end: float
    about: set[str]
    found: float = -1.0


@dataclass
class Person:
    """A principal with habits."""

    name: str
    client: str
    address: str
    hours: tuple[int, int]
    pace: float
    """Sessions a day."""
    tools: list[tuple[str, str]]
    weights: list[float]
    weekends: float
    robot: bool = False
    begins: int = 0


@dataclass
class Drill:
    """All of it from one seed."""

    seed: int
    events: list[Made] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.catalogue = {server: self.tools(server) for server in SERVERS}
        self.people = [self.person(number) for number in range(26)] + [
            self.robot(number) for number in range(6)
        ]
        self.people[-7].begins = 9
        self.trace = 0

    def tools(self, server: str) -> list[str]:
        named = [f"{verb}_{server}_{noun}" for verb in VERBS for noun in ("item", "record")]
        return named[: self.dice.randint(6, 20)]

    def person(self, number: int) -> Person:
        dice = self.dice
        servers = dice.sample(SERVERS[:-2], dice.randint(2, 5))
        tools = []
        for server in servers:
            all_of_it = self.catalogue[server]
            few = dice.sample(all_of_it, min(len(all_of_it), dice.randint(3, 9)))
            tools += [(server, tool) for tool in few]
        begin = dice.choice([7, 8, 8, 9, 14, 15, 16, 23])
        return Person(
            f"user:p{number:02}", dice.choice(["cursor/1.4", "claude-code/2.1", "vscode/1.9"]), f"10.0.{number}.7",
            (begin, begin + dice.randint(8, 11)), dice.uniform(4, 14), tools,
            [1 / (rank + 1) ** 1.3 for rank in range(len(tools))], 0.02 if dice.random() < 0.8 else 0.3,
        )  # fmt: skip

    def robot(self, number: int) -> Person:
        dice = self.dice
        server = dice.choice(SERVERS)
        tools = [(server, tool) for tool in dice.sample(self.catalogue[server], 3)]
        return Person(
            f"key:job{number}",
            "agent/0.3",
            f"10.9.{number}.1",
            (0, 24),
            144,
            tools,
            [6, 2, 1],
            1.0,
            robot=True,
        )

    def event(self, at: float, **what: Any) -> Made:
        """One record in keepgate's shape."""
        self.trace += 1
        effect, reason = what.pop("effect", "allow"), what.pop("reason", "")
        made = {
            "client": "", "direction": "to_server", "findings": [], "kind": "request", "method": "tools/call",
            "name": "", "principal": "", "rules": [], "server": "", "size": 0, "time": round(at, 3),
            "trace": f"t{self.trace}", "verdict": {"effect": effect, "reason": reason}, **what,
        }  # fmt: skip
        self.events.append(made)
        return made

    def call(self, who: Person, at: float, server: str, tool: str, **what: Any) -> float:
        """A request and its reply; when it is over."""
        dice = self.dice
        names = (
            ["id", *(name for name in OPTIONAL if dice.random() < 0.25)] if "arguments" not in what else []
        )
        arguments = what.pop("arguments", dict.fromkeys(names, ""))
        size = what.pop("size", int(min(dice.lognormvariate(5.5, 1.0), 60_000)))
        failed = what.pop("failed", dice.random() < 0.012)
        effect = what.get("effect", "allow")
        where = {"principal": who.name, "client": who.client, "server": server, "name": tool}
        self.event(at, **where, size=size, arguments=arguments, **what)
        if effect in {"deny", "ask"}:
            return at + dice.uniform(0.5, 4)
        took = dice.lognormvariate(-1, 0.8)
        back = what.get("back", int(min(dice.lognormvariate(7, 1.3), 200_000)))
        self.event(at + took, **where, size=back, direction="to_client", kind="error" if failed else "result")
        return at + took + dice.expovariate(1 / 4)

    def session(self, who: Person, at: float) -> None:
        """A burst of calls, as one question to an agent makes them."""
        dice = self.dice
        for _ in range(max(1, int(dice.lognormvariate(1.6, 0.8)))):
            server, tool = dice.choices(who.tools, who.weights)[0]
            if dice.random() < 0.004:  # a tool that is not granted, tried again
                for _ in range(dice.randint(1, 3)):
                    at = self.call(
                        who, at, server, f"delete_{server}_item", effect="deny", reason="not granted"
                    )
            big = {"size": int(dice.uniform(20_000, 60_000))} if dice.random() < 0.002 else {}
            at = self.call(who, at, server, tool, **big)

    def day(self, who: Person, day: int) -> None:
        """A day of somebody."""
        dice = self.dice
        rests = day % 7 >= 5 and dice.random() > who.weekends
        if day < who.begins or rests:
            return
        first, last = who.hours
        if not who.robot and dice.random() < 0.04:
            last += dice.randint(1, 3)  # a long evening
        begin = START + day * DAY
        for _ in range(int(dice.gauss(who.pace, who.pace / 5)) if not who.robot else int(who.pace)):
            self.session(who, begin + (dice.uniform(first, last) % 24) * 3600)
        if dice.random() < 0.03:  # an expired token, tried again by the client
            at = begin + dice.uniform(first, last) % 24 * 3600
            for number in range(dice.randint(1, 4)):
                self.event(at + 2 * number, kind="event", method="auth.failed", effect="deny",
                           reason=f"the token has expired, from {who.address}")  # fmt: skip

    def life(self) -> None:
        """What belongs to the fourteen days besides what each person does."""
        dice = self.dice
        batch = self.people[-1]
        for week in range(2):  # a batch on Sunday nights
            at = START + (week * 7 + 6) * DAY + 2 * 3600.0
            for _ in range(300):
                at = self.call(batch, at, *batch.tools[0], size=8_000)
        newcomers = dice.sample(self.people[:20], 8)  # a server that a team begins to use, two tools each
        for number, who in enumerate(newcomers):
            who_tools = [("search", tool) for tool in dice.sample(self.catalogue["search"], 2)]
            at = START + (5 + number // 2) * DAY + (who.hours[0] % 24) * 3600 + dice.uniform(600, 9000)
            for _ in range(6):
                at = self.call(who, at, *dice.choice(who_tools))
        outage = (
            START + dice.randint(3, 6) * DAY + dice.uniform(9, 17) * 3600
        )  # a short one, nothing to wake anybody for
        for who in dice.sample(self.people[:20], 5):
            self.call(who, outage + dice.uniform(0, 200), *who.tools[0], failed=True)

    def make(self) -> Drill:
        """All events in order of time, and ten incidents."""
        for day in range(14):
            for who in self.people:
                self.day(who, day)
        self.life()
        for number, plant in enumerate(self.dice.sample(PLANTS, 10)):
            day = 7 + self.dice.choice([0, 1, 2, 3, 4]) if number % 2 else 8 + self.dice.choice([0, 1, 2, 3])
            plant(self, START + day * DAY)
        self.events.sort(key=lambda made: made["time"])
        return self

    def planted(self, kind: str, start: float, end: float, *about: str) -> None:
        self.incidents.append(Incident(kind, int(start), end, set(about)))

    def somebody(self) -> Person:
        """Somebody of the first, who has been there all the time."""
        return self.dice.choice(self.people[:18])

    def working(self, who: Person, day: float) -> float:
        """A time in the hours of somebody."""
        return day + (self.dice.uniform(who.hours[0] + 1, who.hours[0] + 6) % 24) * 3600


def guessing(drill: Drill, day: float) -> None:
    at = start = day + drill.dice.uniform(0, 23) * 3600
    for _ in range(drill.dice.randint(15, 60)):
        drill.event(
            at,
            kind="event",
            method="auth.failed",
            effect="deny",
            reason="the key is not known, from 203.0.113.9",
        )
        at += drill.dice.uniform(1, 15)
    drill.planted("failed_authentication", start, at, "203.0.113.9")


def denied(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    for _ in range(drill.dice.randint(12, 25)):
        server = drill.dice.choice(SERVERS)
        at = drill.call(
            who, at, server, drill.dice.choice(drill.catalogue[server]), effect="deny", reason="not granted"
        )
        at += drill.dice.uniform(2, 10)
    drill.planted("repeated_denials", start, at, who.name)


def first_server(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    for _ in range(drill.dice.randint(1, 5)):
        at = drill.call(who, at, "hr", drill.catalogue["hr"][0])
    drill.planted("first_use", start, at, who.name)


def at_night(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = day + ((who.hours[1] + (24 - who.hours[1] + who.hours[0]) / 2) % 24) * 3600
    for _ in range(drill.dice.randint(5, 15)):
        at = drill.call(who, at, *drill.dice.choices(who.tools, who.weights)[0])
    drill.planted("unusual_hour", start, at, who.name)


def storm(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    for _ in range(drill.dice.randint(250, 500)):
        drill.call(who, at, *who.tools[0])
        at += drill.dice.uniform(0.2, 1)
    drill.planted("rate", start, at, who.name, who.client, who.tools[0][0])


def leak(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    for _ in range(drill.dice.randint(6, 20)):
        at = drill.call(who, at, *who.tools[0], size=int(drill.dice.uniform(60_000, 250_000)))
    drill.planted("data_transfer", start, at, who.name, who.tools[0][0])


def strange_arguments(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    at = drill.call(who, at, *who.tools[0], arguments={"id": "", "callback_url": "", "headers": {}})
    drill.planted("new_shape", start, at, who.name, who.tools[0][0])


def walk(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    server = who.tools[0][0]
    for number in range(drill.dice.randint(40, 80)):
        drill.call(
            who, at, server, f"file://{server}#{drill.seed:02x}{number:04x}", method="resources/read", size=90
        )
        at += drill.dice.uniform(0.5, 4)
    drill.planted("enumeration", start, at, who.name, who.client, server)


def failing(drill: Drill, day: float) -> None:
    robots = drill.people[-6:]
    at = start = day + drill.dice.uniform(8, 18) * 3600
    server = drill.dice.choice(SERVERS[:6])
    for _ in range(drill.dice.randint(40, 90)):
        who = drill.dice.choice(robots)
        drill.call(who, at, server, drill.catalogue[server][0], failed=True)
        at += drill.dice.uniform(0.5, 3)
    drill.planted("error_burst", start, at, server)


def drifting(drill: Drill, day: float) -> None:
    at = day + drill.dice.uniform(0, 24) * 3600
    server = drill.dice.choice(SERVERS)
    drill.event(
        at, kind="event", method="lock.withheld", server=server, reason="tool `x`: its description changed"
    )
    drill.planted("drift", at, at, server)


def flowing(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = start = drill.working(who, day)
    for _ in range(3):
        at = drill.call(who, at, *who.tools[0], effect="ask", rules=["flow"])
    drill.planted("flow", start, at, who.name)


def canary(drill: Drill, day: float) -> None:
    who = drill.somebody()
    at = drill.working(who, day)
    drill.call(who, at, *who.tools[0], effect="deny", findings=["honeytoken"])
    drill.planted("honeytoken", at, at, who.name)


PLANTS: Final[list[Callable[[Drill, float], None]]] = [
    guessing, denied, first_server, at_night, storm, leak, strange_arguments, walk, failing, drifting, flowing, canary,
]  # fmt: skip


@dataclass
class Score:
    """What came of one drill."""

    found: int
    planted: int
    false: list[tuple[float, str, str, str]]
    late: list[str]


def run(drill: Drill, *, deadline: float = 300, after: float = 1800) -> Score:
    """Replay it. An alert that names somebody of an incident, until half an hour after it, is about it."""
    watch, false = Watch(), []
    for made in drill.events:
        for alert in watch.see(event_of(made)):
            named = set(alert.subject.as_json().values())
            about = [
                one
                for one in drill.incidents
                if one.start <= alert.time <= one.end + after and named & one.about
            ]
            if not about:
                false.append(
                    (alert.time, alert.sign.value, str(alert.subject), f"{alert.seen}; {alert.expected}")
                )
            for one in about:
                if one.found < 0:
                    one.found = alert.time - one.start
    found = [one for one in drill.incidents if 0 <= one.found <= deadline]
    late = [f"{one.kind} ({one.found:.0f} s)" for one in drill.incidents if one not in found]
    return Score(len(found), len(drill.incidents), false, late)


def replays(seeds: Iterator[int]) -> Iterator[tuple[int, Score]]:
    """One after the other."""
    for seed in seeds:
        yield seed, run(Drill(seed).make())


def main() -> None:
    """The table on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="5-14", help="for instance 5-14")
    parser.add_argument("--write", nargs=2, metavar=("SEED", "FILE"))
    parser.add_argument("-v", "--verbose", action="store_true")
    chosen = parser.parse_args()
    if chosen.write:
        drill = Drill(int(chosen.write[0])).make()
        with Path(chosen.write[1]).open("w") as target:
            target.writelines(json.dumps(made) + "\n" for made in drill.events)
        json.dump(
            [{**vars(one), "about": sorted(one.about)} for one in drill.incidents], sys.stderr, indent=1
        )
        return
    first, _, last = chosen.seeds.partition("-")
    print("| seed | found within five minutes | false alerts in fourteen days | missed or late |")
    print("|---|---|---|---|")
    for seed, score in replays(iter(range(int(first), int(last or first) + 1))):
        print(
            f"| {seed} | {score.found} of {score.planted} | {len(score.false)} | {', '.join(score.late)} |",
            flush=True,
        )
        if chosen.verbose:
            for when, sign, subject, text in score.false:
                print(f"    {(when - START) / DAY:5.2f} {sign} {subject}: {text}")


if __name__ == "__main__":
    main()
