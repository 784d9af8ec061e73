"""Servers that know each principal by a credential: nothing of one is another's."""

from types import SimpleNamespace

import pytest

from keepgate.gateway import replies
from keepgate.gateway.caller import Caller
from keepgate.gateway.personal import Personal
from keepgate.gateway.personal import _Own as Own
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.subjects import Subjects
from keepgate.model.access import Authentication, Principal
from keepgate.model.errors import LoginNeededError
from keepgate.model.message import Kind, Message

ALICE, BOB = Principal("key:alice", "key"), Principal("key:bob", "key")


def pattern(server="crm", *, personal=True):
    own = (lambda principal: f"connector of {principal.id}") if personal else None
    return SimpleNamespace(id=server, settings=ServerSettings(server, None, "", personal=own))


@pytest.fixture
def personal():
    now = [0.0]

    def make(settings):
        return SimpleNamespace(id=settings.id, key=settings.id, settings=settings, links=set())

    made = Personal(make, lambda: now[0])
    made.now = now
    return made


def test_each_principal_has_its_own_and_keeps_it(personal):
    crm = pattern()
    mine, theirs = personal.of(ALICE, crm), personal.of(BOB, crm)
    assert mine is not theirs
    assert personal.of(ALICE, crm) is mine
    assert mine.settings.connector == "connector of key:alice"
    assert mine.key != theirs.key
    assert personal.is_current(mine)


def test_what_all_share_is_shared(personal):
    files = pattern("files", personal=False)
    assert personal.of(ALICE, files) is files
    assert personal.every() == []


def test_a_changed_server_is_made_anew_and_the_old_one_named(personal):
    old, new = pattern(), pattern()
    mine, other = personal.of(ALICE, old), personal.of(ALICE, pattern("erp"))
    assert personal.take([old]) == [mine]
    assert personal.of(ALICE, new) is not mine
    assert not personal.is_current(mine)
    assert other in personal.every()


def test_idle_ones_go_unless_something_is_open_there(personal):
    crm = pattern()
    mine, theirs = personal.of(ALICE, crm), personal.of(BOB, crm)
    theirs.links.add("open")
    personal.now[0] = 100.0
    assert personal.idle(50.0) == [mine]
    assert personal.every() == [theirs]
    assert isinstance(next(iter(personal._own.values())), Own)


def token(text, until, who="oauth:op/alice/c"):
    return Principal(who, "oauth", auth=Authentication("op", until=until)), text


def test_the_token_that_lasts_longest_is_kept_for_each_caller():
    subjects = Subjects()
    for principal, text in (
        token("a", 10.0),
        token("b", 30.0),
        token("c", 20.0),
        token("x", 99.0, "oauth:op/bob/c"),
    ):
        subjects.note(principal, text)
    subjects.note(ALICE, "kg_key")
    assert subjects.token("oauth:op/alice/c") == "b"
    assert subjects.until("oauth:op/alice/c") == 30.0
    assert subjects.token("oauth:op/bob/c") == "x"
    assert subjects.token(ALICE.id) == ""
    assert subjects.until("nobody") == 0.0


NEEDED = LoginNeededError("crm", "https://gate/login/t1cket", "open https://gate/login/t1cket")


def login(capabilities, revision="2026-07-28", method="tools/call"):
    message = Message(Kind.REQUEST, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": "x"}})
    return replies.unavailable(message, Caller(ALICE, revision, capabilities), NEEDED, "crm", "d1")


@pytest.mark.parametrize(
    "capabilities", [{}, {"elicitation": {}}, {"elicitation": {"form": {}}}, {"elicitation": 7}]
)
@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25", "2025-06-18"])
def test_who_cannot_show_a_url_gets_it_as_text(capabilities, revision):
    result = login(capabilities, revision)["result"]
    assert result["isError"] is True
    assert "open https://gate/login/t1cket" in result["content"][0]["text"]


def test_who_can_is_asked_to_open_it():
    able = {"elicitation": {"url": {}}}
    asked = login(able)["result"]
    assert asked["inputRequests"][replies.LOGIN_KEY]["params"]["url"] == NEEDED.url
    assert login(able, "2025-11-25")["error"]["code"] == -32042
    assert "error" in login(able, method="tools/list")


def test_the_ticket_is_in_no_text_that_is_recorded():
    assert "t1cket" not in str(NEEDED)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"name": "x", "inputResponses": {replies.LOGIN_KEY: {"action": "accept"}}}, {"name": "x"}),
        (
            {"inputResponses": {replies.LOGIN_KEY: {}, "theirs": {"action": "accept"}}},
            {"inputResponses": {"theirs": {"action": "accept"}}},
        ),
        ({"inputResponses": {"theirs": {}}}, {"inputResponses": {"theirs": {}}}),
        ({"inputResponses": 7}, {"inputResponses": 7}),
    ],
)
def test_the_answer_to_our_question_is_not_the_servers(given, sent):
    assert replies.without_login(given) == sent
