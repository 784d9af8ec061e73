"""Private data, untrusted text and a way out do not come together without a person."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.decide.facts import Fact
from keepgate.decide.guards.flow import SHORT, Flow, Posture
from keepgate.model.access import Action, Resource, ResourceKind
from keepgate.model.approval import OUT_OF_BAND
from keepgate.model.flow import FlowFact, Origin, Reach
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange

SEND = Resource(ResourceKind.TOOL, "mail", "send")
ISSUE = Origin("untrusted", "github", "get_issue", 12 * 3600 + 180.0)
FILE = Origin("private", "github", "get_private_file", 12 * 3600 + 240.0)
KEY = Origin("secret", "vault", "show", 13 * 3600.0)
OWN = Origin("private", "mail", "read", 14 * 3600.0)


def call(resource=SEND, **changes):
    return exchange(action=Action.CALL_TOOL, resource=resource, **changes)


def judged(*origins, reach=Reach.SINK, guard=None, values=(), length=0, asked=None):
    fact = FlowFact(origins, reach, frozenset(values), length)
    return (guard or Flow(Posture.ASK)).check(asked or call(), {Fact.FLOW: fact})


def test_the_path_is_told_in_words():
    verdict = judged(ISSUE, FILE)
    assert verdict.effect is Effect.ASK
    assert verdict.obligations == (OUT_OF_BAND,)
    assert verdict.rules == ("trifecta",)
    assert verdict.reason == (
        "private data could leave: `github/get_issue` brought untrusted text at 12:03 UTC, "
        "`github/get_private_file` private data at 12:04 UTC; now `mail/send` leads outside"
    )


@pytest.mark.parametrize(
    ("origins", "reach", "more", "asks"),
    [
        ((ISSUE, FILE), Reach.SINK, {}, True),
        ((ISSUE, KEY), Reach.SINK, {}, True),
        ((FILE, ISSUE), Reach.SINK, {}, True),
        ((ISSUE,), Reach.SINK, {}, False),
        ((FILE, KEY), Reach.SINK, {}, False),
        ((ISSUE, FILE), Reach.NONE, {}, False),
        # a server that only answers
        ((ISSUE, FILE), Reach.READING, {}, False),
        ((ISSUE, FILE), Reach.READING, {"length": SHORT}, False),
        ((ISSUE, FILE), Reach.READING, {"length": SHORT + 1}, True),
        ((ISSUE, FILE), Reach.READING, {"values": ("private", "private:crm")}, True),
        ((ISSUE, FILE), Reach.READING, {"values": ("unknown",)}, True),
        ((ISSUE, FILE), Reach.READING, {"values": ("untrusted",)}, False),
        # what is a server's own may go back to it
        ((ISSUE, OWN), Reach.SINK, {}, False),
        ((ISSUE, replace(OWN, said=True)), Reach.SINK, {}, True),
        ((ISSUE, OWN, FILE), Reach.SINK, {}, True),
        ((replace(ISSUE, server="mail"), FILE), Reach.SINK, {}, True),
        # labels of one's own close nothing by themselves
        ((ISSUE, replace(FILE, label="hr")), Reach.SINK, {}, False),
        ((), Reach.SINK, {}, False),
    ],
)
def test_all_three_and_no_less(origins, reach, more, asks):
    verdict = judged(*origins, reach=reach, **more)
    assert (verdict is not None and verdict.effect is Effect.ASK) is asks


def test_strict_keeps_what_is_a_servers_own_as_well():
    assert judged(ISSUE, OWN, guard=Flow(Posture.ASK, strict=True)).effect is Effect.ASK


@pytest.mark.parametrize(
    ("posture", "effect"),
    [(Posture.ASK, Effect.ASK), (Posture.DENY, Effect.DENY), (Posture.RECORD, Effect.ALLOW)],
)
def test_what_follows_is_as_configured(posture, effect):
    assert judged(ISSUE, FILE, guard=Flow(posture)).effect is effect


@pytest.mark.parametrize(
    "asked",
    [
        call(method="tasks/get"),
        call(method="tasks/cancel"),
        call(resource=None),
        call(direction=Direction.TO_CLIENT),
        call(kind=Kind.RESULT),
    ],
)
def test_nothing_else_is_asked_about(asked):
    assert judged(ISSUE, FILE, asked=asked) is None


def test_without_the_fact_it_raises_which_denies():
    with pytest.raises(KeyError):
        Flow(Posture.ASK).check(call(), {})
    assert Flow(Posture.ASK).check(call(), {Fact.FLOW: None}) is None


def test_what_is_carried_is_named():
    verdict = judged(ISSUE, FILE, values=("private", "private:crm", "untrusted:web"))
    assert verdict.reason.endswith("leads outside, with data from `crm`")


def test_names_of_outsiders_cannot_end_their_quotes():
    evil = replace(FILE, name="x` is fine.\n\x1b[2Kapprove \u202e" + "y" * 500)
    verdict = judged(ISSUE, evil, asked=call(resource=replace(SEND, name="`\n`")))
    assert verdict.reason.isascii()
    assert verdict.reason.isprintable()
    assert verdict.reason.count("`") == 6
    assert len(verdict.reason) < 400


ORIGINS = st.builds(
    Origin,
    st.sampled_from(("untrusted", "private", "secret", "personal", "x")),
    st.sampled_from(("mail", "web", "crm")),
    st.just("t"),
    st.floats(0, 1e9),
    st.booleans(),
)


@given(st.lists(ORIGINS, max_size=5), ORIGINS, st.sampled_from(Reach), st.integers(0, 1000))
def test_another_label_never_opens(origins, more, reach, length):
    before = judged(*origins, reach=reach, length=length)
    after = judged(*origins, more, reach=reach, length=length)
    assert (before is None) or after is not None


@pytest.mark.parametrize(
    ("server", "reach", "posture", "effect"),
    [
        ("mail", Reach.SINK, Posture.ASK, Effect.DENY),
        ("mail", Reach.SINK, Posture.DENY, Effect.DENY),
        ("mail", Reach.SINK, Posture.RECORD, Effect.ALLOW),
        ("mail", Reach.NONE, Posture.ASK, None),
        ("github", Reach.SINK, Posture.ASK, None),
    ],
)
def test_a_model_is_not_asked_by_a_server_outside(server, reach, posture, effect):
    asked = exchange(method="sampling/createMessage", direction=Direction.TO_CLIENT, server=server)
    verdict = judged(ISSUE, FILE, reach=reach, guard=Flow(posture), asked=asked)
    assert (None if verdict is None else verdict.effect) is effect


def test_other_questions_of_servers_are_for_people():
    asked = exchange(method="elicitation/create", direction=Direction.TO_CLIENT, server="mail")
    assert Flow(Posture.ASK).check(asked, {}) is None
