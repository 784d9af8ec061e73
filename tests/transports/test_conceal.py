"""A secret that a server prints is taken out, however it is commonly written."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.transports.conceal import MARK, Conceal

SECRET = 'ghp_s3cr3t/"+é\\ value'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(json.dumps(SECRET))[3:-3],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
    ],
)
def test_each_form_is_concealed(form):
    assert Conceal([SECRET])(f"before {form} after".encode()) == b"before " + MARK + b" after"


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "token=x"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
def test_base64_around_a_secret_does_not_carry_it_out(before, after):
    secret = "s3cr3t-s3cr3t-s3cr3t"
    coded = base64.b64encode((before + secret + after).encode())
    shown = Conceal([secret])(coded)
    assert MARK in shown
    assert len(shown.replace(MARK, b"")) < len(base64.b64encode((before + after).encode())) + 12


def test_the_lines_of_a_key_are_concealed_one_by_one():
    key = "-----BEGIN KEY-----\nAAAABBBBCCCCDDDD\nEEEEFFFFGGGGHHHH\n-----END KEY-----\n"
    conceal = Conceal([key])
    for line in key.splitlines():
        assert conceal(b"x" + line.encode()) == b"x" + MARK


def test_what_is_short_is_left_alone_and_nothing_costs_nothing():
    assert Conceal(["abc"])(b"abcdef") == b"abcdef"
    assert not Conceal(["abc", ""])
    assert not Conceal()


def test_of_two_secrets_the_longer_goes_whole():
    assert Conceal(["password", "password-of-root"])(b"password-of-root") == MARK


@given(st.text(min_size=8, max_size=40).filter(lambda text: len(text.strip()) >= 8), st.binary(max_size=30))
def test_no_text_still_has_it(secret, noise):
    line = max(secret.splitlines() or [secret], key=len).strip()
    if len(line) >= 8:
        raw = line.encode("utf-8", "surrogatepass")
        assert raw not in Conceal([secret])(noise + raw + noise) or raw in MARK * 9
