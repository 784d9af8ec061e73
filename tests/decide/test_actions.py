"""Which terms hold for whom."""

import itertools

import pytest

from keepgate.decide.actions import PROFILES, Action, Book, ServerTerms, Table, Terms
from keepgate.detect.detector import Sighting
from keepgate.model.finding import Confidence, Finding, Severity


def seen(rule, confidence=Confidence.CONFIRMED):
    return Sighting(Finding(rule, Severity.HIGH, confidence, "a thing"), ("result",), "x", is_key=False)


def test_what_nobody_speaks_of_is_recorded():
    assert Table().action(seen("secret.x")) is Action.RECORD
    table = Table().with_("secret", Action.ASK)
    assert table.action(seen("secret.x")) is Action.ASK
    assert table.action(seen("secret.x", Confidence.LIKELY)) is Action.ASK
    assert table.action(seen("secret.x", Confidence.POSSIBLE)) is Action.RECORD
    assert (
        Table().with_("secret", Action.IGNORE).action(seen("secret.x", Confidence.POSSIBLE)) is Action.IGNORE
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_get_stricter(profile):
    order = list(PROFILES)
    for milder, stricter in itertools.pairwise(order):
        for one, other in zip(PROFILES[milder], PROFILES[stricter], strict=True):
            for family in ("secret", "personal", "attack", "exfil", "hidden"):
                for confidence in Confidence:
                    found = seen(f"{family}.x", confidence)
                    assert one.action(found) <= other.action(found)


TERMS = [Terms(Table(), Table().with_("secret", action)) for action in Action]
GENERAL, SERVER, READ, READ_FILE, *_ = TERMS


@pytest.mark.parametrize(
    ("server", "tool", "terms"),
    [
        ("other", "read_file", GENERAL),
        ("", "", GENERAL),
        ("files", "", SERVER),
        ("files", "write_file", SERVER),
        ("files", "read_dir", READ),
        ("files", "read_file", READ_FILE),
    ],
)
def test_the_closest_word_counts(server, tool, terms):
    book = Book(
        GENERAL, {"files": ServerTerms(SERVER, {"read_*": READ, "read_file": READ_FILE, "*": SERVER})}
    )
    for _ in range(2):
        assert book.of(server, tool) == terms
    assert book.particular == {"files"}


def test_names_of_outsiders_do_not_pile_up():
    book = Book(GENERAL, {"files": ServerTerms(SERVER)})
    for number in range(20_001):
        assert book.of("files", f"tool{number}") == SERVER
    assert len(book._known) <= 10_000
