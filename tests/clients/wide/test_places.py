"""Every row of the table leads to files on the platforms it is for, in every scope; patterns stay bounded."""

import json
import os

import pytest

from keepgate.clients.formats import Machine
from keepgate.clients.wide import places
from keepgate.clients.wide.table import ROWS

SERVER = json.dumps({"mcpServers": {"a": {"command": "x"}}})


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SERVER)


def concrete(pattern):
    return pattern.replace("**", "one/two").replace("*", "some")


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_files_of_a_client_are_found(tmp_path, platform, row):
    home, project = tmp_path / "home", tmp_path / "home" / "code" / "shop"
    (project / ".git").mkdir(parents=True)
    machine = Machine(home, platform, project, {})
    expected = set()
    for pattern in (*row.user, *row.plugin):
        kind, mark, rest = pattern.partition(":")
        if mark and kind in ("linux", "darwin", "win32"):
            if kind != platform:
                continue
            pattern = rest
        path = concrete(
            pattern.replace("~", str(home))
            .replace("{data}", str(machine.roaming))
            .replace("{local}", str(machine.local))
        )
        put(home / path)
        expected.add(path)
    for pattern in row.project:
        put(project / concrete(pattern))
        expected.add(str(project / concrete(pattern)))
    found = {str(spot.path): spot for spot in places.configurations(machine, [row])}
    assert set(found) == expected
    assert {spot.client for spot in found.values()} <= {row.id}


def test_there_are_at_least_twenty_five_clients_with_unique_names():
    assert len({row.id for row in ROWS}) == len(ROWS) >= 40


def test_variables_lead_elsewhere(tmp_path):
    put(tmp_path / "moved" / "config.toml")
    machine = Machine(tmp_path / "home", "linux", tmp_path, {"CODEX_HOME": str(tmp_path / "moved")})
    assert [spot.client for spot in places.configurations(machine)] == ["codex"]


def test_links_that_lead_back_and_trees_without_end_are_left_behind(tmp_path):
    deep = tmp_path / "cache"
    deep.mkdir()
    os.symlink(tmp_path, deep / "loop")
    for _ in range(12):
        deep = deep / "d"
        deep.mkdir()
    put(deep / ".mcp.json")
    assert len(list(places.walk(tmp_path))) <= 2 + places.MAX_DEPTH
    assert not places.matches(tmp_path, "cache/**/.mcp.json")


def test_skills_and_instructions_are_found(tmp_path):
    for path in (
        ".claude/skills/x/SKILL.md",
        ".codex/AGENTS.md",
        "code/AGENTS.md",
        "code/.cursor/rules/a.mdc",
    ):
        put(tmp_path / path)
    machine = Machine(tmp_path, "linux", tmp_path / "code", {})
    assert {(spot.path.name, spot.scope) for spot in places.instructions(machine)} == {
        ("SKILL.md", "user"),
        ("AGENTS.md", "user"),
        ("AGENTS.md", "project"),
        ("a.mdc", "project"),
    }
