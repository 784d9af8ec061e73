"""What keepgate is to reach."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.measure import Result
from bench.table import digits, ratio, rows


@dataclass(frozen=True)
class Target:
    """At most so much CPU per call against nginx (or at least so many times less than another), or so much latency."""

    scenario: str
    profile: str
    limit: float
    other: str = "nginx"
    latency: bool = False

    @property
    def what(self) -> str:
        if self.latency:
            return f"{self.scenario} {self.profile}: added p50 of one call"
        if self.other == "nginx":
            return f"{self.scenario} {self.profile}: CPU of a call / nginx"
        return f"{self.scenario} {self.profile}: CPU of a call of `{self.other}` / keepgate"

    @property
    def wanted(self) -> str:
        if self.latency:
            return f"≤ {self.limit:g} ms"
        return f"{'≤' if self.other == 'nginx' else '≥'} {self.limit:g}"


TARGETS = (
    Target("S1", "P1", 3.2),
    Target("S1", "P2", 4.2),
    Target("S1", "P3", 5.2),
    Target("S2", "P2", 4),
    Target("S3", "P2", 5.5),
    Target("S4", "P2", 9),
    Target("S7", "P0", 2.5),
    Target("S8", "P2", 4),
    Target("S9", "P1", 3),
    Target("S10", "P2", 6),
    Target("S1c8", "P2", 20, "sdk"),
    Target("S1c8", "P2", 20, "fastmcp connected"),
    Target("S2", "P2", 0.3, latency=True),
    Target("S2h", "P2", 0.3, latency=True),
)


def against(target: Target, result: Result | None) -> tuple[str, str]:
    """What was measured, and whether that is enough."""
    if result is None:
        return "not measured", ""
    row = next((row for row in rows(result) if row.name == target.profile), None)
    if row is None:
        return result.out.get(target.profile, "not measured").partition(":")[0], ""
    if target.latency:
        added = row.p50
        fine = added.median / 1e3 <= target.limit
        return f"{added.median / 1e3:.3f} ms ({added.low / 1e3:.3f} to {added.high / 1e3:.3f})", yes(fine)
    if target.other == "nginx":
        x = row.cpu_x
        return f"{digits(x.median)} ({digits(x.low)} to {digits(x.high)})", yes(x.median <= target.limit)
    times = ratio(result, target.other, target.profile)
    if times is None:
        return f"`{target.other}`: {result.out.get(target.other, 'not measured')}", ""
    value = f"{digits(times.median)} ({digits(times.low)} to {digits(times.high)})"
    return value, yes(times.median >= target.limit)


def yes(fine: bool) -> str:
    return "met" if fine else "**missed**"


def markdown(results: Mapping[str, Result]) -> str:
    lines = ["| what | target | measured | |", "| --- | --: | --: | --- |"]
    for target in TARGETS:
        value, verdict = against(target, results.get(target.scenario))
        lines.append(f"| {target.what} | {target.wanted} | {value} | {verdict} |")
    return "\n".join(lines)
