"""Buckets of outsiders are bounded, and nobody begins anew by filling the table."""

from keepgate.gateway import gather
from keepgate.gateway.gather import Meters
from keepgate.gateway.settings import Limits


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_addresses_without_end_fill_no_memory_and_share_a_bucket(monkeypatch):
    monkeypatch.setattr(gather, "MAX_PRINCIPALS", 100)
    monkeypatch.setattr(gather, "MOST", 400)
    clock = Clock()
    meters = Meters(Limits(), clock)
    allowed = 0
    for number in range(5000):
        clock.now += 0.001
        allowed += meters.spend(f"peer:{number}", rate=1.0, burst=20.0).remaining >= 0
    assert len(meters._meters) <= 402
    assert allowed <= 400 + 20 + 10  # a bucket each, then one for all
    meters.facts("key:alice")  # who is authenticated is never among them
    assert "key:alice" in meters._meters


def test_a_bucket_that_fills_slowly_is_not_forgotten_as_fast_as_one_of_a_principal(monkeypatch):
    """Or else a guesser begins anew after the moment in which a principal's own bucket is full again."""
    monkeypatch.setattr(gather, "MAX_PRINCIPALS", 10)
    clock = Clock()
    meters = Meters(Limits(), clock)
    while meters.spend("peer:guesser", rate=1.0, burst=100.0).remaining >= 0:
        pass
    clock.now += 30
    for number in range(50):
        meters.spend(f"peer:{number}", rate=1.0, burst=100.0)
    left = 0
    while meters.spend("peer:guesser", rate=1.0, burst=100.0).remaining >= 0:
        left += 1
    assert left == 30


def test_what_is_exhausted():
    clock = Clock()
    meters = Meters(Limits(), clock)
    assert not meters.exhausted("peer:a")
    while meters.spend("peer:a", rate=1.0, burst=3.0).remaining >= 0:
        assert not meters.exhausted("peer:b")
    assert meters.exhausted("peer:a")
    clock.now += 2
    assert not meters.exhausted("peer:a")
