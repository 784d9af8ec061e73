"""A server that sends without end is slowed, reported once a second, and given up."""

from keepgate.gateway.flood import BURST, HOPELESS, RATE, Flood


def test_a_flood_is_dropped_reported_and_given_up() -> None:
    now, lines = [0.0], []
    flood = Flood(lambda: now[0], lines.append)
    assert all(flood.admit() for _ in range(int(BURST)))
    assert not flood.admit()
    now[0] = 1.0
    assert sum(flood.admit() for _ in range(2 * int(RATE))) == int(RATE)
    assert not flood.hopeless
    for _ in range(HOPELESS):
        flood.admit()
    assert flood.hopeless
    assert 1 <= len(lines) <= 3
