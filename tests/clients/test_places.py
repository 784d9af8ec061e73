"""Where each client keeps its files, on each platform."""

from pathlib import Path

import pytest

from keepgate.clients import CLIENTS
from keepgate.clients.formats import Machine

HOME = Path("/home/ada")


def paths(client: str, platform: str, home: Path = HOME, env=None, cwd: Path = Path("/src/app")) -> list[str]:
    machine = Machine(home, platform, cwd, env or {})
    return [place.path.as_posix() for place in CLIENTS[client].places(machine)]


USER_FILES = {
    ("claude-desktop", "darwin"): "Library/Application Support/Claude/claude_desktop_config.json",
    ("claude-desktop", "linux"): ".config/Claude/claude_desktop_config.json",
    ("claude-desktop", "win32"): "AppData/Roaming/Claude/claude_desktop_config.json",
    ("claude-code", "darwin"): ".claude.json",
    ("claude-code", "linux"): ".claude.json",
    ("claude-code", "win32"): ".claude.json",
    ("cursor", "darwin"): ".cursor/mcp.json",
    ("cursor", "linux"): ".cursor/mcp.json",
    ("cursor", "win32"): ".cursor/mcp.json",
    ("vscode", "darwin"): "Library/Application Support/Code/User/mcp.json",
    ("vscode", "linux"): ".config/Code/User/mcp.json",
    ("vscode", "win32"): "AppData/Roaming/Code/User/mcp.json",
}


@pytest.mark.parametrize(("client", "platform"), USER_FILES, ids="-".join)
def test_the_first_place_is_the_users_own_file(client, platform):
    assert paths(client, platform)[0] == (HOME / USER_FILES[client, platform]).as_posix()


@pytest.mark.parametrize(
    ("client", "file"),
    [("claude-code", ".mcp.json"), ("cursor", ".cursor/mcp.json"), ("vscode", ".vscode/mcp.json")],
)
def test_a_project_is_looked_through_up_to_the_root_of_its_repository(client, file, tmp_path):
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    found = paths(client, "linux", cwd=tmp_path / "repo" / "a" / "b")
    for folder in ("repo/a/b", "repo/a", "repo"):
        assert f"{tmp_path}/{folder}/{file}" in found
    assert f"{tmp_path}/{file}" not in found


def test_outside_of_a_repository_only_the_working_directory_is_looked_at():
    assert paths("claude-code", "linux") == ["/home/ada/.claude.json", "/src/app/.mcp.json"]


def test_the_users_file_is_not_a_project_file_as_well():
    assert paths("cursor", "linux", cwd=HOME) == ["/home/ada/.cursor/mcp.json"]


@pytest.mark.parametrize(
    ("client", "platform", "env", "first"),
    [
        ("claude-code", "linux", {"CLAUDE_CONFIG_DIR": "/etc/claude"}, "/etc/claude/.claude.json"),
        ("claude-desktop", "linux", {"XDG_CONFIG_HOME": "/x"}, "/x/Claude/claude_desktop_config.json"),
        ("claude-desktop", "win32", {"APPDATA": "/r"}, "/r/Claude/claude_desktop_config.json"),
        ("vscode", "linux", {"VSCODE_PORTABLE": "/usb/data"}, "/usb/data/user-data/User/mcp.json"),
    ],
)
def test_the_variables_that_move_a_clients_files_are_followed(client, platform, env, first):
    assert paths(client, platform, env=env)[0] == first


def test_the_packaged_claude_desktop_of_windows_comes_before_the_classic_one(tmp_path):
    package = tmp_path / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc"
    package.mkdir(parents=True)
    assert paths("claude-desktop", "win32", home=tmp_path) == [
        f"{package}/LocalCache/Roaming/Claude/claude_desktop_config.json",
        f"{tmp_path}/AppData/Roaming/Claude/claude_desktop_config.json",
    ]


def test_vs_code_profiles_and_the_insiders_build_are_looked_at(tmp_path):
    (tmp_path / ".config/Code/User/profiles/-1a2b3c").mkdir(parents=True)
    found = paths("vscode", "linux", home=tmp_path)
    assert f"{tmp_path}/.config/Code/User/profiles/-1a2b3c/mcp.json" in found
    assert f"{tmp_path}/.config/Code - Insiders/User/mcp.json" in found


def test_no_key_is_ever_written_into_a_projects_file():
    machine = Machine(HOME, "linux", Path("/src/app"), {})
    places = [place for client in CLIENTS.values() for place in client.places(machine)]
    assert {place.scope for place in places if place.anchor} == {"user"}
    assert any(place.scope == "project" for place in places)
