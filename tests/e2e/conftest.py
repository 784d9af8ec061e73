"""What the end-to-end tests share: one keepgate before four servers that use every field there is."""

import contextlib
import getpass
import itertools

import pytest

from tests.e2e import catalogue
from tests.e2e.gate import gate_before
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
