"""What the load sends."""

import json

import pytest

from bench.scenarios import HANDSHAKE, MODERN, SCENARIOS
from bench.texts import NEAR_MISSES, body, texts
from keepgate import check
from keepgate.detect.detector import PatternDetector
from keepgate.detect.rules import RULES

pytestmark = pytest.mark.timeout(400)  # a machine that is busy with other tests


@pytest.mark.parametrize("size", sorted({s.size for s in SCENARIOS.values()}))
def test_texts_have_their_size_and_differ_and_half_of_them_are_not_ascii(size):
    made = texts(size)
    assert {len(text.encode()) for text in made} == {size}
    assert len(set(made)) == len(made)
    assert sum(not text.isascii() for text in made) > len(made) * 0.4
    assert sum(text.isascii() for text in made) >= len(made) // 2
    assert any(miss[:20] in text for text in made for miss in NEAR_MISSES)
    assert made == texts(size)


@pytest.mark.parametrize("size", [200, 4096, 65536])
def test_no_text_is_stopped_however_closely_one_has_to_look(size):
    """All is a near miss: a finding in one of them is a false one."""
    stopped = [
        text for text in texts(size) if check({"kind": "tool_output", "text": text}).verdict.name != "ALLOW"
    ]
    assert not stopped
    assert any(PatternDetector(RULES).matcher.hits(text.encode()) for text in texts(size))


@pytest.mark.parametrize("revision", [MODERN, HANDSHAKE])
def test_a_body_is_one_line_of_json_with_its_text(revision):
    line = body(7, "echo", 'a "b"\n世', revision, 100)
    assert "\n" not in line
    message = json.loads(line)
    assert message["params"]["arguments"] == {"text": 'a "b"\n世'}
    assert message["params"]["_meta"]["progressToken"] == message["id"] == 7
    assert ("io.modelcontextprotocol/protocolVersion" in message["params"]["_meta"]) == (revision == MODERN)
