"""One run of wrk against one contender."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.contender import Running
from bench.processes import LOAD, Stage, UnfitError, cpu, memory, settle
from bench.scenarios import Scenario
from bench.texts import body, texts

LUA = Path(__file__).resolve().with_name("call.lua")


@dataclass(frozen=True)
class Run:
    """What one contender did in one round. Times in microseconds, memory in bytes."""

    calls: int
    rate: float
    p50: float
    p99: float
    cpu: float
    """per completed call, of the process and all below it"""
    memory: int


def prepare(stage: Stage, scenario: Scenario, tool: str) -> Path:
    """The requests, one a line."""
    file = stage.directory / f"requests-{tool}"
    if not file.exists():
        lines = (
            body(n, tool, words, scenario.revision, scenario.events)
            for n, words in enumerate(texts(scenario.size), 1)
        )
        file.write_text("\n".join(lines) + "\n")
    return file


def headers(running: Running, scenario: Scenario, tool: str) -> str:
    """Header lines of the calls."""
    named = {} if scenario.handshake else {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    whole = {"MCP-Protocol-Version": scenario.revision, **named, **running.headers}
    return "\n".join(f"{name}: {value}" for name, value in whole.items())


def run(running: Running, scenario: Scenario, stage: Stage, sessions: list[str], seconds: int) -> Run:
    """Load the contender. Raises `UnfitError` if not every call was answered as it has to be."""
    tool = running.tool or scenario.tool
    environment = {
        **os.environ,
        "BODIES": str(prepare(stage, scenario, tool)),
        "HEADERS": headers(running, scenario, tool),
        "SESSIONS": ",".join(sessions),
    }
    wrk = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}", "--timeout", "20s", "-s", str(LUA)]
    before = cpu(running.pid)
    command = ["taskset", "-c", LOAD, *wrk, running.url]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    used = cpu(running.pid) - before
    lines = [line for line in done.stderr.splitlines() if line.startswith('{"n":')]
    if not lines:
        raise UnfitError(f"wrk: {(done.stdout + done.stderr).strip()[-300:]}")
    got = json.loads(lines[-1])
    held = memory(running.pid)
    settle(running.pid)
    judge(got, scenario)
    return Run(got["n"], got["rps"], got["p50"], got["p99"], used / got["n"] / 1e3, held)


def judge(got: dict[str, float], scenario: Scenario) -> None:
    """Raises `UnfitError` if something went wrong."""
    if not got["n"]:
        raise UnfitError("no call completed in a round")
    if got["failed"]:
        raise UnfitError(f"{got['failed']:.0f} connections broke or calls were not answered")
    if scenario.denied:
        return
    if got["refused"]:
        raise UnfitError(f"{got['refused']:.0f} of {got['n']:.0f} calls were answered with an error status")
    if got["bytes"] < got["n"] * scenario.size:
        raise UnfitError("replies shorter than their text: the calls were not answered")
