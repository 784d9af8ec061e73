"""keepgate as it is used, in four profiles. All of them record every request and every reply.

P0  everything is allowed to anybody on loopback
P1  an API key; a policy of ten roles with a hundred patterns, three of the roles are the caller's
P2  P1, and what goes in and out is inspected: arguments against the tool's schema, texts for what must not pass
P3  P2, and a reply waits until its record is on the disk
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import issuer as issuing
from bench.contender import Contender, Running, Site
from bench.processes import UnfitError, free_port
from bench.scenarios import Scenario

COMMAND = (sys.executable, "-m", "keepgate")
NO_RATE = {"requests_per_second": 1_000_000, "burst": 1_000_000, "concurrent_calls": 1000}
"""The bench is one principal in a great hurry."""
INSPECTED: dict[str, Any] = {
    "content": {"inspect": True, "profile": "balanced"},
    "schemas": {"arguments": "enforce", "results": "record", "unusable": "enforce"},
}
"""As it is without being asked for."""
UNINSPECTED: dict[str, Any] = {
    "content": {"inspect": False},
    "schemas": {"arguments": "ignore", "results": "ignore", "unusable": "ignore"},
}


def access(caller: str = "key:bench") -> dict[str, Any]:
    """Ten roles of ten patterns each; the caller of the bench has three of the roles."""
    roles = {
        f"team{n}": {
            "allow": [f"up/tool_{n}_*", f"up/report_{n}", *(f"up/read_{n}_{m}*" for m in range(5))],
            "deny": [f"up/drop_{n}", f"tool:up/admin_{n}_*", f"up/*_secret_{n}"],
        }
        for n in range(9)
    }
    reads = [f"up/list_{thing}" for thing in ("users", "orders", "files", "issues", "hosts")]
    roles["caller"] = {"allow": ["up/echo", *reads], "deny": ["up/delete_*", "up/erase*", "*/*_internal"]}
    grants = [{"to": f"key:team{n}", "role": f"team{n}"} for n in range(9)]
    mine = [{"to": caller, "role": role} for role in ("caller", "team3", "team7")]
    return {"roles": roles, "grants": [*grants, *mine]}


def config(profile: str, site: Site, port: int, state: Path, issuer: str = "") -> dict[str, Any]:
    # What contains a server costs at its start, not in its calls: it is measured there.
    started = {"command": [str(site.program), "stdio"], "sandbox": {"mode": "off"}}
    server = started if site.scenario.stdio else {"url": site.upstream}
    whole: dict[str, Any] = {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "state": str(state),
        "limits": NO_RATE,
        "servers": {"up": {**server, "prefix": ""}},
        "durability": "sync" if profile in ("P3", "P1sync") else "batch",
    }
    if profile == "P0":
        whole["identity"] = {"anonymous": True}
        everything: dict[str, Any] = {"allow": ["*/*"]}
        if site.scenario.denied:
            everything["deny"] = ["up/erase"]
        whole["access"] = {"roles": {"all": everything}, "grants": [{"to": "anonymous", "role": "all"}]}
    elif profile == "P1jwt":
        whole["access"] = access(f"user:{issuing.SUBJECT}")
        whole["identity"] = {
            "public_url": site.url(port, ""),
            "issuers": {"bench": {"url": issuer, "jwks_url": f"{issuer}/keys"}},
        }
    else:
        whole["access"] = access()
    if site.scenario.tls:
        whole["tls"] = {"cert": str(site.certificate), "key": str(site.certificate.parent / "key.pem")}
    return whole | (INSPECTED if profile in ("P2", "P3") else UNINSPECTED)


def environment(place: Path) -> dict[str, str]:
    """Every per-user directory inside `place`, and no keepgate settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEEPGATE_", "XDG_"))}
    return {**kept, "HOME": str(place)}


def start(profile: str, site: Site) -> Running:
    port = free_port()
    place = site.stage.place(profile)
    state = place / "state"
    file = place / "keepgate.yaml"
    headers, issuer, end = {}, "", lambda: None
    if profile == "P1jwt":
        issuer, token, end = issuing.serve()
        headers["Authorization"] = f"Bearer {token(site.url(port))}"
    file.write_text(json.dumps(config(profile, site, port, state, issuer), indent=1))
    if profile not in ("P0", "P1jwt"):
        command = [*COMMAND, "keys", "create", "bench", "--config", str(file)]
        made = subprocess.run(command, check=False, capture_output=True, text=True, env=environment(place))
        if made.returncode:
            raise UnfitError(f"no key: {made.stderr.strip()[-200:]}")
        headers["Authorization"] = f"Bearer {made.stdout.strip()}"
    # Its own environment only: the variables of the developer's keepgate do not count here.
    serve = ["env", "-i", *(f"{k}={v}" for k, v in environment(place).items())]
    process = site.stage.start(profile, [*serve, *COMMAND, "serve", "--config", str(file)], port=port)

    def stop() -> None:
        process.terminate()
        process.wait(60)
        end()

    def after(answered: int, besides: int) -> str:
        return account(state, site.scenario, answered, besides) + "; " + verify(file, place)

    return Running(site.url(port), process.pid, headers, after=after, stop=stop)


def records(state: Path) -> Iterator[dict[str, Any]]:
    """All that was recorded."""
    for log in sorted((state / "audit").glob("*/*.log")):
        with log.open("rb") as lines:
            next(lines, None)  # the header of the segment
            yield from map(json.loads, lines)


def account(state: Path, scenario: Scenario, answered: int, besides: int) -> str:
    """Every answered call has a record of the request and one of the reply; a denied one has that of the denial."""
    traces, denied, replies = set(), 0, 0
    for record in records(state):
        if record["method"] == "tools/call" and record["kind"] == "request":
            traces.add(record["trace"])
            denied += record["verdict"]["effect"] == "deny"
        elif record["kind"] in ("result", "error") and record["trace"] in traces:
            replies += 1
    calls, ends = len(traces), denied if scenario.denied else replies
    if not answered <= ends <= calls <= answered + besides or (denied and not scenario.denied):
        raise UnfitError(
            f"RECORDS DO NOT FIT: {calls} calls, {replies} replies, {denied} denials "
            f"for {answered} answered calls and at most {besides} unanswered"
        )
    return f"{calls} calls recorded, {answered} of them answered"


def verify(file: Path, place: Path) -> str:
    began = time.monotonic()
    command = [*COMMAND, "audit", "verify", "--config", str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment(place))
    if done.returncode:
        what = " ".join((done.stdout + done.stderr).split())
        raise UnfitError(f"THE LOG DOES NOT VERIFY: {what[-400:]}")
    return f"verified in {time.monotonic() - began:.0f} s"


PROFILES = tuple(
    Contender(name, lambda site, name=name: start(name, site), what)
    for name, what in (
        ("P0", "keepgate, everything allowed to anybody on loopback"),
        ("P1", "keepgate with an API key and a policy of ten roles and a hundred patterns"),
        ("P2", "P1 with schema validation and content inspection both ways"),
        ("P3", "P2 with `durability: sync`: a reply waits until its record is on the disk"),
    )
)
EXTRA = (
    Contender("P1sync", lambda site: start("P1sync", site), "P1 with `durability: sync`"),
    Contender(
        "P1jwt", lambda site: start("P1jwt", site), "P1 with an access token of an issuer instead of a key"
    ),
)
"""Only measured when named."""
