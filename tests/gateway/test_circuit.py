"""The circuit of one server, on a clock of the test's own."""

import pytest

from keepgate.gateway.circuit import FIRST_PAUSE, LONGEST_PAUSE, PROBE, THRESHOLD, Circuit
from keepgate.model.errors import UpstreamError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock) -> Circuit:
    return Circuit("a", clock, lambda: 0.0)


def fail(circuit: Circuit, times: int = THRESHOLD) -> None:
    for _ in range(times):
        circuit.failure("nothing listens there")


def refused(circuit: Circuit) -> str:
    with pytest.raises(UpstreamError) as caught:
        circuit.check()
    assert (caught.value.kind, caught.value.retryable) == ("unreachable", True)
    return caught.value.public


def test_it_opens_at_the_threshold_and_says_why_and_for_how_long(circuit):
    fail(circuit, THRESHOLD - 1)
    assert circuit.check() is False
    fail(circuit, 1)
    assert circuit.open
    text = refused(circuit)
    assert "`a`" in text
    assert "next try in 1.0 s: nothing listens there" in text


def test_one_probe_goes_through_and_the_others_wait_for_it_however_long_it_takes(circuit, clock):
    fail(circuit)
    clock.now += FIRST_PAUSE
    assert circuit.check() is True
    clock.now += 10 * FIRST_PAUSE
    assert "a try is running" in refused(circuit)
    circuit.reached()
    assert circuit.check() is False


@pytest.mark.parametrize("end", ["abandoned", "never"])
def test_a_probe_without_a_verdict_lets_another_try(circuit, clock, end):
    fail(circuit)
    clock.now += FIRST_PAUSE
    assert circuit.check() is True
    if end == "abandoned":
        circuit.undecided(probe=False)  # some other call: not the probe
        refused(circuit)
        circuit.undecided(probe=True)
    else:
        clock.now += PROBE
    assert circuit.check() is True


def test_each_failed_probe_doubles_the_pause_up_to_the_longest(circuit, clock):
    fail(circuit)
    pauses = []
    for _ in range(10):
        before = clock.now
        while circuit.open:
            clock.now += 0.25
        pauses.append(clock.now - before)
        assert circuit.check() is True
        fail(circuit, 1)
    assert pauses == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(10)]


def test_the_pause_is_cut_by_up_to_half_at_random(clock):
    circuit = Circuit("a", clock, lambda: 0.999)
    fail(circuit)
    clock.now += FIRST_PAUSE * 0.51
    assert circuit.check() is True


def test_a_server_that_only_ever_greets_stays_on_parole(circuit, clock):
    """One that dies after each start is not started without end."""
    fail(circuit)
    for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE):
        clock.now += pause
        assert circuit.check() is True
        circuit.reached()
        assert circuit.check() is False
        fail(circuit, 1)
        refused(circuit)


def test_an_answer_forgives_everything(circuit, clock):
    fail(circuit, THRESHOLD + 3)
    clock.now += LONGEST_PAUSE
    assert circuit.check() is True
    circuit.success()
    fail(circuit, THRESHOLD - 1)
    assert circuit.check() is False
    fail(circuit, 1)
    assert "next try in 1.0 s" in refused(circuit)


def test_refused_credentials_say_that_the_server_is_there(circuit):
    """A user who has yet to log in must be told so, however often it tries."""
    for _ in range(10 * THRESHOLD):
        circuit.refused(UpstreamError("auth", "log in first"))
        assert circuit.check() is False
    for _ in range(THRESHOLD):
        circuit.refused(UpstreamError("unreachable", "nothing listens there"))
    assert "nothing listens there" in refused(circuit)
