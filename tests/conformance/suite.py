"""Runs the conformance suite's command line and counts what it wrote, check by check.

The suite's own exit status forgives nothing here: the list of expected failures is an empty file. But only its
`checks.json` files say how many checks there were, and a check that no longer runs is as bad as one that fails.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import peers
from tests.support.processes import allow_all, free_port, keepgate_serving, running

HERE = Path(__file__).resolve().parent
EXPECTED_FAILURES = HERE / "expected-failures.yml"
BASELINE = json.loads((HERE / "baseline.json").read_text())
"""What the suite scores directly against the fixture server and the SDK's client, per scenario: passed checks."""

GATEWAY = os.environ.get("KEEPGATE_CONFORMANCE_GATEWAY", "")
"""A command with {upstream} and {port} to test instead of keepgate: for a control, or to compare."""


@dataclass
class Outcome:
    """What one run of the suite came to."""

    passed: dict[str, int] = field(default_factory=dict)
    """Scenario -> checks that succeeded."""
    bad: list[str] = field(default_factory=list)
    """Every check that failed or warned, in words."""
    status: int = 0
    text: str = ""

    @property
    def total(self) -> int:
        return sum(self.passed.values())

    def explain(self) -> str:
        """For an assertion: what went wrong, without the noise."""
        return "\n".join([f"{self.total} passed, {len(self.bad)} not:", *self.bad]) or self.text[-3000:]


def read(directory: Path, prefix: str) -> Outcome:
    """Count what the suite left in its output directory: `<prefix><scenario>-<time>/checks.json`."""
    outcome = Outcome()
    for file in sorted(directory.rglob("checks.json")):  # `auth/…` is a directory of its own
        # 2026-11-21T07-50-52-359Z, and the hyphen before it, are 25 characters.
        scenario = file.parent.relative_to(directory).as_posix()[len(prefix) : -25]
        checks = json.loads(file.read_text())
        outcome.passed[scenario] = sum(check["status"] == "SUCCESS" for check in checks)
        outcome.bad += [
            f"{scenario}: {check['status']} {check['id']}: {check.get('errorMessage') or check.get('description')}"
            for check in checks
            if check["status"] in {"FAILURE", "WARNING"}
        ]
    return outcome


def run(arguments: list[str], out: Path, prefix: str, env: Mapping[str, str] | None = None) -> Outcome:
    """Run the suite, then count."""
    command = [str(peers.NODE), str(peers.CONFORMANCE), *arguments, "-o", str(out)]
    command += ["--expected-failures", str(EXPECTED_FAILURES)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
        env={**os.environ, **(env or {})},
    )
    outcome = read(out, prefix)
    outcome.status, outcome.text = done.returncode, done.stdout + done.stderr
    return outcome


def run_server(url: str, revision: str, out: Path) -> Outcome:
    """Every scenario of a revision against a server."""
    return run(["server", "--url", url, "--suite", "all", "--spec-version", revision], out, "server-")


def run_extension(url: str, scenario: str, out: Path) -> Outcome:
    """One scenario of an extension against a server."""
    return run(["server", "--url", url, "--scenario", scenario], out, "server-")


def run_client(scenario: str, revision: str, out: Path, script: Path = HERE / "gwclient.py") -> Outcome:
    """One scenario with a client (the SDK's), keepgate between it and the suite's own server."""
    command = shlex.join([sys.executable, str(script)])
    arguments = ["client", "--command", command, "--scenario", scenario]
    arguments += ["--spec-version", revision] if revision else []
    log = out / "gateway.log"
    out.mkdir(parents=True, exist_ok=True)
    outcome = run([*arguments, "--timeout", "90000"], out, "", {"KEEPGATE_GWCLIENT_LOG": str(log)})
    if log.exists():
        outcome.text += "\n--- gateway ---\n" + log.read_text(errors="replace")
    return outcome


@contextlib.contextmanager
def fixture_server(log: Path) -> Iterator[str]:
    """The SDK's own conformance server. The URL says localhost: one scenario derives the valid Host from it.

    It runs on the peers' Python, where uvicorn finds no httptools: with that parser, which leaves trailing white space
    in header values, the fixture itself fails one check.
    """
    peers.need(peers.PYTHON, peers.SDK_SERVER, peers.CONFORMANCE, peers.NODE)
    port = free_port()
    command = [peers.PYTHON, "-m", "mcp_everything_server", "--port", str(port), "--log-level", "ERROR"]
    with running(command, log, cwd=peers.SDK_SERVER) as server:
        server.wait_for_port(port)
        yield f"http://localhost:{port}/mcp"


@contextlib.contextmanager
def gateway_before(upstream: str, directory: Path) -> Iterator[str]:
    """keepgate, everything allowed and no prefix, before one HTTP server."""
    port = free_port()
    if GATEWAY:
        words = [w.replace("{upstream}", upstream).replace("{port}", str(port)) for w in shlex.split(GATEWAY)]
        with running(words, directory / "gateway.log") as other:
            other.wait_for_port(port)
            yield f"http://localhost:{port}/mcp"
        return
    config = allow_all(port, directory, {"fixture": {"url": upstream, "prefix": ""}})
    with keepgate_serving(directory, config):
        yield f"http://localhost:{port}/mcp"
