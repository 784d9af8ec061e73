"""Codes, passwords, lockouts and logins, without a gateway."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.admin import password, totp
from keepgate.admin.lockout import FORGOTTEN, FREE, LONGEST, MOST, Lockout
from keepgate.admin.logins import MOST_EACH, Logins, check_csrf
from keepgate.admin.problem import ProblemError
from keepgate.model.errors import LocalError, RemoteError
from keepgate.protocol.seal import Sealer

# RFC 6238 appendix B, the last six digits, SHA-1.
SECRET = b"12345678901234567890"
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("now", "code"), VECTORS)
def test_codes_are_those_of_the_standard(now, code):
    assert totp.step_of(SECRET, code, now, 0) == now // 30


@pytest.mark.parametrize(("now", "code"), VECTORS)
def test_a_code_counts_a_step_early_and_a_step_late_and_no_longer(now, code):
    assert totp.step_of(SECRET, code, now + 30, 0) == now // 30
    assert totp.step_of(SECRET, code, max(now - 30, 0), 0) == now // 30
    assert totp.step_of(SECRET, code, now + 75, 0) == 0


@pytest.mark.parametrize(("now", "code"), VECTORS)
def test_a_code_does_not_count_again(now, code):
    assert totp.step_of(SECRET, code, now, now // 30) == 0


@given(st.text(max_size=8))
@settings(max_examples=50)
def test_what_is_no_code_is_wrong(text):
    if not (len(text) == 6 and text.isascii() and text.isdigit()):
        assert totp.step_of(SECRET, text, 59, 0) == 0


def test_a_secret_is_sealed_for_one_person():
    sealer = Sealer(bytes(range(32)))
    kept = totp.seal(sealer, "alice", SECRET)
    assert SECRET.hex() not in kept
    assert totp.unseal(sealer, "alice", kept) == SECRET
    for other in ((sealer, "bob"), (Sealer(bytes(32)), "alice")):
        with pytest.raises(RemoteError):
            totp.unseal(*other, kept)


def test_the_uri_is_what_apps_read():
    assert totp.uri(SECRET, "a@b") == (
        "otpauth://totp/keepgate:a%40b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=keepgate&digits=6&period=30"
    )


def test_passwords_are_kept_slowly_and_differently_each_time():
    kept = password.hashed("correct horse battery")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert kept != password.hashed("correct horse battery")
    assert password.matches("correct horse battery", kept)
    assert not password.matches("correct horse batterz", kept)
    assert not password.matches("", kept)
    assert not password.matches("anything", "")


def test_a_name_that_is_not_known_takes_as_long_as_one_that_is():
    kept = password.hashed("correct horse battery")

    def seconds(known):
        began = time.perf_counter()
        password.matches("wrong", known)
        return time.perf_counter() - began

    known, unknown = (min(seconds(each) for _ in range(3)) for each in (kept, ""))
    assert 0.3 < known / unknown < 3


@pytest.mark.parametrize("text", ["", "short", "x" * 1025])
def test_bad_passwords_are_refused(text):
    with pytest.raises(LocalError):
        password.hashed(text)


def test_a_try_waits_twice_as_long_each_time_up_to_a_limit():
    clock, waits = Clock(), []
    lockout = Lockout(clock)
    for _ in range(FREE["account"]):
        lockout.check("account", "a")
        lockout.failed("account", "a")
    for _ in range(14):
        lockout.check("account", "a")
        lockout.failed("account", "a")
        with pytest.raises(ProblemError) as error:
            lockout.check("account", "a")
        waits.append(error.value.retry_after)
        clock.now += waits[-1]
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == LONGEST["account"]
    lockout.check("account", "b")
    lockout.succeeded("account", "a")
    lockout.failed("account", "a")
    lockout.check("account", "a")


def test_failures_are_forgotten_and_never_too_many():
    clock = Clock()
    lockout = Lockout(clock)
    for _ in range(30):
        lockout.failed("account", "worst")
    for number in range(2 * MOST):
        lockout.failed("account", f"x{number}")
        lockout.failed("account", f"x{number}") if number % 2 else None
    assert len(lockout._failures) <= MOST
    with pytest.raises(ProblemError):
        lockout.check("account", "worst")
    clock.now += FORGOTTEN + 1
    lockout.failed("account", "worst")
    lockout.check("account", "worst")


def test_logins_end_when_idle_and_in_any_case():
    clock = Clock()
    logins = Logins(clock, idle=100, longest=250)
    token, login = logins.begin("a", "password", second_factor=True, cookie=False)
    for _ in range(2):
        clock.now += 90
        assert logins.find(token, cookie=False) is login
    clock.now += 75
    assert logins.find(token, cookie=False) is None, "longer than any login"
    token, _ = logins.begin("a", "password", second_factor=True, cookie=False)
    clock.now += 101
    assert logins.find(token, cookie=False) is None, "idle"


def test_a_cookie_is_no_token_and_the_other_way_round():
    logins = Logins(Clock(), idle=100, longest=100)
    for cookie in (True, False):
        token, login = logins.begin("a", "password", second_factor=True, cookie=cookie)
        assert logins.find(token, cookie=cookie) is login
        assert logins.find(token, cookie=not cookie) is None
        check_csrf(login, login.csrf)
        for wrong in ("", "é", login.csrf[:-1]):
            with pytest.raises(ProblemError):
                check_csrf(login, wrong)


def test_nobody_has_more_logins_than_a_few():
    logins = Logins(Clock(), idle=100, longest=100)
    tokens = [
        logins.begin("a", "password", second_factor=True, cookie=False)[0] for _ in range(MOST_EACH + 3)
    ]
    found = [logins.find(token, cookie=False) is not None for token in tokens]
    assert found == [False] * 3 + [True] * MOST_EACH
    logins.end_of("a")
    assert not any(logins.find(token, cookie=False) for token in tokens)
