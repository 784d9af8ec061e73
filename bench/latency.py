"""The floor for speed: what one call through keepgate adds, and the CPU of a call against a forwarder of the SDK.

Everything is on: an API key, a policy with several roles, limits, records of both directions. All contenders answer in
the same rounds, one after the other, so that a busy machine is busy for all of them. docs/benchmarks.md has the
figures and what they mean. Exits with 1 if a floor is missed, 0 if not or if the harness is not there.

usage: latency.py [-r ROUNDS] [-d SECONDS]

Environment: KEEPGATE_BENCH, the directory of the harness (drive.py, call.lua, upstream.c); ../shared/bench by default.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HARNESS = Path(os.environ.get("KEEPGATE_BENCH", ROOT.parent / "shared" / "bench"))
MOST_ADDED_MS = 0.5
MOST_CPU = 0.1
LATENCY = ("modern:200:1", "legacy:200:1")
CPU = "modern:200:64"

Row = dict[str, Any]


def missing() -> str:
    """Why it cannot be measured here, or nothing."""
    programs = [name for name in ("wrk", "gcc", "taskset") if shutil.which(name) is None]
    if programs:
        return f"{', '.join(programs)} not installed (Debian: apt install wrk gcc libc6-dev util-linux)"
    if not (HARNESS / "drive.py").exists():
        return f"no harness in {HARNESS}: set KEEPGATE_BENCH"
    return ""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def config(port: int, upstream: str, state: Path) -> Row:
    """Several roles and grants, so that there is something to decide."""
    roles = {
        f"team{n}": {"allow": [f"up/tool_{n}_*", "up/read_*"], "deny": [f"up/drop_{n}"]} for n in range(9)
    }
    roles["bench"] = {"allow": ["up/echo"], "deny": ["up/delete_*"]}
    grants = [{"to": f"key:team{n}", "role": f"team{n}"} for n in range(9)] + [
        {"to": "key:bench", "role": "bench"}
    ]
    return {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "state": str(state),
        "servers": {"up": {"url": upstream, "prefix": ""}},
        "access": {"roles": roles, "grants": grants},
        "limits": {"requests_per_second": 1_000_000, "burst": 1_000_000, "concurrent_calls": 1000},
    }


class Bench:
    """The processes of one measurement, and where they are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stack = contextlib.ExitStack()
        self.targets: dict[str, str] = {}
        cores = sorted(os.sched_getaffinity(0))
        self.gate, self.load = str(cores[0]), str(cores[min(1, len(cores) - 1)])

    def start(self, name: str, core: str, port: int, command: list[str], options: str = "") -> None:
        """Start a program on a core; it is ended with this measurement."""
        log = self.stack.enter_context((self.directory / f"{name}.log").open("wb"))
        process = subprocess.Popen(
            ["taskset", "-c", core, *command],
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=self.directory,
        )
        self.stack.callback(end, process)
        deadline = time.monotonic() + 30
        while not connects(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{name} did not start:\n{(self.directory / f'{name}.log').read_text()}")
            time.sleep(0.05)
        self.targets[name] = f"{name} {process.pid} http://127.0.0.1:{port}/mcp {options}".strip()

    def start_all(self) -> None:
        program = self.directory / "upstream"
        subprocess.run(["gcc", "-O2", "-o", str(program), str(HARNESS / "upstream.c")], check=True)
        up, gate, sdk = free_port(), free_port(), free_port()
        upstream = f"http://127.0.0.1:{up}/mcp"
        self.start("upstream", self.load, up, [str(program), str(up)])
        file = self.directory / "keepgate.yaml"
        file.write_text(json.dumps(config(gate, upstream, self.directory / "state")))
        keepgate = [sys.executable, "-m", "keepgate"]
        made = subprocess.run(
            [*keepgate, "keys", "create", "bench", "--config", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        self.start(
            "keepgate",
            self.gate,
            gate,
            [*keepgate, "serve", "--config", str(file)],
            f"auth={made.stdout.strip()}",
        )
        forwarder = [sys.executable, str(ROOT / "bench" / "sdk_forwarder.py"), str(sdk), upstream]
        self.start("sdk", self.gate, sdk, forwarder)
        (self.directory / "targets.txt").write_text("\n".join(self.targets.values()) + "\n")

    def run(self, scenario: str, names: list[str], rounds: int, seconds: int) -> list[dict[str, Row]]:
        """The rounds of a scenario, each a result per name."""
        out = self.directory / f"{scenario.replace(':', '-')}.jsonl"
        drive = [
            sys.executable,
            str(HARNESS / "drive.py"),
            "-r",
            str(rounds),
            "-d",
            str(seconds),
            "-s",
            scenario,
        ]
        command = [*drive, str(self.directory / "targets.txt"), str(out), *names]
        subprocess.run(command, check=True, env={**os.environ, "LOAD_CPU": self.load})
        found: dict[int, dict[str, Row]] = {}
        for line in out.read_text().splitlines():
            row = json.loads(line)
            found.setdefault(row["round"], {})[row["name"]] = row
        errors = [row for each in found.values() for row in each.values() if row["err"] or row["serr"]]
        if errors:
            sys.exit(f"calls failed, the figures mean nothing: {errors[0]}")
        return list(found.values())


def connects(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def spread(
    rounds: list[dict[str, Row]], value: Callable[[dict[str, Row]], float]
) -> tuple[float, float, float]:
    """Median, lowest and highest over the rounds."""
    values = [value(each) for each in rounds]
    return statistics.median(values), min(values), max(values)


def records(directory: Path) -> int:
    """What keepgate has recorded."""
    return sum(log.read_bytes().count(b"\n") - 1 for log in (directory / "state" / "audit").glob("*/*.log"))


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="keepgate-bench-") as name:
        made = Bench(Path(name))
        with made.stack:
            made.start_all()
            yield made


def measure(rounds: int, seconds: int) -> bool:
    """Print the figures; True if no floor is missed."""
    fine = True
    with bench() as running:
        for scenario in LATENCY:
            found = running.run(scenario, ["direct", "keepgate"], rounds, seconds)
            direct = spread(found, lambda each: each["direct"]["p50"] / 1e3)
            added = spread(found, lambda each: (each["keepgate"]["p50"] - each["direct"]["p50"]) / 1e3)
            fine = fine and added[0] <= MOST_ADDED_MS
            print(f"{scenario}: direct p50 {direct[0]:.3f} ms; keepgate adds", end=" ")
            print(f"{added[0]:.3f} ms ({added[1]:.3f}..{added[2]:.3f}), at most {MOST_ADDED_MS}")
        before = records(running.directory)
        found = running.run(CPU, ["direct", "keepgate", "sdk"], rounds, seconds)
        for name in ("keepgate", "sdk"):
            cpu = spread(found, lambda each, name=name: each[name]["cpu_us"])  # type: ignore[misc]
            rate = spread(found, lambda each, name=name: each[name]["rps"])  # type: ignore[misc]
            print(
                f"{CPU}: {name} uses {cpu[0]:.0f} us of CPU a call ({cpu[1]:.0f}..{cpu[2]:.0f}), {rate[0]:.0f}/s"
            )
        part = spread(found, lambda each: each["keepgate"]["cpu_us"] / each["sdk"]["cpu_us"])
        fine = fine and part[0] <= MOST_CPU
        print(f"{CPU}: keepgate / sdk {part[0]:.4f} ({part[1]:.4f}..{part[2]:.4f}), at most {MOST_CPU}")
        calls = sum(each["keepgate"]["n"] for each in found)
        print(f"recorded meanwhile: {records(running.directory) - before} records of at least {calls} calls")
    print("the floor for speed holds" if fine else "the floor for speed is MISSED")
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-r", dest="rounds", type=int, default=5)
    parser.add_argument("-d", dest="seconds", type=int, default=2)
    given = parser.parse_args()
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return 0
    return 0 if measure(given.rounds, given.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
