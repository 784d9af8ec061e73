"""The committed JSON Schema, the docs and the example agree with the code; `diff` names what changed."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from keepgate.config import diff, json_schema, parse
from keepgate.config.explain import LATER, known_keys
from keepgate.config.tree import parse as parse_yaml

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "keepgate.schema.json"
FILE = Path("/c/keepgate.yaml")
TEXT = """
version: 1
servers: {files: {command: [x], env: {A: "1"}}, crm: {url: "https://crm"}}
access: {roles: {r: {allow: ["files/*"]}}, grants: [{to: "key:a", role: r}]}
"""


def settings(text: str = TEXT):
    return parse(text, file=FILE, env={"HOME": "/h"})


def test_the_committed_schema_is_current():
    assert json.loads(COMMITTED.read_text()) == json_schema(), (
        "stale: run `python -c 'import json, keepgate.config as c; print(json.dumps(c.json_schema(), indent=2))'"
        " > docs/keepgate.schema.json`"
    )


def test_the_schema_is_valid_and_accepts_the_example_and_the_test_file():
    validator = jsonschema_rs.Draft202012Validator(json_schema())
    validator.validate(parse_yaml((ROOT / "examples" / "keepgate.yaml").read_text(), "example").value)
    validator.validate(parse_yaml(TEXT, "f").value)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{version: 2}",
        "{version: 1, lisen: x}",
        "{version: 1, servers: {Bad: {command: x}}}",
        "{version: 1, servers: {a: {command: x, env: {A: 1}}}}",
        "{version: 1, servers: {a: {command: x, env: {A: {secret: plain}}}}}",
        "{version: 1, limits: {depth: 1000}}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text):
    assert not jsonschema_rs.Draft202012Validator(json_schema()).is_valid(parse_yaml(text, "f").value)


def test_every_key_has_a_description():
    definitions = json_schema()["$defs"].values()
    missing = [
        name
        for part in (json_schema(), *definitions)
        for name, key in part.get("properties", {}).items()
        if not key.get("description")
    ]
    assert not missing


def test_no_key_is_both_known_and_promised_for_later():
    schema = json_schema()
    known = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", {})}
    assert not known & LATER


def test_known_keys_are_found_through_lists_maps_and_optionals():
    schema = json_schema()
    assert known_keys(schema, ("tls",)) == ["cert", "key", "client_ca"]
    assert "command" in known_keys(schema, ("servers", "anything"))
    assert "role" in known_keys(schema, ("access", "grants", 3))
    assert known_keys(schema, ("nothing", "at", "all")) == []


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("version: 1", "version: 1", ()),
        ("{a}", "{a}", ()),
        ('A: "1"', 'A: "2"', ("servers.files.env.A",)),
        ('A: "1"', 'A: "1", B: x', ("servers.files.env.B",)),
        ("https://crm", "https://other", ("servers.crm.url",)),
        (', crm: {url: "https://crm"}', "", ("servers.crm",)),
        ("files/*", "files/a", ("access.roles.r.allow",)),
        ("key:a", "key:b", ("access.grants",)),
        ("version: 1", "version: 1\nlisten: 127.0.0.1:1\nlimits: {depth: 9}", ("limits.depth", "listen")),
        ("version: 1", "version: 1\nstate: /s", ("database", "state")),
    ],
)
def test_diff_names_what_changed(old, new, changed):
    assert diff(settings(), settings(TEXT.replace(old, new))) == changed


def test_diff_never_shows_a_value():
    secret = TEXT.replace('"1"', "hunter2")
    assert "hunter2" not in "".join(diff(settings(), settings(secret)))


def test_diff_ignores_warnings_and_where_the_file_lies():
    assert diff(settings(), replace(settings(), file=Path("/other"), warnings=("w",))) == ()
