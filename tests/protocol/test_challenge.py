"""What a refused client is told."""

import pytest

from keepgate.protocol.challenge import challenge, joined

URL = "https://gate.example.com/.well-known/oauth-protected-resource/mcp"


def test_parameters_that_say_nothing_are_left_out():
    assert challenge("Bearer", URL, error="", scope="a b") == f'Bearer scope="a b", resource_metadata="{URL}"'


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\r\nb", "\u00e9", "a\x00"])
def test_nothing_ends_its_quotes_early(text):
    with pytest.raises(ValueError, match="plain text"):
        challenge("Bearer", URL, scope=text)


def test_the_same_need_is_the_same_text():
    assert joined({"b", "a"}) == joined(["a", "b"]) == "a b"
