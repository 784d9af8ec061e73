"""Who authorizes for a server: found as the specification says, and nowhere else."""

import pytest

from keepgate.model.errors import UpstreamError
from tests.auth.client.issuer import (
    AT_ISSUER,
    AT_SERVER,
    ISSUER,
    METADATA,
    RESOURCE,
    SERVER,
    World,
    refused,
    run,
)


def test_from_the_well_known_place():
    found = run(World().discovery().find({}))
    assert (found.authority.issuer, found.resource, found.scopes) == (ISSUER, SERVER, ("crm",))


def test_from_the_challenge_and_only_there():
    world = World()
    world.places["https://docs.example.com/prm"] = world.places.pop(AT_SERVER)
    run(world.discovery().find({"resource_metadata": "https://docs.example.com/prm"}))
    assert [url for url, *_ in world.asked] == ["https://docs.example.com/prm", AT_ISSUER]
    assert "was not found" in refused(World().discovery().find({"resource_metadata": "https://a/none"}))


@pytest.mark.parametrize("nothing", [(404, {}), (302, {})])
def test_a_server_of_2025_03_26_authorizes_itself(nothing):
    world = World()
    world.places = dict.fromkeys(world.places, nothing)
    found = run(world.discovery().find({}))
    assert (found.authority.authorize, found.resource) == ("https://crm.example.com/authorize", SERVER)


@pytest.mark.parametrize(
    ("place", "document", "why"),
    [
        (AT_SERVER, RESOURCE | {"resource": "https://evil.example.com/mcp"}, "of another resource"),
        (AT_SERVER, {"authorization_servers": [ISSUER]}, "of another resource"),
        (AT_SERVER, RESOURCE | {"authorization_servers": ["http://login.example.com"]}, "https address"),
        (AT_SERVER, RESOURCE | {"authorization_servers": ["https://gone.example.com"]}, "was not found"),
        (AT_ISSUER, METADATA | {"issuer": f"{ISSUER}/"}, "names another issuer"),
        (AT_ISSUER, METADATA | {"token_endpoint": "http://login.example.com/t"}, "token endpoint"),
        (AT_ISSUER, METADATA | {"token_endpoint": None}, "token endpoint"),
        (AT_ISSUER, METADATA | {"authorization_endpoint": "javascript:alert(1)"}, "authorize endpoint"),
        (AT_ISSUER, METADATA | {"registration_endpoint": "file:///x"}, "register endpoint"),
    ],
)
def test_what_does_not_fit_is_refused(place, document, why):
    world = World()
    world.places[place] = document
    assert why in refused(world.discovery().find({}))


@pytest.mark.parametrize("named", ["http://crm.example.com/prm", "file:///etc/passwd", "https://u:p@a/"])
def test_a_challenge_sends_nobody_to_odd_places(named):
    world = World()
    assert "https address" in refused(world.discovery().find({"resource_metadata": named}))
    assert not world.asked


def test_a_server_does_not_choose_who_gets_credentials_that_belong_to_an_issuer():
    """TypeScript SDK 104850 (threats.md section 7): the resource server named where the client's secret went."""
    world = World()
    assert "than the configured" in refused(world.discovery(issuer="https://corp.example.com").find({}))
    assert not any("login.example.com" in url for url, *_ in world.asked)


def test_what_egress_refuses_is_not_looked_for_elsewhere():
    world = World()
    world.places[AT_SERVER] = UpstreamError(
        "unreachable", "its name stands for an address that is not public"
    )
    assert "not public" in refused(world.discovery().find({}))
    assert len(world.asked) == 1
