"""What is a value of its own, and what everybody writes."""

import pytest

from keepgate.detect.provenance.distinctive import (
    LONGEST,
    MOST,
    VALUES,
    has_values,
    is_distinctive,
    passages_of,
    pieces_of,
    values_of,
)


@pytest.mark.parametrize(
    "word",
    [
        "maria@example.org",
        "INV-48213-C",
        "4539148803436467",
        "7312984",
        "PL61109010140000071219812874",
        "ghx_9fK2mPq7Lw3RtYv8",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "AbCdEfGhIjKlMnOpQr",
        "d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_what_is_of_its_own(word):
    assert is_distinctive(word)


@pytest.mark.parametrize(
    "word",
    [
        "", "a", "password", "internationalization", "getUserAccountDetails", "README.md", "12:30", "2026",
        "100000",
        "1000000", "1234567", "7777777", "2026-11-21", "21.11.2026", "20261121", "2026-11-21T12:03:00Z", "1.22.10",
        "sha256",
        "sha256sum", "utf-8", "ISO-8859-1", "RFC-9728", "rfc9728", "CVE-2026-1234", "1920x1080", "16384kb",
        "192.168.10.100",
        "127.0.0.1", "python3", "windows11", "v2", "a@b", "2026-Q3",
    ],
)  # fmt: skip
def test_what_everybody_writes(word):
    assert not is_distinctive(word)


def values(result):
    return values_of(result)[0]


def test_where_values_stand():
    assert values({"phone": "+48 601 234 567"}) == ["48601234567"]
    assert values("see https://x.example/orders/INV-48213?ref=ab12cd34ef") == ["inv48213", "ab12cd34ef"] or {
        "inv48213",
        "ab12cd34ef",
    } <= set(values("see https://x.example/orders/INV-48213?ref=ab12cd34ef"))
    assert values({"full_name": "Maria Kowalska"}) == ["mariakowalska"]
    assert values({"customerName": "Maria Kowalska"}) == ["mariakowalska"]
    assert values({"status": "Waiting For Customer"}) == []
    assert values({"name": "waiting for customer"}) == []
    assert values('{"name": "Maria Kowalska"}') == ["mariakowalska"]
    assert values("{not JSON INV-48213") == ["inv48213"]
    assert values("user+tag@example.org") == ["usertagexampleorg", "userexampleorg"]
    assert has_values("PL61 1090 1014 0000")
    assert not has_values("next monday at 12:30")


def test_there_is_an_end_to_it():
    assert values_of([f"INV-{number}-X" for number in range(10_000, 10_000 + 2 * VALUES)])[1] is False
    assert values_of("x" * (MOST + 10))[1] is False
    assert max(map(len, values(["a1b2c3" * 50]))) == LONGEST


def test_pieces_stand_where_they_stand():
    text = "themergerwiththelisbonofficeclosesinmayandnobodyoutsidetheboardmayhearofit"
    pieces = {piece for _, piece in pieces_of(text)}
    assert len(pieces) >= 2
    assert pieces <= {piece for _, piece in pieces_of(f"xx{text}yy")}
    assert list(passages_of({"a": "too short", "b": text})) == [text]
