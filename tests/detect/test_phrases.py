"""Every phrase sees its cases in its languages and leaves its near misses alone; what is missed is written down."""

import tomllib
from pathlib import Path

import pytest

from keepgate.detect.fold import fold
from keepgate.detect.grammar import Grammar
from keepgate.detect.lexer import tokens
from keepgate.detect.rules import PHRASES

GRAMMAR = Grammar(PHRASES)
CASES = {
    rule: table
    for path in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for rule, table in tomllib.loads(path.read_text()).items()
    if rule.startswith("attack.")
}


def cases(kind):
    return [(rule, text) for rule, table in CASES.items() for text in table.get(kind, ())]


def seen(text):
    raw = fold(text).encode()
    found = {signal.phrase.id for signal in GRAMMAR.signals(tokens(raw))}
    for channel in range(3):
        heaviest = max((p.weights[channel] for p in PHRASES if p.id in found), default=0)
        assert GRAMMAR.potential(raw, channel) >= heaviest, "the gate hides what the phrases see"
    return found


@pytest.mark.parametrize(("rule", "text"), cases("hits"))
def test_hits(rule, text):
    assert rule in seen(text)


@pytest.mark.parametrize(("rule", "text"), cases("near"))
def test_near_misses(rule, text):
    assert rule not in seen(text)


@pytest.mark.parametrize(("rule", "text"), cases("misses"))
def test_known_misses_are_still_missed(rule, text):
    assert rule not in seen(text), "move it to the hits"


def test_every_phrase_has_hits_and_near_misses():
    assert {phrase.id for phrase in PHRASES} == {
        rule for rule in CASES if CASES[rule]["hits"] and CASES[rule]["near"]
    }


def test_every_phrase_has_a_place_in_the_taxonomies():
    for phrase in PHRASES:
        assert any(each.startswith(("OWASP-MCP", "OWASP-LLM")) for each in phrase.taxonomy), phrase.id
        assert any(each.startswith("SAFE-T") for each in phrase.taxonomy), phrase.id
        assert any(each.startswith("CWE-") for each in phrase.taxonomy), phrase.id
