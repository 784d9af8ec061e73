"""What is shown to a server, and when something else is got."""

import asyncio
import time

import pytest

from keepgate.auth.client.credentials import TokenCredential, UserCredential
from keepgate.auth.client.login import Grant, grant_to
from keepgate.auth.client.token import Client, Token
from keepgate.model.access import Principal
from keepgate.model.errors import LoginNeededError, UpstreamError
from keepgate.ports import Refusal
from tests.auth.client.issuer import AT_SERVER, ISSUER, SERVER, Keep, World, run

ALICE = Principal("key:alice", "key")
REFUSED = Refusal(401, f'Bearer resource_metadata="{AT_SERVER}"')


class Doors:
    def __init__(self):
        self.needed = []

    def need(self, principal, server, challenge, scopes):
        self.needed.append((principal.id, server, challenge, scopes))
        return LoginNeededError(server, "https://gate/login/x", "open https://gate/login/x")

    def pending(self, principal, server):
        return bool(self.needed)


def lasting(access="at-0", seconds=600.0, refresh="", scopes=("crm",)):
    return Token(access, time.time() + seconds, refresh, scopes)


def kept(token):
    return grant_to(Grant(ISSUER, SERVER, Client("c-1"), token), configured=False)


def made(world=None, *, token=None):
    keep, world, doors = Keep(), world or World(), Doors()
    if token is not None:
        keep.put(ALICE.id, "crm", kept(token))
    return UserCredential(ALICE, world.login(keep), keep, doors), keep, doors, world


def test_a_kept_grant_is_shown():
    credential, *_ = made(token=lasting())
    assert credential.lines() is None
    run(credential.renew(None, None))
    assert credential.lines() == b"Authorization: Bearer at-0\r\n"


def test_without_one_nothing_is_shown_once_and_then_a_login_is_asked_for():
    credential, _, doors, _ = made()
    run(credential.renew(None, None))
    assert credential.lines() == b""
    with pytest.raises(LoginNeededError):
        run(credential.renew(b"", REFUSED))
    assert doors.needed[0][2] == {"resource_metadata": AT_SERVER}
    assert credential.lines() is None  # while it waits the server is not asked
    with pytest.raises(LoginNeededError):
        run(credential.renew(None, None))


def test_a_login_in_another_process_is_noticed():
    credential, keep, _, _ = made()
    with pytest.raises(LoginNeededError):
        run(credential.renew(b"", REFUSED))
    keep.put(ALICE.id, "crm", kept(lasting("new")))
    run(credential.renew(None, None))
    assert credential.lines() == b"Authorization: Bearer new\r\n"


def test_an_old_token_is_refreshed_and_the_new_refresh_token_kept():
    credential, keep, _, _ = made(token=lasting(seconds=5, refresh="rt-0"))
    run(credential.renew(None, None))
    assert credential.lines() == b"Authorization: Bearer at-1\r\n"
    assert keep.get(ALICE.id, "crm")["refresh"] == "rt-1"


def test_refreshes_at_the_same_time_are_one():
    credential, _, _, world = made(token=lasting(refresh="rt-0"))

    async def work():
        await credential.renew(None, None)
        used = credential.lines()
        world.asked.clear()
        await asyncio.gather(*(credential.renew(used, Refusal(401)) for _ in range(20)))

    run(work())
    assert len(world.forms()) == 1


def test_a_grant_that_is_refused_is_forgotten_and_asked_for_again():
    world = World()
    world.places[f"{ISSUER}/token"] = (400, {"error": "invalid_grant"})
    credential, keep, _, _ = made(world, token=lasting(seconds=5, refresh="rt-0"))
    with pytest.raises(LoginNeededError):
        run(credential.renew(None, None))
        run(credential.renew(b"", REFUSED))
    assert keep.get(ALICE.id, "crm") is None


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamError("unreachable", "gone"),
        (503, {"error": "temporarily_unavailable"}),
        (500, {}),
        (429, {"error": "slow_down"}),
        (400, {"error": "temporarily_unavailable"}),
    ],
)
def test_an_authorization_server_that_is_away_costs_no_grant(answer):
    world = World()
    world.places[f"{ISSUER}/token"] = answer
    credential, keep, _, _ = made(world, token=lasting(seconds=5, refresh="rt-0"))
    with pytest.raises(UpstreamError):
        run(credential.renew(None, None))
    assert keep.get(ALICE.id, "crm")["refresh"] == "rt-0"


def test_more_scopes_are_asked_for_together_with_those_had_and_not_twice():
    credential, _, doors, _ = made(token=lasting(scopes=("a", "b")))
    run(credential.renew(None, None))
    used = credential.lines()
    with pytest.raises(LoginNeededError):
        run(credential.renew(used, Refusal(403, 'Bearer error="insufficient_scope", scope="c"')))
    assert doors.needed[0][3] == ("a", "b", "c")
    for challenge in (
        'Bearer error="insufficient_scope", scope="b"',
        'Bearer error="insufficient_scope"',
        "",
    ):
        with pytest.raises(UpstreamError, match="refuses what you may do") as caught:
            run(credential.renew(used, Refusal(403, challenge)))
        assert not isinstance(caught.value, LoginNeededError)


def token_credential(until=lambda: float("inf"), first=None, **more):
    obtained = []

    async def obtain(challenge, scopes):
        obtained.append((dict(challenge), scopes))
        return lasting(f"at-{len(obtained)}", **more)

    return TokenCredential("crm", obtain, until, first), obtained


def test_a_token_is_obtained_when_needed_and_again_before_it_ends():
    credential, obtained = token_credential()
    assert credential.lines() is None
    run(credential.renew(None, None))
    assert credential.lines() == b"Authorization: Bearer at-1\r\n"
    ending, _ = token_credential(seconds=5)
    run(ending.renew(None, None))
    assert ending.lines() is None
    assert len(obtained) == 1


def test_a_server_may_say_first_what_it_needs():
    credential, obtained = token_credential(first=b"")
    assert credential.lines() == b""
    run(credential.renew(b"", REFUSED))
    assert credential.lines() == b"Authorization: Bearer at-1\r\n"
    assert obtained[0][0] == {"resource_metadata": AT_SERVER}


def test_a_fresh_token_that_is_refused_is_not_obtained_again():
    credential, obtained = token_credential()
    run(credential.renew(None, None))
    with pytest.raises(UpstreamError, match="refuses the token"):
        run(credential.renew(credential.lines(), Refusal(401)))
    run(credential.renew(credential.lines(), Refusal(403, 'Bearer error="insufficient_scope", scope="x"')))
    assert obtained[-1][1] == ("x",)
    with pytest.raises(UpstreamError, match="refuses the token"):
        run(credential.renew(credential.lines(), Refusal(403, 'Bearer scope="x"')))


def test_an_exchanged_token_ends_with_what_it_was_exchanged_for():
    until = [time.time() + 100]
    credential, _ = token_credential(until=lambda: until[0])
    run(credential.renew(None, None))
    assert credential.lines() is not None
    until[0] = time.time() - 1
    assert credential.lines() is None


def test_tokens_and_secrets_do_not_show():
    assert "at-0" not in repr(lasting())
    assert "s3cr3t" not in repr(Client("a", secret="s3cr3t", key="s3cr3t"))
