"""The table: real servers, how each is started, one real call each and what must come back."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support import peers

PAGE = "<!doctype html><html><head><title>The test page</title></head><body><h1>Hello from a page</h1></body></html>"


@dataclass(frozen=True)
class Place:
    """What a server under test may use: a directory of its own and a page on loopback."""

    directory: Path
    page: str


@dataclass(frozen=True)
class Server:
    """One row."""

    id: str
    package: str
    command: Callable[[Place], list[str]]
    tool: str
    arguments: Callable[[Place], dict[str, Any]]
    expect: str
    """What the text of the result must contain."""
    tools: int
    """How many tools it lists at the locked version."""
    env: Callable[[Place], dict[str, str]] = lambda _: {}
    prepare: Callable[[Place], None] = lambda _: None
    needs: tuple[Path, ...] = ()
    program: str = ""
    """A program that only the system's packages bring."""
    same: bool = True
    """The same call gives the same result every time."""
    legacy: bool = True
    """Speaks handshake revisions only."""
    sandbox: Callable[[Place], dict[str, Any]] = lambda _: {}
    """What it needs besides its own code: every one of them runs contained."""


def node(package: str, file: str = "dist/index.js") -> tuple[str, str]:
    return str(peers.NODE), str(peers.NPM_MODULES / package / file)


def npm(name: str, file: str = "dist/index.js", **row: Any) -> Server:
    words = node(name, file)
    arguments = row.pop("words", lambda _: [])
    return Server(
        package=f"npm {name}",
        command=lambda place: [*words, *arguments(place)],
        needs=(peers.NODE, Path(words[1])),
        **row,
    )


def pypi(name: str, **row: Any) -> Server:
    program = peers.PYTHON.parent / name
    arguments = row.pop("words", lambda _: [])
    return Server(
        package=f"PyPI {name}",
        command=lambda place: [str(program), *arguments(place)],
        needs=(program,),
        legacy=False,
        **row,
    )


def write_note(place: Place) -> None:
    (place.directory / "note.txt").write_text("kept behind a gate\n")


def make_repository(place: Place) -> None:
    write_note(place)
    git = ["git", "-C", str(place.directory)]
    subprocess.run(
        [*git, "init", "--quiet", "--initial-branch=main"],
        check=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    )


# Chromium's own background traffic is switched off: it looks up hosts at every start, and no test needs them.
CHROMIUM = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]


def write_browser_config(place: Place) -> None:
    options = {
        "headless": True,
        "executablePath": peers.need_program("chromium"),
        "args": CHROMIUM,
        "chromiumSandbox": False,
    }
    config = {"browser": {"browserName": "chromium", "isolated": True, "launchOptions": options}}
    (place.directory / "browser.json").write_text(json.dumps(config))


def browser_words(place: Place) -> list[str]:
    return [
        "--headless", "--no-sandbox", "--isolated",
        "--config", str(place.directory / "browser.json"),
        "--output-dir", str(place.directory / "browser"),
    ]  # fmt: skip


def own_directory(place: Place) -> dict[str, Any]:
    return {"write": [str(place.directory)]}


def the_page(place: Place) -> dict[str, Any]:
    return {"network": [urlsplit(place.page).netloc]}


def a_browser(place: Place) -> dict[str, Any]:
    """Chromium goes to loopback past every proxy."""
    return {**own_directory(place), "read": ["/etc/chromium.d", "/etc/chromium"], "network": "host"}


REFERENCE = "@modelcontextprotocol/server-"

SERVERS = [
    npm(
        f"{REFERENCE}filesystem",
        id="files",
        words=lambda place: [str(place.directory)],
        prepare=write_note,
        tool="read_text_file",
        arguments=lambda place: {"path": str(place.directory / "note.txt")},
        expect="kept behind a gate",
        tools=14,
        sandbox=own_directory,
    ),
    npm(
        f"{REFERENCE}everything",
        id="everything",
        tool="get-sum",
        arguments=lambda _: {"a": 40, "b": 2},
        expect="42",
        tools=13,
    ),
    npm(
        f"{REFERENCE}memory",
        id="memory",
        env=lambda place: {"MEMORY_FILE_PATH": str(place.directory / "memory.jsonl")},
        prepare=lambda place: (place.directory / "memory.jsonl").unlink(missing_ok=True),
        tool="create_entities",
        arguments=lambda _: {
            "entities": [{"name": "gate", "entityType": "thing", "observations": ["it is shut"]}]
        },
        expect="it is shut",
        tools=9,
        sandbox=own_directory,
    ),
    npm(
        f"{REFERENCE}sequential-thinking",
        id="thinking",
        env=lambda _: {"DISABLE_THOUGHT_LOGGING": "true"},
        tool="sequentialthinking",
        arguments=lambda _: {
            "thought": "one",
            "nextThoughtNeeded": False,
            "thoughtNumber": 1,
            "totalThoughts": 1,
        },
        expect='"thoughtNumber": 1',
        tools=1,
        same=False,  # it counts the thoughts of its process, which stateless calls of one principal share
    ),
    pypi(
        "mcp-server-git",
        id="git",
        words=lambda place: ["--repository", str(place.directory)],
        prepare=make_repository,
        tool="git_status",
        arguments=lambda place: {"repo_path": str(place.directory)},
        expect="note.txt",
        tools=12,
        sandbox=own_directory,
    ),
    pypi(
        "mcp-server-time",
        id="time",
        words=lambda _: ["--local-timezone", "Europe/Berlin"],
        tool="convert_time",
        arguments=lambda _: {
            "source_timezone": "Asia/Tokyo",
            "time": "12:30",
            "target_timezone": "Asia/Kolkata",
        },
        expect="-3.5h",
        tools=2,
    ),
    pypi(
        "mcp-server-fetch",
        id="fetch",
        words=lambda _: ["--ignore-robots-txt", "--allow-private-ips"],
        tool="fetch",
        arguments=lambda place: {"url": place.page, "raw": True},
        expect="Hello from a page",
        tools=1,
        sandbox=the_page,
    ),
    npm(
        "@playwright/mcp",
        "cli.js",
        id="browser",
        words=browser_words,
        prepare=write_browser_config,
        tool="browser_navigate",
        arguments=lambda place: {"url": place.page},
        expect="The test page",
        tools=25,
        program="chromium",
        same=False,
        sandbox=a_browser,
    ),
]


def entry(server: Server, place: Place) -> dict[str, Any]:
    """The server as keepgate's configuration has it."""
    words: dict[str, Any] = {"command": server.command(place)}
    words["sandbox"] = {"mode": "strict", **server.sandbox(place)}
    env: Mapping[str, str] = server.env(place)
    return words | ({"env": dict(env)} if env else {})
