"""Run the real gateway for long under a mixed load, and see whether anything grows, fails, or is not recorded.

Both eras on both sides, HTTP and stdio servers, event streams, lists, denied calls, clients that vanish, sessions ended
and left. Afterwards the log must verify and hold exactly the records of what was asked and answered.

usage: python -m bench.soak [--seconds N] [--calls N] [--rate N] [--out FILE]

--calls asks for nothing but so many calls, as fast as they are answered, instead of the mix for --seconds.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.soak import clients, watch
from bench.soak.clients import Tally
from keepgate.stores.audit.files import audit_directory, writers
from keepgate.stores.audit.reading import records

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(__file__).with_name("server.py")
EVERY = 5.0
"""Seconds between two looks."""
STATELESS_CLIENTS, SESSIONS, LISTENERS = 8, 8, 8
LEFT = 30.0
"""Seconds after which a session that was left is ended."""
CHILDREN = 4
"""Processes that stay when all clients have gone: the two stdio servers that stateless callers share, each below its
reaper."""
REST = {"fds": 80, "tasks": 25, "children": CHILDREN}
"""What the gateway may hold when all clients have gone."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--calls", type=int, default=0, help="nothing but so many calls")
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second of the mix (150)")
    parser.add_argument("--out", type=Path, help="write what was seen as JSON")
    return parser.parse_args()


def free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def configuration(directory: Path, ports: dict[str, int]) -> Path:
    python = [sys.executable, str(SERVER)]
    servers: dict[str, Any] = {
        name: {"url": f"http://127.0.0.1:{port}/mcp"} for name, port in ports.items() if name != "gate"
    }
    for name, era in (("sl-stdio", "stateless"), ("hs-stdio", "handshake")):
        servers[name] = {"command": [*python, "stdio", era], "sandbox": {"mode": "off"}}
    whole = {
        "version": 1,
        "listen": f"127.0.0.1:{ports['gate']}",
        "identity": {"anonymous": True},
        "state": str(directory / "state"),
        "servers": {name: servers[name] for name in clients.SERVERS},
        "access": {
            "roles": {"all": {"allow": ["*/*"], "deny": ["*/forbidden"]}},
            "grants": [{"to": "anonymous", "role": "all"}],
        },
        "limits": {
            "requests_per_second": 1_000_000,
            "burst": 1_000_000,
            "sessions": 1000,
            "session_idle": LEFT,
            "concurrent_calls": 1000,
        },
    }
    for name, server in servers.items():
        server["prefix"] = f"{name}_"
    file = directory / "keepgate.yaml"
    file.write_text(json.dumps(whole))
    return file


@contextlib.contextmanager
def program(words: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    home = {name: str(log.parent / name) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    with log.open("ab") as out:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, env={**os.environ, **home}
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def await_line(log: Path, start: str, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not any(line.startswith(start) for line in log.read_text(errors="replace").splitlines()):
        if time.monotonic() > deadline:
            raise SystemExit(f"no line {start!r}: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


async def load(
    given: argparse.Namespace, port: int, pid: int, report: Path, tally: Tally
) -> list[watch.Sample]:
    """Run the clients; what was seen meanwhile, and at last when all is quiet again."""
    if given.calls:
        share = itertools.count()
        work = [clients.plain(tally, port, share, given.calls) for _ in range(32)]
    else:
        tally.pace = (STATELESS_CLIENTS + SESSIONS) / given.rate
        work = [clients.stateless(tally, port) for _ in range(STATELESS_CLIENTS)]
        work += [clients.handshakes(tally, port) for _ in range(SESSIONS)]
        work += [clients.listener(tally, port) for _ in range(LISTENERS)]
    running = [asyncio.create_task(one) for one in work]
    samples: list[watch.Sample] = []
    said = 0.0
    print(watch.HEAD, flush=True)
    ends = time.monotonic() + given.seconds

    def busy() -> bool:
        over = given.calls == 0 and time.monotonic() >= ends
        return not over and any(not task.done() for task in running)

    while busy():
        calls = sum(tally.done.values()) - tally.done["errors"]
        samples.append(watch.look(pid, report, calls, tally.done["errors"]))
        if samples[-1].at - said >= 60 or len(samples) == 2:
            before = next((s for s in reversed(samples) if s.at <= said), samples[0])
            print(watch.row(samples[-1], before, samples[0]), flush=True)
            said = samples[-1].at
        await asyncio.wait(running, timeout=EVERY)
    tally.stopping = True
    await asyncio.wait(running, timeout=90)
    for task in running:
        if not task.done():
            tally.failed("a client does not end")
            task.cancel()
        elif task.exception() is not None:
            tally.failed(f"a client failed: {task.exception()!r}")
    return samples


def counted(state: Path) -> Counter[tuple[str, str, str, str]]:
    """Records by direction, kind, method and name."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for directory in writers(audit_directory(state)):
        for stored in records(directory, 0, 0):
            record = orjson.loads(stored.data)
            found[record["direction"], record["kind"], record["method"], record["name"]] += 1
    return found


def expected(found: Counter[tuple[str, str, str, str]], done: Counter[str]) -> list[str]:
    """What the log holds too much or too little of."""
    wrong = []

    def must(what: str, lowest: int, highest: int, *key: str) -> None:
        number = found[key[0], key[1], key[2], key[3]]
        if not lowest <= number <= highest:
            wrong.append(f"{number} records of {what}, where {lowest} to {highest} belong")

    for name in ("echo", "steps"):
        must(f"calls of {name}", done[name], done[name], "to_server", "request", "tools/call", name)
        must(f"results of {name}", done[name], done[name], "to_client", "result", "", name)
    must("denied calls", done["denied"], done["denied"], "to_server", "request", "tools/call", "forbidden")
    must("lists", done["lists"], done["lists"], "to_server", "request", "tools/list", "")
    must("results of lists", done["lists"], done["lists"], "to_client", "result", "", "tools/list")
    must("vanished calls", 0, done["vanished"], "to_server", "request", "tools/call", "slow")
    return wrong


def ended(process: "subprocess.Popen[bytes]") -> list[str]:
    """Stop the gateway; what it leaves behind."""
    import psutil

    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(60)
    except subprocess.TimeoutExpired:
        return ["the gateway does not stop"]
    wrong = [f"the gateway ended with status {status}"] if status else []
    _, alive = psutil.wait_procs(below, timeout=10)
    return wrong + [f"left behind: {child}" for child in alive]


def verified(file: Path, log: Path) -> list[str]:
    words = [sys.executable, "-m", "keepgate", "audit", "verify", "--config", str(file)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=ROOT)
    log.write_text(done.stdout + done.stderr)
    return [f"audit verify: {(done.stdout + done.stderr)[-500:]}"] if done.returncode else []


def quiet(pid: int, report: Path) -> watch.Sample:
    """When all clients have gone: sessions that were left are ended after a while."""
    deadline = time.monotonic() + LEFT + 60
    now = watch.look(pid, report, 0, 0)
    while now.children > CHILDREN and time.monotonic() < deadline:
        time.sleep(1)
        now = watch.look(pid, report, 0, 0)
    return now


def main() -> int:
    given = arguments()
    ports = {name: free_port() for name in ("gate", "sl-http", "hs-http")}
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="keepgate-soak-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        file, report = configuration(directory, ports), directory / "inside.json"
        for server, era in (("sl-http", "stateless"), ("hs-http", "handshake")):
            words = [sys.executable, str(SERVER), "http", str(ports[server]), era]
            _ = stack.enter_context(program(words, directory / f"{server}.log"))
        words = [sys.executable, "-m", "bench.soak.gateway", str(file), str(report)]
        process = stack.enter_context(program(words, directory / "keepgate.log"))
        await_line(directory / "keepgate.log", "ready: ")
        samples = uvloop.run(load(given, ports["gate"], process.pid, report, tally))
        rest = quiet(process.pid, report) if not given.calls else samples[-1]
        wrong = ended(process)
        wrong += verified(file, directory / "verify.log")
        found = counted(directory / "state")
        wrong += expected(found, tally.done)
        wrong += [f"{tally.done['errors']} errors"] if tally.done["errors"] else []
        wrong += tally.wrong
        if given.out:
            given.out.with_suffix(".log").write_bytes((directory / "keepgate.log").read_bytes()[-1_000_000:])
    findings = watch.judged(samples, min(60.0 if given.calls else 300.0, given.seconds / 3))
    for finding in findings:
        state = "flat" if finding.flat else "GROWS"
        print(f"{finding.what:>9} {finding.first:12.0f} -> {finding.last:12.0f}  {state}")
    print(f"{'slope':>9} {watch.slope(samples[len(samples) // 6 :]) / watch.MIB:.1f} MiB of memory an hour")
    print(f"when all clients had gone: {rest.fds} descriptors, {rest.tasks} tasks, {rest.children} children")
    if wrong:
        kinds = Counter({key: number for key, number in found.items() if number > 1})
        print(
            "records:", *(f"{number} {' '.join(key)}" for key, number in kinds.most_common(20)), sep="\n    "
        )
    print("done:", dict(tally.done), "records:", sum(found.values()))
    if not given.calls:
        wrong += [
            f"{getattr(rest, what)} {what} are left when all clients have gone, at most {most} may be"
            for what, most in REST.items()
            if getattr(rest, what) > most
        ]
    wrong += [f"{f.what} grows from {f.first:.0f} to {f.last:.0f}" for f in findings if not f.flat]
    for line in wrong:
        print("WRONG:", line)
    if given.out:
        more = {"done": dict(tally.done), "records": sum(found.values()), "wrong": wrong}
        more |= {"slope_bytes_per_hour": watch.slope(samples[len(samples) // 6 :])}
        given.out.write_text(watch.written(samples, findings, **more))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
