"""Values are recognised in nine of ten disguises and more, and not by mistake."""

import base64
import json
import os
import random
import string
import time
import tracemalloc
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.detect.provenance.prints import ROOM, USER, Prints, labels_of

CRM, MAIL = 2, 4
RESULT = {
    "content": [
        {
            "type": "text",
            "text": "Found 1 customer.\nPhone: +48 601 234 567, account PL61 1090 1014 0000 0712 1981 2874",
        }
    ],
    "structuredContent": {
        "customer": {
            "full_name": "Maria Kowalska-Nowak",
            "email": "maria.kowalska@example.org",
            "order": "INV-48213-C",
            "card": "4539 1488 0343 6467",
            "token": "ghx_9fK2mPq7Lw3RtYv8Zb",
            "note": "The merger with the Lisbon office closes in May, and nobody outside the board may hear of it.",
        }
    },
}
VALUES = {
    "name": "Maria Kowalska-Nowak",
    "email": "maria.kowalska@example.org",
    "phone": "+48 601 234 567",
    "account": "PL61 1090 1014 0000 0712 1981 2874",
    "order": "INV-48213-C",
    "card": "4539 1488 0343 6467",
    "token": "ghx_9fK2mPq7Lw3RtYv8Zb",
    "note": RESULT["structuredContent"]["customer"]["note"],
}
LOOKALIKES = str.maketrans("aeopcxy", "аеорсху")


def b64(text):
    return base64.b64encode(text.encode()).decode()


DISGUISES = {
    "as it is": lambda v: {"q": v},
    "in a sentence": lambda v: {"q": f"please look at {v}, thanks"},
    "upper case": lambda v: {"q": v.upper()},
    "lower case": lambda v: {"q": v.lower()},
    "other white space": lambda v: {"q": v.replace(" ", "\n\t ") + "  "},
    "no white space": lambda v: {"q": v.replace(" ", "")},
    "quoted": lambda v: {"q": f'"{v}"'},
    "in brackets": lambda v: {"q": f"<<{v}>>"},
    "a member deep down": lambda v: {"a": [{"b": {"c": [v]}}]},
    "the name of a member": lambda v: {"a": {v: 1}},
    "JSON in a text": lambda v: {"q": json.dumps({"x": v})},
    "JSON in JSON": lambda v: {"q": json.dumps(json.dumps({"x": [v]}))},
    "escapes": lambda v: {"q": "".join(f"\\u{ord(c):04x}" for c in v)},
    "in a URL": lambda v: {"url": f"https://x.example/p?d={quote(v, safe='')}&z=1"},
    "in a form": lambda v: {"q": "a=1&b=" + quote_plus(v)},
    "URL twice": lambda v: {"q": quote(quote(v, safe=""), safe="")},
    "every sign in percent": lambda v: {"q": "".join(f"%{b:02X}" for b in v.encode())},
    "entities": lambda v: {"q": "".join(f"&#{ord(c)};" for c in v)},
    "base64": lambda v: {"q": base64.b64encode(v.encode()).decode()},
    "base64 for URLs": lambda v: {"q": base64.urlsafe_b64encode(v.encode()).decode().rstrip("=")},
    "base64 of a sentence": lambda v: {"q": base64.b64encode(f"the value is {v}.".encode()).decode()},
    "base64 in lines": lambda v: {"q": "\n".join(base64.encodebytes(v.encode() * 1).decode().split())},
    "base64 cut in two": lambda v: {"a": b64(v)[:9], "b": b64(v)[9:]},
    "base64 twice": lambda v: {"q": base64.b64encode(base64.b64encode(v.encode())).decode()},
    "base64 in a URL": lambda v: {"q": "https://x.example/" + base64.urlsafe_b64encode(v.encode()).decode()},
    "base32": lambda v: {"q": base64.b32encode(v.encode()).decode()},
    "hex": lambda v: {"q": v.encode().hex()},
    "hex in capitals": lambda v: {"q": v.encode().hex().upper()},
    "hex in pairs": lambda v: {"q": v.encode().hex(" ")},
    "hex with marks": lambda v: {"q": "".join(f"\\x{b:02x}" for b in v.encode())},
    "cut in two arguments": lambda v: {"a": v[: len(v) // 2], "b": v[len(v) // 2 :]},
    "cut in a list": lambda v: {"a": [v[at : at + 3] for at in range(0, len(v), 3)]},
    "dashes between": lambda v: {"q": "-".join(v)},
    "dots between": lambda v: {"q": ".".join(v)},
    "joined with others": lambda v: {"q": f"abc_{v}_xyz"},
    "lookalikes": lambda v: {"q": v.translate(LOOKALIKES)},
    "wide letters": lambda v: {"q": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v)},
    "zero width": lambda v: {"q": "\u200b".join(v)},
    "sub-addressed": lambda v: {"q": v.replace("@", "+news@")},
}  # fmt: skip


def learned(*, key=b"k" * 32):
    prints = Prints(key)
    prints.add(RESULT, CRM, tracked=True)
    return prints


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguise_hides_nothing(disguise):
    prints = learned()
    missed = [
        name
        for name, value in VALUES.items()
        if not labels_of(prints.sources(DISGUISES[disguise](value))[0], MAIL) & CRM
    ]
    assert missed == []


def test_who_is_given_it_first_and_who_gave_it_get_it_back():
    prints = Prints(b"k" * 32)
    prints.add({"q": "maria.kowalska@example.org"}, USER, tracked=False)
    prints.add({"orders": ["INV-48213-C"]}, MAIL, tracked=False)
    prints.add(RESULT, CRM, tracked=True)

    def leaks(text, receiver=MAIL):
        return labels_of(prints.sources({"q": text})[0], receiver)

    assert not leaks("Maria.Kowalska@example.org")
    assert not leaks("inv-48213-c")
    assert leaks("INV-48213-C", receiver=8) == CRM | MAIL
    assert leaks("4539148803436467") == CRM
    assert not leaks("4539148803436467", receiver=CRM)


def test_half_a_key_is_a_key():
    assert labels_of(learned().sources({"q": "key is ghx9fK2mPq7"})[0], MAIL)


def ordinary(seed):
    """Arguments as tools get them."""
    dice = random.Random(seed)
    names = "Anna Piotr Julia Marek Ewa Jan Olga Adam Nina Paul".split()
    family = "Nowak Meyer Smith Garcia Rossi Dubois Silva Novak Jensen Kim".split()
    text = (
        "please find the report about customer orders of the last quarter and tell me which team should answer before "
        "the meeting on monday because the merger with the office in berlin is not closed and nobody may hear of it"
    ).split()
    day = f"20{dice.randint(10, 29)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    kinds = (  # each in its turn
        lambda: " ".join(dice.choices(text, k=dice.randint(1, 30))),
        lambda: day,
        lambda: f"{day}T{dice.randint(0, 23):02}:{dice.randint(0, 59):02}:00Z",
        lambda: str(dice.randint(1, 10**dice.randint(1, 12))),
        lambda: round(dice.uniform(-180, 180), dice.randint(1, 6)),
        lambda: f"{dice.choice(names)} {dice.choice(family)}",
        lambda: f"{dice.choice(names).lower()}.{dice.choice(family)}@example.{dice.choice(('com', 'org'))}",
        lambda: f"INV-{dice.randint(10000, 99999)}-{dice.choice('ABCDEF')}",
        lambda: f"+48 {dice.randint(500, 899)} {dice.randint(100, 999)} {dice.randint(100, 999)}",
        lambda: f"https://example.com/{dice.choice(text)}/{dice.choice(text)}?page={dice.randint(1, 99)}",
        lambda: f"/srv/data/{dice.choice(text)}/{dice.choice(text)}-{dice.randint(1, 999)}.txt",
        lambda: f"SELECT id, name FROM {dice.choice(text)} WHERE day > '{day}' LIMIT {dice.randint(1, 500)}",
        lambda: "".join(dice.choices(string.hexdigits.lower(), k=40)),
        lambda: "".join(dice.choices(string.ascii_letters + string.digits, k=22)),
        lambda: f"{dice.randint(1, 9)}.{dice.randint(0, 30)}.{dice.randint(0, 30)}",
        lambda: dice.choice(("true", "RFC 9728", "ISO-8859-1", "sha256sum", "1920x1080", "Windows 11 23H2", "utf-8")),
        lambda: base64.b64encode(" ".join(dice.choices(text, k=8)).encode()).decode(),
        lambda: f"Dear {dice.choice(names)},\n\nplease let me know if you have any questions.\n\nBest regards\n",
    )  # fmt: skip
    return dice.choice(kinds)()


def a_table(seed, rows=100):
    dice = random.Random(seed)
    return {
        "rows": [
            {
                "name": f"{dice.choice('ABCDEFG')}lex {''.join(dice.choices(string.ascii_lowercase, k=9)).title()}",
                "email": f"{''.join(dice.choices(string.ascii_lowercase, k=8))}@customer.example",
                "order": f"INV-{dice.randint(10000, 99999)}-{dice.choice('GHJK')}",
                "phone": f"+48 {dice.randint(500, 899)} {dice.randint(100, 999)} {dice.randint(100, 999)}",
                "since": "2024-03-01",
                "status": dice.choice(("in progress", "Closed", "On Hold", "Waiting For Customer")),
                "text": f"Please let me know if you have any questions about order {dice.randint(1, 99)}.",
            }
            for _ in range(rows)
        ]
    }  # fmt: skip


def test_no_false_match_on_ten_thousand_ordinary_values():
    prints = learned()
    prints.add(a_table(1), CRM, tracked=True)
    wrong = [
        value
        for seed in range(10_000)
        if labels_of(prints.sources({"q": (value := ordinary(seed))})[0], MAIL) and not _stands_there(value)
    ]
    assert wrong == []


def _stands_there(value):
    """By chance a generated number can be one of the table's."""
    raw = json.dumps([RESULT, a_table(1)]).lower()
    return str(value).lower() in raw


def test_another_key_makes_other_prints():
    one, other = learned(), learned(key=os.urandom(32))
    assert not set(one._values) & set(other._values)


def test_memory_is_bounded_and_what_is_forgotten_is_said():
    tracemalloc.start()
    prints = Prints(b"k" * 32)
    before = tracemalloc.get_traced_memory()[0]
    for seed in range(60):
        prints.add(a_table(seed), CRM, tracked=True)
        assert prints.size <= ROOM
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used <= 1_000_000
    assert prints.full
    assert prints.sources({"q": "K-99318-Z2"}) == ([], False)
    assert prints.sources({"q": "next monday at 12:30"}) == ([], True)


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 10**6,
        "%41" * 10**5,
        "QUJD" * 10**5,
        "41 " * 10**5,
        "&#65;" * 10**5,
        "\\u0041" * 10**5,
        "a@b+" * 10**5,
    ],
)
def test_time_is_bounded(hostile):
    prints = learned()
    begun = time.process_time()
    _, known = prints.sources({"q": hostile})
    prints.add({"q": hostile}, CRM, tracked=True)
    assert time.process_time() - begun < 20
    assert not known


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, JSON)
def test_nothing_breaks_it(result, arguments):
    prints = Prints(b"k" * 32)
    prints.add(result, CRM, tracked=True)
    prints.sources(arguments)


@given(
    st.text(min_size=12, max_size=30, alphabet=string.ascii_letters + string.digits).filter(
        lambda v: sum(map(str.isdigit, v)) >= 5
    ),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_a_key_is_found_wherever_it_stands(key, before, after):
    prints = Prints(b"k" * 32)
    prints.add({"key": key}, CRM, tracked=True)
    if prints._values:
        assert labels_of(prints.sources({"q": f"{before} {key} {after}"})[0], MAIL)
