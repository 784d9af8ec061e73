"""`keepgate scan` as it is called: exit codes, forms, baseline, and that it starts nothing."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from keepgate import cli

RUNNER = CliRunner()
BAD = {"mcpServers": {"a": {"command": "python", "args": ["-c", "exec(x)"]}}}
GOOD = {
    "mcpServers": {"a": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory@2026.8.31"]}}
}
LOW = {"mcpServers": {"a": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"]}}}


@pytest.fixture
def scan(tmp_path):
    def run(content, *arguments, name="mcp.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return RUNNER.invoke(cli.app, ["scan", str(path), *arguments])

    return run


@pytest.mark.parametrize(
    ("config", "arguments", "code"),
    [
        (GOOD, [], 0),
        (LOW, [], 11),
        (LOW, ["--fail-on", "medium"], 0),
        (BAD, [], 13),
        (BAD, ["--fail-on", "critical"], 0),
        (BAD, ["--fail-on", "never"], 0),
        (GOOD, ["--require"], 1),
        (BAD, ["--format", "yaml"], 2),
        ({"mcpServers": {"a": {"command": "docker", "args": ["run", "--privileged", "x/mcp:1"]}}}, [], 14),
        ({"mcpServers": {"a": {"command": "npx", "args": ["postmark-mcp"]}}}, [], 12),
    ],
)
def test_exit_codes(scan, config, arguments, code):
    assert scan(config, *arguments).exit_code == code


def test_nothing_to_scan_is_a_code_of_its_own(tmp_path):
    assert RUNNER.invoke(cli.app, ["scan", str(tmp_path)]).exit_code == 3


def test_a_target_that_is_not_there_is_an_error(tmp_path):
    result = RUNNER.invoke(cli.app, ["scan", str(tmp_path / "none")])
    assert result.exit_code == 1


@pytest.mark.parametrize("form", ["terminal", "json", "sarif", "markdown", "html", "cyclonedx"])
def test_every_form_comes_out(scan, form, tmp_path):
    out = tmp_path / "report"
    assert scan(BAD, "--format", form, "--output", str(out)).exit_code == 13
    assert out.stat().st_size > 200
    if form in ("json", "sarif", "cyclonedx"):
        json.loads(out.read_bytes())


def test_a_baseline_accepts_until_its_end(scan, tmp_path):
    kept = tmp_path / "baseline.json"
    assert (
        scan(BAD, "--write-baseline", str(kept), "--reason", "known", "--until", "2999-01-01").exit_code == 13
    )
    assert scan("// above\n" + json.dumps(BAD), "--baseline", str(kept)).exit_code == 0
    assert "1 accepted by the baseline" in scan(BAD, "--baseline", str(kept)).stdout
    value = json.loads(kept.read_text())
    assert [each["reason"] for each in value["accepted"]] == ["known"]
    value["accepted"][0]["until"] = "2020-01-01"
    kept.write_text(json.dumps(value))
    assert scan(BAD, "--baseline", str(kept)).exit_code == 13
    kept.write_text("{}")
    assert scan(BAD, "--baseline", str(kept)).exit_code == 1


def test_more_advisories_can_be_given(scan, tmp_path):
    dump = tmp_path / "osv.json"
    record = {
        "id": "MAL-2026-1",
        "affected": [{"package": {"ecosystem": "npm", "name": "some-srv"}, "versions": ["1.0.0"]}],
    }
    dump.write_text(json.dumps(record))
    config = {"mcpServers": {"a": {"command": "npx", "args": ["some-srv@1.0.0"]}}}
    assert scan(config).exit_code == 0
    assert scan(config, "--advisories", str(dump)).exit_code == 14


def test_a_home_is_scanned_and_nothing_in_it_is_started(tmp_path):
    """Every program named in a configuration leaves a mark when it is started; there is none."""
    mark = tmp_path / "started"
    program = tmp_path / "bin" / "npx"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho x >> {mark}\n")
    program.chmod(0o755)
    for name in ("uvx", "node", "python3", "docker", "git", "sh"):
        (program.parent / name).write_bytes(program.read_bytes())
        (program.parent / name).chmod(0o755)
    home = tmp_path / "home"
    (home / ".cursor").mkdir(parents=True)
    servers = {
        each: {"command": str(program.parent / each), "args": ["-y", "x"]}
        for each in ("npx", "uvx", "node", "sh", "docker")
    }
    servers |= {
        f"{each}-by-name": {"command": each, "args": ["x"]} for each in ("npx", "uvx", "python3", "git")
    }
    (home / ".cursor" / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    env = {**os.environ, "HOME": str(home), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "keepgate", "scan", "--format", "json"]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, timeout=60)
    assert {each["name"] for each in json.loads(done.stdout)["inventory"]} == set(servers)
    assert not mark.exists()
