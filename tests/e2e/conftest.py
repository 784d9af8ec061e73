"""What the end-to-end tests share: one keepgate before four servers that use every field there is."""

import contextlib
import getpass
import itertools

import pytest

from tests.e2e import catalogue
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http, over_stdio
from tests.support.processes import allow_all, free_port, write_config


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """Before `hs-http`, `hs-stdio`, `sl-http` and `sl-stdio`: handshake and stateless, everything allowed."""
    directory = tmp_path_factory.mktemp("everything")
    with contextlib.ExitStack() as stack:
        upstreams = []
        for short, era in (("hs", "handshake"), ("sl", "stateless")):
            table = catalogue.full(era)
            upstreams.append(stack.enter_context(over_http(directory, f"{short}-http", table)))
            # One process a session, and stateless ones shared: the carriage-return trap costs the others nothing.
            upstreams.append(over_stdio(directory, f"{short}-stdio", table, bare_cr=True))
        yield stack.enter_context(gate_before(directory, upstreams))


_numbers = itertools.count(1)


@pytest.fixture
def unique():
    """A word that no other test uses: for gates and notes."""
    return f"w{next(_numbers)}"


@pytest.fixture(scope="session")
def pipe_config(everything, tmp_path_factory):
    """The configuration of a `keepgate stdio` before the same servers, for the person who runs the tests."""
    directory = tmp_path_factory.mktemp("pipe")
    config = allow_all(free_port(), directory, {s.id: s.entry for s in everything.upstreams.values()})
    config["access"]["grants"] = [{"to": f"local:{getpass.getuser()}", "role": "all"}]
    return write_config(directory / "keepgate.yaml", config)


GUARDED = {
    "roles": {
        "all": {"allow": ["*/*"]},
        "listed": {
            "allow": ["*/act", "*/open*", "resource:*/e2e://open*"],
        },
        "holes": {"allow": ["*/*"], "deny": ["*/*secret*"]},
    },
    "grants": [
        {"to": "key:alice", "role": "all"},
        {"to": "key:listed", "role": "listed"},
        {"to": "key:holes", "role": "holes"},
    ],
}


def partly_secret(era: str) -> Table:
    """What some may not know of: each kind of thing once open and once secret."""
    words = ("open", "secret")
    named = {word: {"name": word, "description": f"about {word}"} for word in words}
    schema = {"inputSchema": {"type": "object"}}
    done = {"content": [{"type": "text", "text": "done"}]}
    prompt: dict[str, list[str]] = {"messages": []}
    read = {"contents": [{"uri": "e2e://x", "text": "the text"}]}
    completion = {"completion": {"values": ["one"]}}
    capabilities = {"tools": {"listChanged": True}, "prompts": {}, "completions": {}}
    capabilities["resources"] = {"subscribe": True, "listChanged": True}
    return Table(
        era=era,
        capabilities=capabilities,
        lists={
            "tools/list": [*({**item, **schema} for item in named.values()), {"name": "act", **schema}],
            "prompts/list": list(named.values()),
            "resources/list": [{**item, "uri": f"e2e://{word}"} for word, item in named.items()],
            "resources/templates/list": [
                {**item, "uriTemplate": f"e2e://{word}/{{x}}"} for word, item in named.items()
            ],
        },
        results={
            "tools/call": dict.fromkeys(words, done),
            "prompts/get": dict.fromkeys(words, prompt),
            "resources/read": {f"e2e://{word}{rest}": read for word in words for rest in ("", "/1")},
            "completion/complete": dict.fromkeys(words, completion)
            | {f"e2e://{word}/{{x}}": completion for word in words},
        },
    )


@pytest.fixture(scope="session")
def guarded(tmp_path_factory):
    """Keys only: `alice` may do everything, `listed` what is called open, `holes` all but what is called secret."""
    directory = tmp_path_factory.mktemp("guarded")
    own = {"headers": {"Authorization": "Bearer the-servers-own", "X-Configured": "yes"}}
    with contextlib.ExitStack() as stack:
        upstreams = [
            stack.enter_context(over_http(directory, "hs-http", partly_secret("handshake"), **own)),
            stack.enter_context(over_http(directory, "sl-http", partly_secret("stateless"), **own)),
            over_stdio(directory, "hs-stdio", partly_secret("handshake")),
        ]
        gate = gate_before(
            directory,
            upstreams,
            keys=["alice", "listed", "holes"],
            access=GUARDED,
            identity={"anonymous": False},
        )
        yield stack.enter_context(gate)
