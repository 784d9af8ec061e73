"""What launchers are asked for, and what of it can be resolved before a server runs."""

import asyncio

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.launchers.closure import fetch
from keepgate.transports.launchers.recognise import LauncherError, Wanted, recognise

NPM, PYPI = "npm", "pypi"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("npx -y @scope/server ./data --flag", Wanted(NPM, ("@scope/server",), "", ("./data", "--flag"))),
        ("/usr/bin/npx --yes server@1.2.3", Wanted(NPM, ("server@1.2.3",), "", ())),
        ("npx -- server -y", Wanted(NPM, ("server",), "", ("-y",))),
        ("npx -p a@^1.0 --package=b run it", Wanted(NPM, ("a@^1.0", "b"), "run", ("it",))),
        ("npm exec -- @s/p@latest", Wanted(NPM, ("@s/p@latest",), "", ())),
        ("uvx server", Wanted(PYPI, ("server",), "server", ())),
        ("uvx server@1.2 --x", Wanted(PYPI, ("server==1.2",), "server", ("--x",))),
        ("uvx server@latest", Wanted(PYPI, ("server",), "server", ())),
        ("uvx server==1.2", Wanted(PYPI, ("server==1.2",), "server", ())),
        ("uvx server[extra]>=1", Wanted(PYPI, ("server[extra]>=1",), "server", ())),
        (
            "uvx -q --from pkg==2 --with more -p 3.12 prog a",
            Wanted(PYPI, ("pkg==2", "more"), "prog", ("a",), "3.12"),
        ),
        ("uv tool run server", Wanted(PYPI, ("server",), "server", ())),
        ("node server.js", None),
        ("uv run server.py", None),
        ("docker run x", None),
    ],
)
def test_what_is_asked_for(command, expected):
    assert recognise(command.split()) == expected


@pytest.mark.parametrize(
    "command",
    [
        "npx",
        "npx -y",
        "npx -c ls",
        "npx --call=ls",
        "npx --registry=http://evil server",
        "npx --prefix . server",
        "npx git+https://h/x",
        "npx github:user/repo",
        "npx user/repo",
        "npx ./local",
        "npx ../local",
        "npx /abs",
        "npx http://h/x.tgz",
        "npx x.tgz/",
        "npx alias@npm:other",
        "npx @scope",
        "npx @/x",
        "npx @../x/y",
        "npx a@../b",
        "npx a@file:b",
        "npx -p a ../run",
        "npx -p a -- -x",
        "npm exec --workspace=w x",
        "uvx",
        "uvx --from git+https://h/x run",
        "uvx --from ./local run",
        "uvx --from x@https://h/x.whl run",
        "uvx --from a --from b run",
        "uvx ./x.whl",
        "uvx x-1.0-py3-none-any.whl",
        "uvx --index-url http://evil x",
        "uvx --index http://evil x",
        "uvx --find-links . x",
        "uvx --with-editable . x",
        "uvx --env-file .env x",
        "uvx --from x ../run",
        "uvx -x",
    ],
)
def test_what_cannot_be_resolved_says_what_to_do(command):
    with pytest.raises(LauncherError, match="install the server and name its program"):
        recognise(command.split())


def test_an_option_of_a_package_s_client_cannot_be_smuggled_in_as_a_name():
    for word in ("--ignore-scripts=false", "-g", "a b", "a\nb", "a;b", "$(a)", ""):
        with pytest.raises(LauncherError):
            recognise(["npx", "-p", word, "x"])
        with pytest.raises(LauncherError):
            recognise(["uvx", "--from", word, "x"])


def client(folder, name, script):
    """A registry's client that does what it is told here."""
    path = folder / "bin" / name
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:/usr/bin:/bin"}


def fetched(command, folder, env):
    wanted = recognise(command.split())
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(fetch(wanted, folder / "state", env))
    return str(caught.value)


def test_uv_finds_its_settings_where_it_runs_and_not_above(tmp_path):
    """Above may be /tmp, where anybody may leave a registry (`uv.toml`) or a program to run (`.python-version`)."""
    env = client(tmp_path, "uv", "ls -A; exit 1")
    told = fetched("uvx server", tmp_path, env)
    assert "uv.toml" in told
    assert ".python-version" in told


def test_npm_takes_only_what_the_registry_has(tmp_path):
    env = client(tmp_path, "npm", 'echo "$@"; exit 1')
    told = fetched("npx server", tmp_path, env)
    for kind in ("git", "file", "directory"):
        assert f"--allow-{kind}=none" in told
    assert "--ignore-scripts" in told


@pytest.mark.parametrize(
    ("lock", "told"),
    [
        (
            '{"packages": {"": {}, "node_modules/x": {"resolved": "git+ssh://h/x"}}}',
            "`x` is no package of a reg",
        ),
        ('{"packages": {"": {}, "node_modules/x": {"link": true}}}', "`x` is no package of a registry"),
        ('{"packages": [1]}', "cannot be read"),
        ('{"packages": {"": {}, "node_modules/x": {"integrity": "i"}}}', "cannot be read"),
        ("nothing", "cannot be read"),
    ],
)
def test_a_lock_file_that_holds_more_than_the_registry_has_is_refused(tmp_path, lock, told):
    env = client(tmp_path, "npm", f"printf '%s' '{lock}' > package-lock.json")
    assert told in fetched("npx server", tmp_path, env)
