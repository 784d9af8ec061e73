"""Open logins: of one principal, for ten minutes, once, and not without end."""

from types import SimpleNamespace

from keepgate.auth.client import tickets as module
from keepgate.auth.client.tickets import SECONDS, Tickets
from keepgate.model.access import Principal

ALICE, BOB = Principal("key:alice", "key"), Principal("key:bob", "key")


def opened(tickets, ticket, state="s", browser="b"):
    ticket.browser = browser
    tickets.begin(ticket, SimpleNamespace(state=state))
    return ticket


def test_one_login_at_a_time_for_each_principal_and_server():
    tickets = Tickets(lambda: 0.0)
    mine = tickets.need(ALICE, "crm", {}, ("a",))
    assert tickets.need(ALICE, "crm", {}, ()) is mine
    assert tickets.need(BOB, "crm", {}, ()) is not mine
    assert tickets.need(ALICE, "erp", {}, ()) is not mine
    more = tickets.need(ALICE, "crm", {}, ("a", "b"))
    assert tickets.find(mine.id) is None
    assert len(more.id) >= 43
    assert tickets.pending(ALICE.id, "crm") is more


def test_a_state_leads_back_once_and_only_from_the_browser_that_began():
    tickets = Tickets(lambda: 0.0)
    ticket = opened(tickets, tickets.need(ALICE, "crm", {}, ()))
    for state, browser in (("s", ""), ("s", "other"), ("x", "b"), ("s", "é")):
        assert tickets.take(state, browser) is None
    assert tickets.take("s", "b") is ticket
    assert tickets.take("s", "b") is None
    assert tickets.find(ticket.id) is None


def test_a_second_attempt_ends_the_first():
    tickets = Tickets(lambda: 0.0)
    ticket = opened(tickets, tickets.need(ALICE, "crm", {}, ()), "first")
    opened(tickets, ticket, "second")
    assert tickets.take("first", "b") is None
    assert tickets.take("second", "b") is ticket


def test_a_login_that_nobody_proved_has_no_browser():
    tickets = Tickets(lambda: 0.0)
    opened(tickets, tickets.need(ALICE, "crm", {}, ()), browser="")
    assert tickets.take("s", "") is None


def test_after_ten_minutes_it_is_over():
    now = [0.0]
    tickets = Tickets(lambda: now[0])
    ticket = opened(tickets, tickets.need(ALICE, "crm", {}, ()))
    now[0] = SECONDS
    found = tickets.find(ticket.id), tickets.take("s", "b"), tickets.pending(ALICE.id, "crm")
    assert found == (None, None, None)


def test_numbers_are_bounded(monkeypatch):
    tickets = Tickets(lambda: 0.0)
    first = tickets.need(BOB, "s", {}, ())
    for number in range(100):
        tickets.need(ALICE, f"s{number}", {}, ())
    kept = sum(tickets.pending(ALICE.id, f"s{number}") is not None for number in range(100))
    assert kept == module.MOST_OWN
    assert tickets.find(first.id) is first
    monkeypatch.setattr(module, "MOST", 10)
    tickets.need(BOB, "t", {}, ())
    assert tickets.find(first.id) is None
