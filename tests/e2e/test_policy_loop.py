"""Observe, suggest, simulate, enforce: the whole loop with a real server and the command line; a quota over a kill."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from getpass import getuser
from pathlib import Path
from typing import Any

from tests.e2e.client import FRONTS, conversation
from tests.e2e.faults import keepgate, with_tools
from tests.e2e.gate import Gate, gate_before
from tests.e2e.upstreams.start import Upstream, over_stdio

TOOLS = ("read_a", "read_b", "read_c", "write", "drop")
READER = {"auditor": {"administer": ["read_payloads"]}}
READS = {"to": f"local:{getuser()}", "role": "auditor"}
NARROW = {
    "roles": {**READER, "r": {"allow": ["s/read_a"]}, "unused": {"allow": ["s/gone"]}},
    "grants": [READS, {"to": "key:ann", "role": "r"}, {"to": "key:bob", "role": "unused"}],
}
USED = {"ann": ("read_a", "read_b", "read_c"), "bob": ("write",)}


def said(gate: Gate, calls: dict[str, tuple[str, ...]], era: str = "stateless") -> dict[tuple[str, str], Any]:
    """What came of these calls, by key and tool."""

    found = {}

    @conversation
    async def work() -> None:
        for key, names in calls.items():
            client = await FRONTS[era](gate.url, key=gate.keys.get(key, key)).initialize()
            for name in names:
                found[key, name] = await client.call("tools/call", {"name": f"s_{name}", "arguments": {}})

    work()
    return found


def server(directory: Path, **entry: Any) -> Upstream:
    made = over_stdio(directory, "s", with_tools(*TOOLS, era="stateless"))
    return replace(made, entry={**made.entry, **entry})


def again(directory: Path) -> Path:
    """Where the next start has its configuration and output; the state stays where it was."""
    (directory / "again").mkdir()
    return directory / "again"


def test_what_was_observed_becomes_the_policy_and_nothing_more(tmp_path):
    with gate_before(
        tmp_path, [server(tmp_path, mode="observe")], keys=["ann", "bob"], access=NARROW
    ) as gate:
        assert all("result" in reply for reply in said(gate, USED).values())
        assert "observe mode: what policy refuses on server `s`" in gate.process.output()
        keys = gate.keys

    suggested = keepgate(tmp_path, "policy", "suggest", "--format", "json")
    assert suggested.returncode == 0, suggested.stderr
    told = json.loads(suggested.stdout)
    assert {each["what"] for each in told["unused"]} == {
        "allow s/gone of role unused",
        "role unused of key:bob",
    }
    old = json.loads((tmp_path / "keepgate.yaml").read_text())
    proposal = tmp_path / "proposed.yaml"
    proposal.write_text(
        json.dumps(old | {"access": told["access"], "servers": {"s": server(tmp_path).entry}})
    )
    simulated = keepgate(tmp_path, "policy", "simulate", str(proposal), "--format", "json")
    changes = json.loads(simulated.stdout)["changes"]
    assert {(each["change"], each["after"]) for each in changes} == {("gains", "allow")}
    assert sum(each["count"] for each in changes) == 3

    with gate_before(
        again(tmp_path), [server(tmp_path)], access=told["access"], state=str(tmp_path / "state")
    ) as gate:
        reached = said(gate, {keys[key]: names for key, names in USED.items()})
        assert all("result" in reply for reply in reached.values()), reached
        beyond = said(gate, {keys["ann"]: ("write", "drop"), keys["bob"]: ("read_a", "drop")})
        assert {reply["error"]["message"].partition(":")[0] for reply in beyond.values()} == {"Unknown tool"}


def test_a_daily_quota_goes_on_after_a_kill(tmp_path):
    budgets = [{"name": "b", "uses": ["s/write"], "per_day": 2}]
    with gate_before(tmp_path, [server(tmp_path)], budgets=budgets) as gate:
        said(gate, {"": ("write", "read_a")})
        time.sleep(1.5)  # what is used is on disk within a second
        gate.process.process.kill()
    with gate_before(
        again(tmp_path), [server(tmp_path)], budgets=budgets, state=str(tmp_path / "state")
    ) as gate:
        first = said(gate, {"": ("write",)})["", "write"]["result"]
        assert not first.get("isError")
        denied = said(gate, {"": ("write",)}, era="handshake")["", "write"]["result"]
        assert denied["isError"]
        assert "the budget `b` (day) is used up, retry in" in denied["content"][0]["text"]
        assert 0 < denied["_meta"]["dev.keepgate/retry-after"] <= 86_400
        assert "isError" not in said(gate, {"": ("read_a",)})["", "read_a"]["result"]
