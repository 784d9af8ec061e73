"""Time limits of requests: each has its own, all share one timer."""

import asyncio

import pytest

from keepgate.gateway.pending import Awaited, Patience
from keepgate.model.errors import UpstreamError


class Clock:
    """A loop's clock and timers, moved by hand."""

    def __init__(self):
        self.now = 100.0
        self.timers = []
        self.made = 0

    def time(self):
        return self.now

    def create_future(self):
        return asyncio.Future(loop=asyncio.new_event_loop())

    def call_at(self, when, work):
        self.made += 1
        timer = Timer(self, when, work)
        self.timers.append(timer)
        return timer

    def until(self, moment):
        """Move on, timer by timer."""
        while due := [timer for timer in self.timers if timer.when <= moment]:
            timer = min(due, key=lambda timer: timer.when)
            self.timers.remove(timer)
            self.now = max(self.now, timer.when)
            timer.work()
        self.now = moment


class Timer:
    def __init__(self, clock, when, work):
        self.clock, self.when, self.work = clock, when, work

    def cancel(self):
        if self in self.clock.timers:
            self.clock.timers.remove(self)


class Host:
    streaming = False

    def __init__(self):
        self.loop = Clock()
        self.requests = {}
        self.patience = Patience(self.loop, self.requests)
        self.futures = []
        self.over = []

    def ended(self, pending, failure):
        self.over.append((pending, failure))

    def request(self, timeout, maximum=1000.0):
        pending = Awaited(self, "tools/call", None, timeout)
        self.futures.append(pending.future)
        self.requests[len(self.requests)] = pending
        self.patience.watch(pending.limit(maximum))
        return pending


@pytest.fixture
def host():
    made = Host()
    yield made
    for future in made.futures:
        future.get_loop().close()


def failed(pending):
    if not pending.future.done():
        return None
    error = pending.future.exception()
    assert isinstance(error, UpstreamError)
    assert error.kind == "timeout"
    return error.public


def test_each_request_fails_when_its_own_patience_ends_and_not_before(host):
    slow, quick, slower = host.request(10), host.request(3), host.request(30)
    host.loop.until(102.9)
    assert not failed(quick)
    host.loop.until(103.1)
    assert failed(quick) == "the server did not answer within 3 s"
    assert not failed(slow)
    host.loop.until(110.1)
    assert "10 s" in failed(slow)
    assert not failed(slower)
    host.loop.until(130.1)
    assert "30 s" in failed(slower)


def test_a_sign_of_life_starts_the_patience_over_but_not_the_maximum(host):
    pending = host.request(10, maximum=25)
    for moment in (109, 118, 124):
        host.loop.until(moment)
        pending.alive()
    host.loop.until(124.9)
    assert not failed(pending)
    host.loop.until(125.1)
    assert "25 s" in failed(pending)


def test_a_request_without_limit_has_none_and_a_sign_of_life_gives_it_none(host):
    endless = Awaited(host, "subscriptions/listen", None, 10)
    host.futures.append(endless.future)
    host.requests[0] = endless
    endless.alive()
    host.patience.watch(endless.due)
    host.loop.until(1_000_000)
    assert not endless.limited
    assert not endless.future.done()
    assert host.loop.made == 0


def test_requests_that_are_answered_cost_no_timer_of_their_own(host):
    for _ in range(1000):
        pending = host.request(10)
        pending.answer(None)
        host.requests.clear()
        host.loop.until(host.loop.now + 0.001)
    assert host.loop.made == 1
    host.loop.until(200)
    assert not host.loop.timers


def test_an_answered_request_is_left_alone_and_a_stopped_watch_does_nothing(host):
    answered, waiting = host.request(1), host.request(2)
    answered.answer(None)
    host.loop.until(101.5)
    host.patience.stop()
    host.loop.until(200)
    assert not waiting.future.done()


def test_a_request_ends_once_and_only_its_first_end_counts(host):
    pending = host.request(1)
    pending.answer("reply")
    pending.closed(None)
    pending.abandon()
    pending.answer("another")
    host.loop.until(500)
    assert pending.future.result() == "reply"
    assert host.over == [(pending, None)]


def test_of_one_given_up_nobody_hears(host):
    pending = host.request(1)
    pending.abandon()
    pending.answer("late")
    host.loop.until(500)
    assert not pending.future.done()
    [(ended, failure)] = host.over
    assert (ended, failure.kind) == (pending, "cancelled")
