"""A server that sends without end is slowed, reported once a second, and given up."""

from keepgate.gateway.flood import BURST, CREDIT, HOPELESS, RATE, Flood


def test_a_flood_is_dropped_reported_and_given_up() -> None:
    now, lines, cut = [0.0], [], []
    flood = Flood(lambda: now[0], lines.append, lambda: cut.append(now[0]))
    assert all(flood.admit() for _ in range(int(BURST)))
    assert not flood.admit()
    now[0] = 1.0
    assert sum(flood.admit() for _ in range(2 * int(RATE))) == int(RATE)
    assert not cut
    for _ in range(HOPELESS):
        flood.admit()
    assert len(cut) == 1
    assert 1 <= len(lines) <= 3


def test_what_requests_bring_is_no_flood_however_many_there_are() -> None:
    lines: list[str] = []
    flood = Flood(lambda: 0.0, lines.append, lambda: None)
    for _ in range(10_000):
        flood.earn()
        assert all(flood.admit() for _ in range(100))
    assert lines == []


def test_requests_let_a_server_save_up_no_more_than_a_burst() -> None:
    flood = Flood(lambda: 0.0, lambda _: None, lambda: None)
    for _ in range(1000):
        flood.earn()
    assert CREDIT < BURST
    assert sum(flood.admit() for _ in range(2 * int(BURST))) == int(BURST)
