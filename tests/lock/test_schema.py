"""The published schema of the lockfile."""

import json
from pathlib import Path

import jsonschema_rs

from keepgate.lock.document import Lock
from keepgate.lock.schema import SCHEMA
from tests.lock.made import locked

COMMITTED = Path(__file__).parents[2] / "docs" / "keepgate-lock.schema.json"


def test_the_committed_schema_is_current():
    assert json.loads(COMMITTED.read_text()) == SCHEMA


def test_it_is_valid_and_accepts_what_keepgate_writes():
    jsonschema_rs.meta.validate(SCHEMA)
    jsonschema_rs.validate(SCHEMA, Lock({"files": locked()}, "k", "s").value())
