"""`keepgate up` and `keepgate clients` on a home with the files that real clients write."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from keepgate import compose, config
from keepgate.auth.apikey import KeyRing
from keepgate.cli import clients as face
from keepgate.cli import up as command
from keepgate.gateway.inventory import Inventory
from keepgate.model.errors import UpstreamError
from keepgate.stores.keys import JsonKeyStore
from keepgate.stores.vault import SecretStore
from tests.clients.homes import contents, furnish
from tests.stores.vault.made import keys

SECRETS = ("ghp_0123456789", "hunter2", "ctx7sk", "7d3f9a10", "Bearer ${")
URL = "http://127.0.0.1:8700/mcp"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The furnished home of this process, with everything that starts a program or a server replaced."""
    furnish(tmp_path)
    for name in [name for name in os.environ if name.startswith(("XDG_", "KEEPGATE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    monkeypatch.delenv("LINEAR_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(compose, "secret_store", lambda settings: SecretStore(keys(settings.state)))
    monkeypatch.setattr(compose, "list_servers", listed)
    monkeypatch.setattr(
        compose, "run_serve", lambda settings, ready: ready("http://127.0.0.1:8700"), raising=False
    )
    return tmp_path


def listed(settings, fresh):
    """Every server offers a tool of its name; `time` does not answer."""
    offer = ("odd*\\name\x1b",), (), ("file:///{path}",), "2025-11-25", "server/1"
    out = {name: Inventory((f"{name}_tool", *offer[0]), *offer[1:]) for name in settings.servers}
    if "time" in out:
        out["time"] = UpstreamError("timeout", "no answer in 30 s\x1b[2J", "private words")
    return out


def run(app, *args: str):
    if not isinstance(app, typer.Typer):
        alone, app = app, typer.Typer()
        app.command()(alone)
    result = CliRunner().invoke(app, list(args))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def up(*args: str):
    return run(command.up, *args)


def clients(*args: str):
    return run(face.app, *args)


def written(home: Path) -> Path:
    return home / ".config/keepgate/keepgate.yaml"


def settings(home: Path):
    return config.load(written(home), env=os.environ)


def test_the_first_run_writes_a_configuration_that_names_what_it_grants(home):
    result = up()
    assert result.exit_code == 0, result.output
    made = settings(home)
    assert sorted(made.servers) == [
        "context7", "filesystem", "github", "github-vscode", "memory", "playwright", "postgres", "sentry", "time",
    ]  # fmt: skip
    assert made.access.roles["github"].allow == (
        "tool:github/github_tool",
        "tool:github/odd\\*\\\\name\x1b",
        "resource:github/file:///*",
    )
    assert made.access.roles["time"].allow == ()
    assert '# allow: ["time/*"]' in written(home).read_text()
    grants = {(grant.to, grant.role) for grant in made.access.grants}
    assert ("key:cursor", "memory") in grants
    assert ("key:cursor", "github") not in grants
    assert ("key:claude-code", "postgres") in grants
    assert made.servers["memory"].cwd == home
    assert stat.S_IMODE(written(home).stat().st_mode) == 0o600


def test_secrets_become_references_and_appear_nowhere_else(home):
    result = up()
    text = written(home).read_text()
    for secret in SECRETS:
        assert secret not in result.output
        assert secret not in text
    made = settings(home)
    assert (
        str(made.servers["github"].env["GITHUB_PERSONAL_ACCESS_TOKEN"])
        == "store:github.GITHUB_PERSONAL_ACCESS_TOKEN"
    )
    assert str(made.servers["memory"].env["OPENAI_API_KEY"]) == "env:OPENAI_API_KEY"
    assert made.servers["memory"].env["MEMORY_FILE_PATH"] == f"{home}/.memory.json"
    store = SecretStore(keys(made.state))
    assert store.get("postgres.DATABASE_URI") == "postgresql://ada:hunter2hunter2@localhost:5432/shop"
    assert store.names() == (
        "context7.CONTEXT7_API_KEY",
        "github.GITHUB_PERSONAL_ACCESS_TOKEN",
        "postgres.DATABASE_URI",
    )


def test_every_command_is_shown_before_it_is_started(home, monkeypatch):
    shown = []
    monkeypatch.setattr(compose, "list_servers", lambda settings, fresh: shown.append(True) or {})
    result = up()
    before = result.output.partition("wrote ")[0]
    assert shown
    assert (
        "GITHUB_PERSONAL_ACCESS_TOKEN=*** docker run -i --rm -e GITHUB_PERSONAL_ACCESS_TOKEN ghcr.io/github"
        in before
    )


def test_without_starting_anything_nothing_is_granted(home, monkeypatch):
    monkeypatch.setattr(compose, "list_servers", None)
    result = up("--no-start")
    assert result.exit_code == 0, result.output
    assert not any(role.allow for role in settings(home).access.roles.values())


def test_a_server_that_cannot_be_asked_is_named_and_moves_no_cursor(home):
    output = up().output
    assert "time: could not be asked, so nothing of it is granted: no answer in 30 s\\x1b[2J" in output
    assert "private words" not in output + written(home).read_text()


def test_what_waits_for_a_secret_is_written_commented_out(home):
    result = up()
    assert (
        "perplexity waits, commented out, for: keepgate secrets set perplexity.PERPLEXITY_API_KEY"
        in result.output
    )
    text = written(home).read_text()
    assert "\n  # perplexity:\n" in text
    uncommented = text.replace("\n  # ", "\n  ")
    assert '  perplexity:\n    command: ["npx", "-y", "server-perplexity-ask"]' in uncommented


def test_what_cannot_be_taken_over_says_why(home):
    output = up().output
    assert "not taken over: exa of cursor, its address carries a secret in the query" in output


def test_a_projects_servers_are_taken_over_on_request_only(home, monkeypatch):
    monkeypatch.setenv("API_KEY", "from-the-environment")
    result = up()
    assert "the servers of this project are left out" in result.output
    assert "shared-api" not in settings(home).servers
    written(home).unlink()
    assert "left out" not in up("--project").output
    assert settings(home).servers["shared-api"].url == "https://api.example.com/mcp"


def test_not_installed_every_client_is_told_how_to_connect_with_a_key_that_works(home):
    before = contents(home)
    result = up()
    assert contents(home) == before
    entries = [
        json.loads(line.partition(": ")[2])
        for line in result.output.splitlines()
        if line.startswith('  "keepgate"')
    ]
    keys = [entry["headers"]["Authorization"].removeprefix("Bearer ") for entry in entries if "url" in entry]
    keys += [entry["env"]["KEEPGATE_API_KEY"] for entry in entries if "env" in entry]
    ring = KeyRing(JsonKeyStore(settings(home).state))
    assert sorted(ring.authenticate(key).id for key in keys) == [
        "key:claude-code", "key:claude-desktop", "key:cursor", "key:vscode",
    ]  # fmt: skip


def test_up_and_out_again_leaves_every_file_as_it_was(home):
    before = contents(home)
    result = up("--install")
    assert result.exit_code == 0, result.output
    assert "kg_" not in result.output
    listing = clients("list").output
    assert listing.count("(through keepgate)") == 4
    assert listing.count("(direct)") == 1, "only the project's own file, which is shared"
    assert clients("install").stdout.strip() == "nothing to do"
    result = clients("uninstall")
    assert result.exit_code == 0, result.output
    assert contents(home) == before
    assert clients("uninstall").output.strip() == "nothing to do"


def test_claude_desktop_launches_keepgate_with_the_key_in_its_environment(home):
    up("--install")
    entry = json.loads((home / ".config/Claude/claude_desktop_config.json").read_text())["mcpServers"][
        "keepgate"
    ]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-5:] == ["stdio", "--config", str(written(home)), "--key-env", "KEEPGATE_API_KEY"]
    assert entry["env"]["KEEPGATE_API_KEY"].startswith("kg_")


def test_a_later_run_serves_and_names_what_is_new(home):
    up("--install")
    text = written(home).read_text()
    keys = JsonKeyStore(settings(home).state).read()
    cursor = home / ".cursor/mcp.json"
    cursor.write_text(
        cursor.read_text().replace('"mcpServers": {', '"mcpServers": {"late\\u001b": {"command": "late"},')
    )
    result = up()
    assert "new: late\\x1b of cursor is not in" in result.output
    assert f"ready: {URL}" in result.output
    assert written(home).read_text() == text
    assert JsonKeyStore(settings(home).state).read() == keys


def test_a_home_without_servers_ends_with_a_way_forward(home):
    for place in contents(home):
        (home / place).unlink()
    result = up()
    assert result.exit_code == 1
    assert "no server found" in result.output
    assert not written(home).exists()


def test_a_configuration_that_is_there_is_never_overwritten(home, monkeypatch):
    local = home / "shop/keepgate.yaml"
    local.write_text("version: 1\nstate: state\n")
    assert f"ready: {URL}" in up().output
    assert local.read_text() == "version: 1\nstate: state\n"
    monkeypatch.setenv("KEEPGATE_CONFIG", str(home / "other.yaml"))
    up()
    assert (home / "other.yaml").exists()


def test_an_interrupted_first_run_leaves_nothing(home, monkeypatch):
    def interrupt(settings, fresh):
        raise KeyboardInterrupt

    monkeypatch.setattr(compose, "list_servers", interrupt)
    assert up().exit_code != 0
    assert not written(home).exists()
    assert not (home / ".local/state/keepgate").exists()


# --- keepgate clients -----------------------------------------------------------------------------


def test_list_shows_who_starts_what_and_masks_secrets(home):
    output = clients("list").output
    assert "Cursor (user): " in output
    assert "  context7: https://mcp.context7.com/mcp  (direct)" in output
    assert (
        "  postgres [project /home/ada/shop]: DATABASE_URI=*** uvx postgres-mcp --access-mode=restricted"
        in output
    )
    assert "  exa: https://mcp.exa.ai/mcp?exaApiKey=***  (direct)" in output
    for secret in SECRETS[:4]:
        assert secret not in output


def test_list_escapes_what_would_move_the_cursor(home):
    (home / ".cursor/mcp.json").write_bytes(
        (Path(__file__).parents[1] / "clients/samples/hostile.json").read_bytes()
    )
    output = clients("list").output
    assert all(line.isprintable() for line in output.splitlines())
    assert "good\\x1b[2J\\u202eeman" in output
    assert "keepgate: evil stdio  (direct)" in output


def test_a_broken_file_is_named_and_the_others_are_done(home):
    up()
    broken = home / ".cursor/mcp.json"
    broken.write_text('{"mcpServers": {')
    result = clients("install")
    assert result.exit_code == 1
    assert (
        f"error: {broken}: not valid JSON: 1:17: expected a key in double quotes or `}}`, found the end; left as it is"
        in result.output
    )
    assert broken.read_text() == '{"mcpServers": {'
    assert "keepgate" in (home / ".claude.json").read_text()


def test_a_dry_run_shows_and_changes_nothing(home):
    up()
    before = contents(home)
    keys = JsonKeyStore(settings(home).state).read()
    output = clients("install", "--dry-run").output
    assert '+    "keepgate": {' in output
    for secret in SECRETS[:4]:
        assert secret not in output
    assert contents(home) == before
    assert JsonKeyStore(settings(home).state).read() == keys
    clients("install")
    installed = contents(home)
    assert '-    "keepgate": {' in clients("uninstall", "--dry-run").output
    assert contents(home) == installed


def test_install_says_what_will_be_out_of_reach(home):
    up()
    output = clients("install", "cursor").output
    assert "warning: exa of cursor is not in" in output


def test_a_client_can_be_named_and_a_wrong_name_lists_the_right_ones(home):
    up()
    before = contents(home)
    clients("install", "cursor")
    assert [place for place, data in contents(home).items() if data != before[place]] == [".cursor/mcp.json"]
    result = clients("install", "emacs")
    assert result.exit_code == 2
    assert "vscode" in result.output


def test_a_rotated_key_replaces_the_one_in_use(home):
    up("--install")
    ring = KeyRing(JsonKeyStore(settings(home).state), clock=iter(range(10**10, 10**11, 10)).__next__)
    text = (home / ".cursor/mcp.json").read_text()
    old = json.loads(text)["mcpServers"]["keepgate"]["headers"]["Authorization"].removeprefix("Bearer ")
    assert ring.authenticate(old)
    clients("install", "cursor", "--rotate")
    text = (home / ".cursor/mcp.json").read_text()
    new = json.loads(text)["mcpServers"]["keepgate"]["headers"]["Authorization"].removeprefix("Bearer ")
    assert ring.authenticate(new).id == "key:cursor"
    assert ring.authenticate(old) is None


def test_install_without_a_grant_says_so(home):
    up()
    path = written(home)
    path.write_text(path.read_text().replace('"key:cursor"', '"key:other"'))
    assert "no grant in" in clients("install", "cursor").output


def test_list_works_without_a_configuration_and_refuses_a_named_one_that_is_wrong(home):
    assert clients("list").exit_code == 0
    wrong = home / "wrong.yaml"
    wrong.write_text("version: 2\n")
    assert clients("list", "--config", str(wrong)).exit_code == 1


def test_a_damaged_manifest_is_named_and_nothing_is_touched(home):
    up("--install")
    manifest = home / ".local/state/keepgate/clients/manifest.json"
    manifest.write_text("{")
    installed = contents(home)
    result = clients("uninstall")
    assert result.exit_code == 1
    assert f"the manifest in {manifest.parent} is damaged" in result.output
    assert contents(home) == installed


# --- at a terminal --------------------------------------------------------------------------------


def up_at_a_terminal(monkeypatch, given: str):
    monkeypatch.setattr(command, "_terminal", lambda: True)
    app = typer.Typer()
    app.command()(command.up)
    return CliRunner().invoke(app, [], input=given)


def test_at_a_terminal_missing_secrets_and_the_rewrite_are_asked_for(home, monkeypatch):
    # linear's header, perplexity's key, then yes
    result = up_at_a_terminal(monkeypatch, "\npplx-s3cr3t\ny\n")
    assert result.exit_code == 0, result.output
    assert "pplx-s3cr3t" not in result.output
    made = settings(home)
    assert "perplexity" in made.servers
    assert "linear" not in made.servers
    assert SecretStore(keys(made.state)).get("perplexity.PERPLEXITY_API_KEY") == "pplx-s3cr3t"
    assert clients("list").output.count("(through keepgate)") == 4


def test_at_a_terminal_no_is_no(home, monkeypatch):
    before = contents(home)
    result = up_at_a_terminal(monkeypatch, "\n\nn\n")
    assert result.exit_code == 0, result.output
    assert contents(home) == before


def test_what_a_rewritten_client_could_not_use_is_said_before_it_is_asked(home, monkeypatch):
    output = up_at_a_terminal(monkeypatch, "\n\nn\n").output
    said, asked = (
        output.index("out of reach of a rewritten client: time, linear, perplexity, exa"),
        output.index("[y/N]"),
    )
    assert said < asked
