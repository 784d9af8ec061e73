"""What cannot be meant in `content` is refused, with the place and what to change."""

from pathlib import Path

import pytest

from keepgate.config import parse
from keepgate.model.errors import ConfigError

BASE = "version: 1\nservers: {files: {command: [x]}}\n"


def loaded(text):
    return parse(BASE + text, file=Path("/c/keepgate.yaml"), env={"HOME": "/h"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("content: {servers: {crm: {profile: strict}}}", "there is no server `crm`"),
        ("content: {results: {secrets: ask}}", "a result cannot wait for a person"),
        ("content: {servers: {files: {results: {attacks: ask}}}}", "a result cannot wait for a person"),
        (
            "content: {servers: {files: {tools: {a: {results: {hidden: ask}}}}}}",
            "a result cannot wait for a person",
        ),
        ("content: {servers: {files: {tools: {a: {}}}}}", "it says nothing"),
        ('content: {servers: {files: {tools: {"a\\\\b": {wrap: true}}}}}', "backslash"),
        ("content: {results: {secrets: neutralise}}", "secrets"),
        ("content: {servers: {files: {profile: lax}}}", "lax"),
    ],
)
def test_what_cannot_be_meant(text, said):
    with pytest.raises(ConfigError) as refused:
        loaded(text)
    assert said in str(refused.value)


def test_what_can_be_meant():
    text = """
content:
  wrap: true
  arguments: {secrets: ask}
  servers:
    files:
      profile: strict
      results: {attacks: neutralise, exfil: neutralise, hidden: record}
      tools: {"read_*": {wrap: false, arguments: {secrets: deny}}}
"""
    content = loaded(text).content
    assert content.servers["files"].tools["read_*"].wrap is False
