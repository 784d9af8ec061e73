"""Install and uninstall on disk: what is written, what is refused, and the way back from every state."""

import json
import os
import stat
from pathlib import Path

import pytest

from keepgate.clients import CLIENTS
from keepgate.clients.discover import through_keepgate
from keepgate.clients.formats import Gateway, Machine, edit, scan
from keepgate.clients.rewrite import Change, Ledger, Record, RefusedError, Rewriter
from tests.clients.homes import LAYOUT, WINDOWS, contents, furnish

URL = "http://127.0.0.1:8700/mcp"
GATEWAY = Gateway(URL, "kg_aaaaaaaa_the-key", ("/opt/keepgate", "stdio", "--key-env", "KEEPGATE_API_KEY"))
SHARED = "shop/.mcp.json"


def rewriter(machine: Machine) -> Rewriter:
    return Rewriter(machine, Ledger(machine.home / "state" / "clients"))


def plan(machine: Machine, client: str, key: str = GATEWAY.key, **options) -> list[Change]:
    one = CLIENTS[client]
    gateway = Gateway(URL, key, GATEWAY.argv)
    return rewriter(machine).install(
        one, lambda: one.entry(gateway), lambda entry: through_keepgate(entry, URL), **options
    )


def install(machine: Machine, *clients: str, **options) -> list[Change]:
    done = []
    for client in clients or CLIENTS:
        for change in plan(machine, client, **options):
            if not change.refused:
                rewriter(machine).apply(change)
            done.append(change)
    return done


def uninstall(machine: Machine, *clients: str) -> list[Change]:
    worker = rewriter(machine)
    done = list(worker.uninstall(frozenset(clients or CLIENTS)))
    for change in done:
        if not change.refused:
            worker.apply(change)
    return done


def data(path: Path):
    return scan(path.read_text()).root.plain()


def refusals(changes: list[Change]) -> dict[str, str]:
    return {change.path.name: change.refused for change in changes if change.refused}


def test_each_client_gets_one_entry_in_its_own_manner(tmp_path):
    machine = furnish(tmp_path)
    install(machine)
    headers = {"Authorization": f"Bearer {GATEWAY.key}"}
    desktop = data(tmp_path / ".config/Claude/claude_desktop_config.json")
    assert desktop["mcpServers"] == {
        "keepgate": {
            "command": "/opt/keepgate",
            "args": ["stdio", "--key-env", "KEEPGATE_API_KEY"],
            "env": {"KEEPGATE_API_KEY": GATEWAY.key},
        }
    }
    assert desktop["globalShortcut"] == "Alt+Space"
    code = data(tmp_path / ".claude.json")
    assert code["mcpServers"] == {"keepgate": {"type": "http", "url": URL, "headers": headers}}
    assert code["projects"]["/home/ada/shop"]["mcpServers"] == {}
    assert code["projects"]["/home/ada/shop"]["history"][0]["display"] == 'fix the "mcpServers": {} thing'
    assert data(tmp_path / ".cursor/mcp.json") == {
        "mcpServers": {"keepgate": {"url": URL, "headers": headers}}
    }
    vscode = data(tmp_path / ".config/Code/User/mcp.json")
    assert vscode["servers"] == {"keepgate": {"type": "http", "url": URL, "headers": headers}}
    assert vscode["inputs"][0]["id"] == "perplexity-key"
    settings = data(tmp_path / ".config/Code/User/settings.json")
    assert settings["mcp"] == {"inputs": [], "servers": {}}


def test_only_the_servers_change_in_the_text_of_a_file(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".config/Code/User/mcp.json"
    before = file.read_text()
    install(machine, "vscode")
    head, _, _ = before.partition('"servers": {')
    assert file.read_text() == (
        head + '"servers": {\n\t\t"keepgate": {\n\t\t\t"type": "http",\n'
        f'\t\t\t"url": "{URL}",\n\t\t\t"headers": {{\n'
        f'\t\t\t\t"Authorization": "Bearer {GATEWAY.key}"\n\t\t\t}}\n\t\t}}\n\t}},\n}}\n'
    )


def test_everything_is_as_it_was_after_uninstall(tmp_path):
    machine = furnish(tmp_path)
    before = contents(tmp_path)
    install(machine)
    assert contents(tmp_path) != before
    assert install(machine) == []
    uninstall(machine)
    assert contents(tmp_path) == before
    assert uninstall(machine) == []
    assert {path.name for path in (tmp_path / "state/clients").iterdir()} == {".lock", "manifest.json"}
    assert not [path for path in tmp_path.rglob(".*.????????") if path.is_file()]


def test_a_projects_shared_file_is_touched_on_request_only_and_gets_no_key(tmp_path):
    machine = furnish(tmp_path)
    before = contents(tmp_path)[SHARED]
    install(machine, "claude-code")
    assert (tmp_path / SHARED).read_bytes() == before
    install(machine, "claude-code", project=True)
    assert data(tmp_path / SHARED) == {"mcpServers": {}}
    uninstall(machine)
    assert (tmp_path / SHARED).read_bytes() == before


def test_the_backup_comes_first_and_nobody_else_can_read_it(tmp_path):
    machine = furnish(tmp_path)
    before = contents(tmp_path)[".cursor/mcp.json"]
    (change,) = plan(machine, "cursor")
    worker = rewriter(machine)
    (tmp_path / ".cursor/mcp.json").chmod(0o444)
    with pytest.raises(RefusedError, match="read-only"):
        worker.apply(change)
    assert worker.ledger.records() == []
    (tmp_path / ".cursor/mcp.json").chmod(0o600)
    worker.apply(change)
    (record,) = worker.ledger.records()
    backup = worker.ledger.folder / record.backup
    assert backup.read_bytes() == before
    for path in (backup, worker.ledger.folder / "manifest.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(worker.ledger.folder.stat().st_mode) == 0o700
    assert GATEWAY.key not in (worker.ledger.folder / "manifest.json").read_text()


def test_mode_is_kept_and_a_key_in_an_open_file_is_said(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    file.chmod(0o644)
    (change,) = install(machine, "cursor")
    assert change.notes == ("others can read this file, which holds a key: chmod 600",)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_client_without_a_file_gets_one_and_loses_it_again(tmp_path):
    machine = Machine(tmp_path, "linux", tmp_path, {})
    install(machine, "cursor")
    file = tmp_path / ".cursor/mcp.json"
    assert list(data(file)["mcpServers"]) == ["keepgate"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    uninstall(machine)
    assert not file.exists()


@pytest.mark.parametrize(
    "text", ["", "\n", "\ufeff", "{}", "{ }\r\n", '{"mcpServers": null}', '{"other": 1}', WINDOWS]
)
def test_files_without_servers_and_odd_ones_come_back_byte_for_byte(tmp_path, text):
    machine = Machine(tmp_path, "linux", tmp_path, {})
    file = tmp_path / ".cursor/mcp.json"
    file.parent.mkdir()
    file.write_bytes(text.encode())
    install(machine, "cursor")
    assert list(data(file)["mcpServers"]) == ["keepgate"]
    uninstall(machine)
    assert file.read_bytes() == text.encode()


# --- changes between install and uninstall --------------------------------------------------------


def later(file: Path, *paths_and_values) -> None:
    """Edit a file as a client or a person would, after the install."""
    text = file.read_text()
    for path, value in paths_and_values:
        text = edit.put(text, path, value)
    file.write_text(text)


def test_a_change_elsewhere_survives_and_the_servers_come_back_with_their_comments(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    before = file.read_text()
    install(machine, "cursor")
    later(file, (("theme",), "dark"))
    (change,) = uninstall(machine)
    assert change.notes == ()
    assert data(file) == scan(before).root.plain() | {"theme": "dark"}
    container = scan(before).find(("mcpServers",))
    assert before[container.start : container.end] in file.read_text()


def test_a_server_added_since_stays_beside_those_from_before(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    before = data(file)
    install(machine, "cursor")
    later(file, (("mcpServers", "new"), {"command": "new"}))
    file.write_text(file.read_text().replace('"new": {', '// mine\n    "new": {'))
    uninstall(machine)
    assert data(file)["mcpServers"] == before["mcpServers"] | {"new": {"command": "new"}}
    text = file.read_text()
    assert "// mine" in text
    assert "// the old one, too slow" in text


def test_a_client_that_rewrites_its_file_in_its_own_style_is_no_problem(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".claude.json"
    before = data(file)
    install(machine, "claude-code")
    now = data(file) | {"numStartups": 185}
    del now["tipsHistory"]
    file.write_text(json.dumps(now, indent=4))
    uninstall(machine)
    expected = before | {"numStartups": 185}
    del expected["tipsHistory"]
    assert data(file) == expected


def test_a_server_configured_anew_wins_over_the_former_one_which_stays_in_the_backup(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    install(machine, "cursor")
    later(file, (("mcpServers", "memory"), {"command": "mine"}))
    (change,) = uninstall(machine)
    assert change.notes == ("`/mcpServers/memory` was configured anew: the former one is not put back",)
    assert data(file)["mcpServers"]["memory"] == {"command": "mine"}
    assert list(data(file)["mcpServers"]) == ["memory", "context7", "exa"]
    assert list((tmp_path / "state/clients").glob("*mcp.json"))


def test_an_entry_that_a_user_turned_into_something_else_is_left_to_the_user(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    install(machine, "cursor")
    later(file, (("mcpServers", "keepgate", "url"), "https://elsewhere.example/mcp"))
    (change,) = uninstall(machine)
    assert change.notes == ("`/mcpServers/keepgate` leads elsewhere by now: left as it is",)
    assert {"keepgate", "memory"} <= set(data(file)["mcpServers"])


def test_servers_that_were_removed_altogether_come_back(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    before = data(file)
    install(machine, "cursor")
    file.write_text('{\n  "theme": "dark"\n}\n')
    uninstall(machine)
    assert data(file) == before | {"theme": "dark"}


def test_a_file_made_by_us_that_holds_more_by_now_is_kept_without_our_entry(tmp_path):
    machine = Machine(tmp_path, "linux", tmp_path, {})
    install(machine, "cursor")
    file = tmp_path / ".cursor/mcp.json"
    later(file, (("theme",), "dark"))
    uninstall(machine)
    assert data(file) == {"theme": "dark"}


def test_a_file_that_is_gone_is_not_made_anew_and_its_backup_is_kept(tmp_path):
    machine = furnish(tmp_path)
    install(machine, "cursor")
    (tmp_path / ".cursor/mcp.json").unlink()
    (change,) = uninstall(machine)
    assert change.notes == ("the file is gone by now: it is not made anew",)
    assert not (tmp_path / ".cursor/mcp.json").exists()
    assert list((tmp_path / "state/clients").glob("*mcp.json"))
    assert uninstall(machine) == []


def test_a_second_install_takes_what_was_added_since_and_both_are_undone_in_turn(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    before = data(file)
    install(machine, "cursor")
    later(file, (("mcpServers", "new"), {"command": "new"}))
    install(machine, "cursor", key="kg_bbbbbbbb_other")
    # The entry that works already is used again: no second key.
    assert data(file)["mcpServers"]["keepgate"]["headers"]["Authorization"] == f"Bearer {GATEWAY.key}"
    assert list(data(file)["mcpServers"]) == ["keepgate"]
    assert len(uninstall(machine)) == 2
    assert data(file)["mcpServers"] == before["mcpServers"] | {"new": {"command": "new"}}


def test_an_install_that_was_killed_before_its_last_step_is_undone_without_a_change(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    before = file.read_bytes()
    (change,) = plan(machine, "cursor")
    worker = rewriter(machine)
    with worker.ledger.locked():
        worker.ledger.add(change.record, change.before)
    (undo,) = uninstall(machine)
    assert undo.before == undo.after == before
    assert worker.ledger.records() == []


# --- refused: named, and left as it is ------------------------------------------------------------


def test_broken_json_is_named_with_line_and_column_and_left_alone(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    file.write_text('{\n  "mcpServers": {"a": {"command": "x"},,}\n}\n')
    assert refusals(install(machine, "cursor")) == {
        "mcp.json": "not valid JSON: 2:40: expected a key in double quotes or `}`"
    }
    assert file.read_text() == '{\n  "mcpServers": {"a": {"command": "x"},,}\n}\n'


def test_a_file_broken_since_is_left_alone_and_uninstall_can_be_repeated(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    before = file.read_bytes()
    install(machine, "cursor")
    installed = file.read_bytes()
    file.write_bytes(installed[:-4])
    assert "not valid JSON" in refusals(uninstall(machine))["mcp.json"]
    file.write_bytes(installed)
    uninstall(machine)
    assert file.read_bytes() == before


def test_a_huge_file_and_one_that_is_not_utf8_are_left_alone(tmp_path):
    machine = furnish(tmp_path)
    with (tmp_path / ".claude.json").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    (tmp_path / ".cursor/mcp.json").write_bytes('{"é": 1}'.encode("utf-16"))
    assert refusals(install(machine, "claude-code", "cursor")) == {
        ".claude.json": "larger than 16 MiB",
        "mcp.json": "not UTF-8 (byte 0)",
    }


def test_a_symlink_is_followed_within_the_home_and_refused_out_of_it(tmp_path):
    home = tmp_path / "home"
    machine = furnish(home)
    cursor, code = home / ".cursor/mcp.json", home / ".claude.json"
    kept, outside = home / "dotfiles/mcp.json", tmp_path / "etc.json"
    kept.parent.mkdir()
    for link, real in ((cursor, kept), (code, outside)):
        link.rename(real)
        link.symlink_to(real)
    before = kept.read_bytes(), outside.read_bytes()
    done = install(machine, "cursor", "claude-code")
    assert refusals(done) == {
        ".claude.json": "a symlink that leads out of the home directory: change the file it leads to by hand"
    }
    assert cursor.is_symlink()
    assert list(data(kept)["mcpServers"]) == ["keepgate"]
    uninstall(machine)
    assert cursor.is_symlink()
    assert (kept.read_bytes(), outside.read_bytes()) == before


def test_a_symlink_that_leads_in_a_circle_is_refused(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    file.unlink()
    file.symlink_to(file)
    assert refusals(install(machine, "cursor"))["mcp.json"]


def test_without_room_for_a_backup_nothing_is_touched(tmp_path, monkeypatch):
    machine = furnish(tmp_path)
    (change,) = plan(machine, "cursor")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RefusedError, match="its backup cannot be written: no space left on device"):
        rewriter(machine).apply(change)
    monkeypatch.undo()
    assert contents(tmp_path)[".cursor/mcp.json"] == change.before


def test_a_client_that_writes_at_the_same_moment_loses_nothing(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    (change,) = plan(machine, "cursor")
    file.write_text('{"theme": "dark"}')
    with pytest.raises(RefusedError, match="changed while"):
        rewriter(machine).apply(change)
    assert file.read_text() == '{"theme": "dark"}'
    assert rewriter(machine).ledger.records() == []


def test_a_backup_that_was_tampered_with_is_not_restored(tmp_path):
    machine = furnish(tmp_path)
    install(machine, "cursor")
    (backup,) = (tmp_path / "state/clients").glob("*mcp.json")
    backup.write_text('{"mcpServers": {"evil": {"command": "evil"}}}')
    (change,) = uninstall(machine)
    assert change.refused == f"its backup `{backup.name}` was changed"
    assert list(data(tmp_path / ".cursor/mcp.json")["mcpServers"]) == ["keepgate"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 2, "records": []}', '{"version": 1, "records": [{}]}']
)
def test_a_damaged_manifest_is_refused(tmp_path, text):
    ledger = Ledger(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RefusedError):
        ledger.records()


def test_records_survive_being_written(tmp_path):
    ledger = Ledger(tmp_path)
    record = Record("cursor", "/h/mcp.json", "/h/mcp.json", "", "aa", "", (("a", "b"), ()), {"url": URL})
    with ledger.locked():
        ledger.add(record, None)
    assert ledger.records() == [record]


# --- shown ----------------------------------------------------------------------------------------


def test_the_diff_shows_the_change_and_no_secret(tmp_path):
    machine = furnish(tmp_path)
    for client in CLIENTS:
        for change in plan(machine, client):
            text = change.diff()
            assert text.startswith(f"--- {change.path}")
            for secret in (GATEWAY.key, "ghp_", "hunter2", "ctx7sk", "7d3f9a10"):
                assert secret not in text
    assert contents(tmp_path).keys() == LAYOUT.keys()


def test_the_diff_of_a_hostile_file_moves_no_cursor(tmp_path):
    machine = furnish(tmp_path)
    file = tmp_path / ".cursor/mcp.json"
    file.write_text('{"mcpServers": {"\u202ex": {"command": "a\x7fb\u2028c"}}}')
    (change,) = plan(machine, "cursor")
    assert all(line.isprintable() for line in change.diff().split("\n"))
    assert "\\u202ex" in change.diff()
