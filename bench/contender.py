"""Who takes part, and how it is reached."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import Stage
from bench.scenarios import Scenario


@dataclass(frozen=True)
class Site:
    """What a contender needs to know to start."""

    stage: Stage
    scenario: Scenario
    port: int
    """of the upstream, on 127.0.0.1"""
    program: Path
    """the upstream's program, for those who start it themselves"""
    certificate: Path
    """with the key beside it, `key.pem`"""

    @property
    def upstream(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def url(self, port: int, path: str = "/mcp") -> str:
        return f"{'https' if self.scenario.tls else 'http'}://127.0.0.1:{port}{path}"


@dataclass
class Running:
    """A contender that has started."""

    url: str
    pid: int | None = None
    """of the process whose tree is accounted; none for the upstream itself"""
    headers: dict[str, str] = field(default_factory=dict)
    tool: str = ""
    """if it calls the tool differently"""
    after: Callable[[int, int], str] | None = None
    """Called when it has ended, with the calls that it answered and those that it may have seen besides: what it has
    to show for them. Raises `UnfitError` if that does not fit."""
    stop: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Contender:
    """A name for the tables, and a way to start it; starting raises `UnfitError` with the reason."""

    name: str
    start: Callable[[Site], Running]
    what: str = ""
    scenarios: tuple[str, ...] = ()
    """those that it takes part in, all if empty"""
    longer: int = 1
    """its runs take so many times as long: it completes few calls in a second"""
