"""The reference servers, watched while they are used, then contained by just what was learned, and used again."""

import os
from pathlib import Path

import pytest

from keepgate.compose.sandbox import learned_of
from keepgate.config import load
from tests.e2e.client import Handshake, conversation
from tests.e2e.faults import texts
from tests.real.servers import SERVERS, Place, entry
from tests.support import peers
from tests.support.processes import allow_all, free_port, keepgate_serving, write_config

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
CHOSEN = [
    server for server in SERVERS if server.id in ("files", "memory", "everything", "git", "time", "fetch")
]


@pytest.fixture(scope="module")
def places(page, tmp_path_factory):
    found = {}
    for server in CHOSEN:
        peers.need(*server.needs)
        found[server.id] = Place(tmp_path_factory.mktemp(server.id), page)
        server.prepare(found[server.id])
    return found


def use_all(directory, config, places):
    """The text that each server's own call gives behind a keepgate with this configuration."""
    answers = {}

    @conversation
    async def play():
        with keepgate_serving(directory, config) as (url, _):
            for server in CHOSEN:
                client = await Handshake(f"{url}/{server.id}").initialize()
                reply = await client.tool(server.tool, server.arguments(places[server.id]))
                answers[server.id] = texts(reply)

    play()
    return answers


@pytest.fixture(scope="module")
def learned(places, tmp_path_factory):
    """What each used, and the directory of the configuration with which that was seen."""
    directory = tmp_path_factory.mktemp("learned")
    servers = {each.id: entry(each, places[each.id]) | {"sandbox": {"mode": "observe"}} for each in CHOSEN}
    config = allow_all(free_port(), directory, servers)
    config["content"] = {"inspect": False}
    answers = use_all(directory, config, places)
    settings = load(directory / "keepgate.yaml", env=os.environ)
    found = {name: learned_of(name, settings, one.argv) for name, one in settings.servers.items()}
    return directory, config, answers, found


def test_they_work_while_they_are_watched(learned):
    _, _, answers, _ = learned
    for server in CHOSEN:
        assert server.expect in answers[server.id], server.id


def test_what_is_learned_is_no_wider_than_what_was_used(learned, places):
    _, _, _, found = learned
    directory = {name: str(place.directory) for name, place in places.items()}
    for name in ("everything", "time"):
        assert (found[name].read, found[name].write, found[name].network) == ((), (), ()), name
    assert (found["files"].read, found["files"].write) == ((f"{directory['files']}/note.txt",), ())
    assert (found["memory"].read, found["memory"].write) == ((), (directory["memory"],))
    assert found["git"].write in ((), (f"{directory['git']}/.git",))
    own = set(found["git"].read) - {"/etc/gitconfig"}
    assert all(Path(path).is_relative_to(directory["git"]) for path in own), found["git"]
    assert any(path.endswith("/git") for path in found["git"].runs)
    assert (found["fetch"].read, found["fetch"].write) == ((), ())
    assert found["fetch"].network == (places["fetch"].page.split("/")[2],)


def test_they_work_contained_by_what_was_learned(learned, places):
    directory, config, _, found = learned
    for name, box in found.items():
        config["servers"][name]["sandbox"] = {
            "mode": "strict",
            "read": list(box.read),
            "write": list(box.write),
            "network": list(box.network) or "none",
        }
    (places["memory"].directory / "memory.jsonl").unlink(missing_ok=True)
    (directory / "keepgate.log").unlink()
    write_config(directory / "keepgate.yaml", config)
    answers = use_all(directory, config, places)
    for server in CHOSEN:
        assert server.expect in answers[server.id], (server.id, answers[server.id], found[server.id])
