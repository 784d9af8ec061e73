"""Principals and what grants reach them by."""

from keepgate.model.access import ANONYMOUS, Principal, Resource, ResourceKind


def test_grantees_name_every_way_a_grant_can_reach_a_principal() -> None:
    someone = Principal("user:ann", "user", ("eng", "ops"), "acme", "ann", "cursor")
    assert someone.grantees == ("user:ann", "client:cursor", "group:eng", "group:ops", "tenant:acme")
    assert ANONYMOUS.grantees == ("anonymous",)


def test_a_resource_id_is_server_and_name() -> None:
    assert Resource(ResourceKind.RESOURCE, "files", "file:///a/b").id == "files/file:///a/b"
