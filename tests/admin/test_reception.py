"""Logins end with what they began with, and guessing together is no faster than one after the other."""

import asyncio
import time
from dataclasses import replace

import pytest

from keepgate.admin import administrators, totp
from keepgate.admin.administrators import Roll
from keepgate.admin.lockout import FREE, Lockout
from keepgate.admin.logins import Logins
from keepgate.admin.password import hashed
from keepgate.admin.problem import ProblemError
from keepgate.admin.reception import Reception, Said
from keepgate.protocol.seal import Sealer
from keepgate.stores.admins import JsonAdminStore
from tests.admin.test_factors import SECRET

SEALER = Sealer(bytes(range(32)))
PASSWORD = "correct horse battery"
KEPT = hashed(PASSWORD)


def code(steps=0):
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    return TOTP(SECRET, 6, SHA1(), 30, enforce_key_length=False).generate(time.time() + steps * 30).decode()


@pytest.fixture
def reception(tmp_path):
    store = JsonAdminStore(tmp_path)
    administrators.add(store, "alice", ("operator",), now=time.time())
    sealed = totp.seal(SEALER, "alice", SECRET)
    administrators.edit(store, "alice", lambda each: replace(each, totp=sealed, password=KEPT))
    logins = Logins(time.time, idle=600, longest=3600)
    return Reception(Roll(store, time.time), logins, Lockout(time.monotonic), SEALER, time.time, "changes")


def login(reception, **said):
    given = {"name": "alice", "password": PASSWORD, "code": code()} | said
    return asyncio.run(reception.by_code("127.0.0.1", Said(**given), cookie=False))[1]


def change(reception, **fields):
    administrators.edit(reception.roll.store, "alice", lambda each: replace(each, **fields))
    reception.roll.look_again()


@pytest.mark.parametrize(
    "fields",
    [
        {"password": hashed("another horse battery")},
        {"password": ""},
        {"totp": totp.seal(SEALER, "alice", b"2" * 20)},
        {"totp": ""},
    ],
    ids=["another password", "no password", "another app", "no app"],
)
def test_a_login_ends_when_what_it_began_with_is_replaced(reception, fields):
    found = login(reception)
    assert reception.credential_counts(found)
    change(reception, **fields)
    assert not reception.credential_counts(found)


def test_a_key_that_is_revoked_ends_its_logins_and_no_others(reception):
    key = administrators.make_key(reception.roll.store, "alice", now=time.time())
    reception.roll.look_again()
    by_key = login(reception, name="", password="", key=key)
    by_password = login(reception, code=code(1))
    administrators.revoke_keys(reception.roll.store, "alice")
    reception.roll.look_again()
    assert not reception.credential_counts(by_key)
    assert reception.credential_counts(by_password)


def test_who_is_removed_and_added_anew_has_no_old_login(reception):
    found = login(reception)
    administrators.remove(reception.roll.store, "alice")
    administrators.add(reception.roll.store, "alice", ("operator",), now=time.time())
    change(reception, password=hashed(PASSWORD), totp=totp.seal(SEALER, "alice", SECRET))
    assert not reception.credential_counts(found)


def test_tries_at_the_same_time_are_slowed_down_as_those_one_after_another(reception):
    """Before, all of them were let in to the slow check, whatever became of the first."""
    tried = []

    async def guess(number):
        said = Said("alice", f"wrong horse {number:09}", "", "000000")
        try:
            await reception.by_code(f"10.0.0.{number}", said, cookie=False)
        except ProblemError as error:
            tried.append(error.status)

    async def all_at_once():
        await asyncio.gather(*map(guess, range(10)))

    asyncio.run(all_at_once())
    assert tried.count(401) <= FREE["account"] + 2  # two are checked at a time
    assert tried.count(429) == 10 - tried.count(401)
