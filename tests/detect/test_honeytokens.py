"""Honeytokens are found however they are carried, and nothing else is taken for one."""

import base64
import json
import string
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.config import Document
from keepgate.config.inspection import content_guard_of, detectors
from keepgate.config.sections.inspection import Content, Families
from keepgate.detect.honeytokens import KINDS, HoneytokenDetector, Issued, digest_of
from keepgate.detect.setting import ARGUMENT, CONTENT
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange

KEY = b"k" * 32
TOKENS = {name: kind.made(range(3, 3 + 7 * kind.length, 7)) for name, kind in KINDS.items()}


def issued(*names):
    chosen = names or tuple(KINDS)
    return Issued({digest_of(TOKENS[name], KEY): name for name in chosen}, frozenset(chosen), KEY)


def detector(*names):
    made = HoneytokenDetector()
    made.issued = issued(*names)
    return made


ALL = detector()
EVERYTHING = detectors(honeytokens=ALL)


def seen(value, setting=ARGUMENT):
    found = [each for one in EVERYTHING for each in one.look(value, ("params",), setting)]
    return {each.finding.rule.removeprefix("honeytoken.") for each in found if each.family == "honeytoken"}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_looks_as_it_should_and_is_found(name):
    kind, token = KINDS[name], TOKENS[name]
    assert token.startswith(kind.prefix)
    assert len(token) == len(kind.prefix) + kind.length
    assert set(token.removeprefix(kind.prefix)) <= set(kind.signs)
    assert seen({"q": f"key={token}{kind.suffix}"}) == {name}
    (sighting,) = ALL.look({"q": token})
    assert sighting.finding.severity.name == "CRITICAL"
    assert token not in repr(sighting)


CARRIED = {
    "as a key": lambda t: {t: 1},
    "in capitals": lambda t: {"q": t.upper()},
    "in small letters": lambda t: {"q": t.lower()},
    "in the middle of a word": lambda t: {"q": f"xxx{t}yyy"},
    "behind its own beginning": lambda t: {"q": f"{t[:6]}{t[:5]}{t}"},
    "set apart": lambda t: {"q": " ".join(t)},
    "on lines": lambda t: {"q": "\n".join(t[at : at + 5] for at in range(0, len(t), 5))},
    "added up": lambda t: {"q": f'"{t[:9]}" + "{t[9:]}"'},
    "without width": lambda t: {"q": "\u200b".join(t)},
    "over members": lambda t: {"a": t[:7], "b": t[7:12], "c": {"d": [t[12:]]}},
    "turned round": lambda t: {"q": t[::-1]},
    "base64": lambda t: {"q": base64.b64encode(f"the key is {t}, use it".encode()).decode()},
    "base64 for URLs": lambda t: {"q": base64.urlsafe_b64encode(f"key={t}".encode()).decode().rstrip("=")},
    "base64 of base64": lambda t: {"q": base64.b64encode(base64.b64encode(f"key: {t};".encode())).decode()},
    "hex": lambda t: {"q": t.encode().hex()},
    "percent": lambda t: {"q": "".join(f"%{ord(sign):02X}" for sign in t)},
    "a query": lambda t: {"url": f"https://x.example/?d={quote(f'a b={t}')}"},
    "JSON in a text": lambda t: {"q": json.dumps({"inner": json.dumps({"k": t})})},
    "entities": lambda t: {"q": "".join(f"&#{ord(sign)};" for sign in t)},
}


@pytest.mark.parametrize("setting", [ARGUMENT, CONTENT])
@pytest.mark.parametrize("way", CARRIED)
@pytest.mark.parametrize("name", ["aws", "github", "stripe"])
def test_however_it_is_carried(name, way, setting):
    assert seen(CARRIED[way](TOKENS[name]), setting) == {name}


@given(
    st.text(alphabet=string.ascii_letters + string.digits + "-_", max_size=60), st.sampled_from(sorted(KINDS))
)
def test_nothing_else_is_taken_for_one(text, name):
    assert not ALL.look({"q": KINDS[name].prefix + text})


def test_what_was_not_issued_or_is_revoked_is_not_looked_for():
    assert not HoneytokenDetector().look({"q": TOKENS["aws"]})
    assert not detector("github").look({"q": TOKENS["aws"]})
    other = HoneytokenDetector()
    other.issued = Issued(issued().ids, issued().kinds, b"x" * 32)
    assert not other.look({"q": TOKENS["aws"]})


@pytest.mark.parametrize("profile", ["relaxed", "balanced", "strict"])
@pytest.mark.parametrize("direction", Direction)
def test_it_is_refused_whatever_the_terms_are_and_without_a_word_of_why(profile, direction):
    section = Content(
        profile=profile,
        arguments=Families(secrets="ignore", attacks="ignore"),
        results=Families(secrets="ignore", attacks="ignore"),
    )
    guard = content_guard_of(Document(version=1, content=section), honeytokens=ALL)
    assert guard is not None
    if direction is Direction.TO_SERVER:
        message = exchange(params={"name": "t", "arguments": {"q": TOKENS["aws"]}})
    else:
        message = exchange(Kind.RESULT, direction=direction)
        message.message.body["result"] = {"content": [{"type": "text", "text": TOKENS["aws"]}]}
    verdict = guard.check(message, {})
    assert verdict is not None
    assert verdict.effect is Effect.DENY
    assert verdict.reason == "the content was refused"
    assert verdict.private == "honeytoken.aws"
    assert "honeytoken.aws" in {finding.rule for finding in verdict.findings}


def test_a_flood_of_beginnings_costs_no_more_than_its_length():

    began = time.perf_counter()
    assert not ALL.look({"q": "AKIA" * 50_000})
    assert time.perf_counter() - began < 10
