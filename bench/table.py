"""Results as numbers: ratios within a round, their medians, and the lowest and highest."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import Run
from bench.measure import Result


@dataclass(frozen=True)
class Spread:
    """Over the rounds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """What one contender did in a scenario. Ratios to nginx; times in microseconds, memory in bytes."""

    name: str
    cpu_x: Spread
    cpu: float
    rate: float
    rate_x: float
    p50: Spread
    """added to that of `direct`"""
    p99: Spread
    memory: int


def spread(values: list[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values)) if values else Spread(0, 0, 0)


def across(result: Result, name: str, value: Callable[[Run, dict[str, Run]], float]) -> list[float]:
    return [value(each[name], each) for each in result.rounds if name in each]


def ratio(result: Result, name: str, other: str) -> Spread | None:
    """CPU per call against another's in the same round."""
    found = [each[name].cpu / each[other].cpu for each in result.rounds if name in each and other in each]
    return spread(found) if found else None


def rows(result: Result, yardstick: str = "nginx") -> list[Row]:
    """In the order in which they took turns."""
    if not result.rounds:
        return []
    return [
        Row(
            name,
            ratio(result, name, yardstick) or Spread(0, 0, 0),
            statistics.median(across(result, name, lambda run, _: run.cpu)),
            statistics.median(across(result, name, lambda run, _: run.rate)),
            statistics.median(across(result, name, lambda run, each: run.rate / each[yardstick].rate)),
            spread(across(result, name, lambda run, each: run.p50 - each["direct"].p50)),
            spread(across(result, name, lambda run, each: run.p99 - each["direct"].p99)),
            max(run.memory for run in (each[name] for each in result.rounds if name in each)),
        )
        for name in result.rounds[-1]
    ]


def digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def millis(micros: float) -> str:
    return f"{micros / 1e3:.3f}" if micros < 10_000 else f"{micros / 1e3:.1f}"


HEAD = ("contender", "cpu_x", "low to high", "CPU µs", "calls/s", "rps_x", "p50 + ms", "p99 + ms", "MB")


def cells(row: Row) -> tuple[str, ...]:
    """The row as text, in the order of `HEAD`."""
    itself = row.name == "direct"
    return (
        row.name,
        "" if itself else digits(row.cpu_x.median),
        "" if itself else f"{digits(row.cpu_x.low)} to {digits(row.cpu_x.high)}",
        "" if itself else f"{row.cpu:.1f}",
        f"{row.rate:.0f}",
        f"{row.rate_x:.3f}",
        "" if itself else millis(row.p50.median),
        "" if itself else millis(row.p99.median),
        "" if itself else f"{row.memory / 1e6:.0f}",
    )


def plain(result: Result) -> str:
    """For the terminal."""
    scenario = result.scenario
    lines = [f"\n{scenario.name}: {scenario.title} (load {max(result.loads, default=0):.1f})"]
    table = [HEAD, *map(cells, rows(result))]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEAD))]
    for row in table:
        first, *rest = (
            cell.ljust(w) if n == 0 else cell.rjust(w)
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]))
    lines += [f"{name}: {why}" for name, why in result.out.items()]
    return "\n".join(lines)


def markdown(result: Result) -> str:
    """For the documentation."""
    table = [HEAD, ("---", *("--:" for _ in HEAD[1:])), *map(cells, rows(result))]
    lines = ["| " + " | ".join(row) + " |" for row in table]
    if result.out:
        lines += ["", *(f"- {name}: {why}" for name, why in result.out.items())]
    return "\n".join(lines)
