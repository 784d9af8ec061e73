import cedarpy
import pytest

from keepgate.model.access import Action, ResourceKind
from keepgate.policy import schema


def test_cedar_accepts_the_schema():
    cedarpy.Schema.from_str(schema.TEXT)


def test_every_action_and_kind_is_in_the_schema():
    assert set(schema.ACTIONS) == set(schema.RESOURCE_TYPES) == set(ResourceKind)
    assert {action for actions in schema.ACTIONS.values() for action in actions} == set(Action)


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("anonymous", ("Anonymous", "anonymous")),
        ("key:cursor", ("Key", "cursor")),
        ("local:alice", ("Local", "alice")),
        ("user:https://idp/|7", ("User", "https://idp/|7")),
        ("client:c", ("Client", "c")),
        ("group:g:h", ("Group", "g:h")),
        ("tenant:t", ("Tenant", "t")),
    ],
)
def test_principal_ids_become_entities(name, uid):
    assert schema.entity(name) == uid


@pytest.mark.parametrize(
    "name", ["", "key", "key:", "anonymous:", "anonymous:x", "role:admin", "Key:x", ":x"]
)
def test_anything_else_is_refused_naming_the_known_words(name):
    with pytest.raises(ValueError, match=r"is not a principal: write one of anonymous, key:\.\.\."):
        schema.entity(name)
