"""Pauses grow, are bounded and start over."""

from keepgate.transports.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_start_over():
    backoff = Backoff(lambda: 0.0, first=1, longest=5)
    assert [backoff.pause() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.pause() == 1


def test_jitter_takes_up_to_half():
    backoff = Backoff(iter([0.0, 0.5, 0.999]).__next__, first=8, longest=8)
    assert [backoff.pause() for _ in range(3)] == [8, 6, 8 * (1 - 0.999 / 2)]
