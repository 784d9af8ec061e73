"""What the gateway holds: memory, descriptors, threads, tasks, objects, child processes. And whether it stays so."""

import contextlib
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

MIB = 1 << 20
GROWTH = 12 * MIB
"""Resident bytes that an hour may add after the warm-up; a shorter run may add as much in all."""
SPREAD = 0.3
"""By how much of itself any other number may lie higher at the end than after the warm-up, and by twenty: sessions come
and go at random. What is left when all clients have gone is judged more strictly."""
COUNTED = ("fds", "threads", "tasks", "children")


@dataclass(frozen=True)
class Sample:
    """One look."""

    at: float
    rss: int
    fds: int
    threads: int
    tasks: int
    objects: int
    children: int
    cpu: float
    calls: int
    errors: int


def look(pid: int, report: Path, calls: int, errors: int) -> Sample:
    """Now. Raises `psutil.NoSuchProcess` if the gateway has ended."""
    process = psutil.Process(pid)
    inside = {"tasks": 0, "objects": 0}
    with contextlib.suppress(FileNotFoundError):
        inside = json.loads(report.read_text())
    with process.oneshot():
        times = process.cpu_times()
        return Sample(
            time.monotonic(),
            process.memory_info().rss,
            process.num_fds(),
            process.num_threads(),
            inside["tasks"],
            inside["objects"],
            len(process.children(recursive=True)),
            times.user + times.system,
            calls,
            errors,
        )


def slope(samples: list[Sample]) -> float:
    """Resident bytes an hour, by the least squares of all samples."""
    if len(samples) < 3:
        return 0.0
    start = samples[0].at
    found = statistics.linear_regression([s.at - start for s in samples], [float(s.rss) for s in samples])
    return found.slope * 3600


@dataclass(frozen=True)
class Finding:
    """How one number went: its median in the first and in the last fifth after the warm-up."""

    what: str
    first: float
    last: float
    allowed: float
    flat: bool


def judged(samples: list[Sample], warm: float) -> list[Finding]:
    """What became of each number after `warm` seconds."""
    settled = [s for s in samples if s.at - samples[0].at >= warm] or samples[-1:]
    fifth = max(len(settled) // 5, 1)
    found = []
    for what in ("rss", *COUNTED):
        first = statistics.median(getattr(s, what) for s in settled[:fifth])
        last = statistics.median(getattr(s, what) for s in settled[-fifth:])
        hours = max((settled[-1].at - settled[0].at) / 3600, 1.0)
        allowed = first + GROWTH * hours if what == "rss" else first * (1 + SPREAD) + 20
        found.append(Finding(what, first, last, allowed, last <= allowed))
    return found


def written(samples: list[Sample], findings: list[Finding], **more: object) -> str:
    """As JSON."""
    start = samples[0].at
    rows = [{**asdict(s), "at": round(s.at - start, 1)} for s in samples]
    return json.dumps({**more, "findings": [asdict(f) for f in findings], "samples": rows}, indent=1)


HEAD = "  min     calls     /s errors  RSS MiB   fds  tasks children   objects  CPU %"


def row(now: Sample, before: Sample, start: Sample) -> str:
    seconds = max(now.at - before.at, 1e-9)
    return (
        f"{(now.at - start.at) / 60:5.1f} {now.calls:9} {(now.calls - before.calls) / seconds:6.0f} {now.errors:6} "
        f"{now.rss / MIB:8.1f} {now.fds:5} {now.tasks:6} {now.children:8} {now.objects:9} "
        f"{(now.cpu - before.cpu) / seconds * 100:6.0f}"
    )
