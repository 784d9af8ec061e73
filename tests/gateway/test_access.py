"""Who is let in, with keys and tokens side by side; and that nothing falls back to anything."""

import asyncio
from types import SimpleNamespace

import pytest

from keepgate.gateway.access import MAX_WAITING, MAX_WAITING_EACH, Gatekeeper
from keepgate.gateway.enforce import Enforcer, Rules
from keepgate.gateway.gather import Meters
from keepgate.gateway.settings import Limits
from keepgate.model.access import ANONYMOUS, Authentication, Principal
from keepgate.model.errors import AuthenticationError, RemoteError
from tests.gateway.lab import MemoryLog

KEY = "kg_abcdefgh_" + "x" * 43
ALICE = Principal("oauth:corp/alice/cursor", "oauth", user="alice", client="cursor")


class Keys:
    def authenticate(self, presented):
        return Principal("key:cursor", "key") if presented == KEY else None

    def live(self, principal):
        return True


class Tokens:
    """ports.AccessTokens: `known` at once, `asked` after a question, nothing else."""

    scopes = frozenset(["mcp", "more"])

    def remembered(self, request):
        return request.notes.get("token")

    def recognise(self, request, scheme, token):
        if token == "asked":
            return None
        return self._judge(scheme, token, "known")

    async def verify(self, request, scheme, token):
        await asyncio.sleep(0)
        return self._judge(scheme, token, "asked")

    def _judge(self, scheme, token, good):
        if token != good or scheme != "bearer":
            raise AuthenticationError("no", 'Bearer error="invalid_token"', "the private cause")
        return ALICE

    def challenge(self, path, *, error=""):
        return f"Bearer {error or 'where'} {path}"


WORKLOAD = Principal("cert:spiffe://example.org/a", "cert", client="spiffe://example.org/a")


class Certificates:
    def authenticate(self, certificate):
        if certificate != b"good":
            raise AuthenticationError("names nobody", "Bearer")
        return WORKLOAD


def gatekeeper(*, anonymous=False, tokens=None, certificates=None):
    log = MemoryLog()
    meters = Meters(Limits(), lambda: 0.0)
    enforcer = Enforcer(Rules((), "p"), log, meters, lambda: 0)
    return Gatekeeper(Keys(), enforcer, anonymous=anonymous, tokens=tokens, certificates=certificates), log


def request(authorization=None, query="", certificate=b"", peer="192.0.2.9"):
    headers = {} if authorization is None else {"authorization": authorization}
    return SimpleNamespace(
        method="POST",
        path="/mcp",
        query=query,
        headers=headers,
        notes={},
        body=b"",
        peer=peer,
        certificate=certificate,
    )


def refusal(keeper, at):
    with pytest.raises(RemoteError) as caught:
        found = keeper.authenticate(at)
        if found is None:
            asyncio.run(keeper.ask(at))
    return caught.value


@pytest.mark.parametrize("tokens", [None, Tokens()])
def test_a_key_opens_with_and_without_issuers(tokens):
    keeper, _ = gatekeeper(tokens=tokens)
    assert keeper.authenticate(request(f"Bearer {KEY}")).id == "key:cursor"
    assert keeper.authenticate(request(f"bearer  {KEY} ")).id == "key:cursor"


def test_a_token_opens_at_once_or_after_a_question():
    keeper, _ = gatekeeper(tokens=Tokens())
    assert keeper.authenticate(request("Bearer known")) is ALICE
    at = request("Bearer asked")
    assert keeper.authenticate(at) is None
    assert asyncio.run(keeper.ask(at)) is ALICE


BAD = {
    "wrong key": f"Bearer {KEY[:-1]}y",
    "key by another scheme": f"DPoP {KEY}",
    "key as a password": "Basic YTpi",
    "key without a scheme": KEY,
    "wrong token": "Bearer unknown",
    "token by another scheme": "DPoP known",
    "unknown scheme": "Negotiate known",
    "no token": "Bearer",
    "only a blank": "Bearer ",
    "nothing": "",
    "two tokens": "Bearer known, Bearer known",
}


@pytest.mark.parametrize("tokens", [None, Tokens()], ids=["keys", "tokens"])
@pytest.mark.parametrize("authorization", BAD.values(), ids=BAD)
def test_a_credential_that_does_not_open_is_401_and_nobody_even_where_anybody_is_let_in(
    authorization, tokens
):
    keeper, log = gatekeeper(anonymous=True, tokens=tokens)
    error = refusal(keeper, request(authorization))
    assert error.status == 401
    assert error.challenge
    (entry,) = log.entries
    assert (entry.method, entry.effect) == ("auth.failed", "deny")
    assert "192.0.2.9" in entry.reason


def test_without_a_credential_nobody_is_anonymous_unless_that_is_on():
    error = refusal(gatekeeper(tokens=Tokens())[0], request())
    assert (error.status, error.challenge) == (401, "Bearer where /mcp")
    assert refusal(gatekeeper()[0], request()).challenge == "Bearer"
    assert gatekeeper(anonymous=True, tokens=Tokens())[0].authenticate(request()) is ANONYMOUS


@pytest.mark.parametrize("query", ["access_token=known", "a=b&access_token=known"])
@pytest.mark.parametrize("tokens", [None, Tokens()], ids=["keys", "tokens"])
def test_a_token_in_the_query_is_refused_even_where_anybody_is_let_in(query, tokens):
    keeper, log = gatekeeper(anonymous=True, tokens=tokens)
    assert refusal(keeper, request(query=query)).status == 401
    assert "known" not in str(log.entries)


def test_who_guesses_is_slowed_down_and_the_log_is_not_filled():
    keeper, log = gatekeeper(tokens=Tokens())
    errors = [refusal(keeper, request("Bearer unknown")) for _ in range(120)]
    assert [error.status for error in errors] == [401] * 100 + [429] * 20
    assert errors[-1].retry_after > 0
    assert len(log.entries) == 100
    assert keeper.authenticate(request("Bearer known")) is ALICE


def test_the_private_cause_is_sealed_not_shown():
    keeper, log = gatekeeper(tokens=Tokens())
    error = refusal(keeper, request("Bearer unknown"))
    assert "private cause" not in error.public + error.challenge + log.entries[0].reason
    assert log.entries[0].private == "the private cause"


def test_questions_are_bounded():
    async def work():
        keeper, _ = gatekeeper(tokens=Tokens())
        found = await asyncio.gather(
            *(keeper.ask(request("Bearer asked", peer=f"{n % 200}")) for n in range(MAX_WAITING + 5)),
            return_exceptions=True,
        )
        assert sum(each is ALICE for each in found) == MAX_WAITING
        assert {each.status for each in found if each is not ALICE} == {503}
        assert await keeper.ask(request("Bearer asked")) is ALICE

    asyncio.run(work())


def test_one_address_does_not_keep_the_others_from_being_asked_about():
    async def work():
        keeper, _ = gatekeeper(tokens=Tokens())
        flood = [keeper.ask(request("Bearer asked", peer="attacker")) for _ in range(500)]
        found = await asyncio.gather(*flood, keeper.ask(request("Bearer asked")), return_exceptions=True)
        assert found[-1] is ALICE
        assert sum(each is ALICE for each in found[:-1]) == MAX_WAITING_EACH

    asyncio.run(work())


def test_who_guesses_has_one_question_at_a_time():
    async def work():
        keeper, _ = gatekeeper(tokens=Tokens())
        for _ in range(110):
            refusal_of = keeper.authenticate
            with pytest.raises(RemoteError):
                refusal_of(request("Bearer unknown", peer="attacker"))
        flood = [keeper.ask(request("Bearer asked", peer="attacker")) for _ in range(5)]
        found = await asyncio.gather(*flood, return_exceptions=True)
        assert sum(each is ALICE for each in found) == 1

    asyncio.run(work())


def with_scopes(*scopes):
    auth = Authentication("corp", frozenset(scopes), metadata="https://gate/m")
    return Principal("oauth:corp/alice/cursor", "oauth", user="alice", auth=auth)


@pytest.mark.parametrize(
    "principal",
    [ANONYMOUS, Principal("key:a", "key"), with_scopes("mcp", "more"), with_scopes("more", "x", "mcp")],
)
def test_scopes_concern_tokens_only(principal):
    gatekeeper(tokens=Tokens())[0].check_scopes(principal)


def test_a_token_without_a_scope_is_told_all_that_every_token_needs():
    keeper, log = gatekeeper(tokens=Tokens())
    with pytest.raises(AuthenticationError) as caught:
        keeper.check_scopes(with_scopes("more"))
    assert caught.value.status == 403
    assert caught.value.challenge == (
        'Bearer error="insufficient_scope", scope="mcp more", resource_metadata="https://gate/m"'
    )
    assert [(entry.method, entry.effect) for entry in log.entries] == [("auth.scope", "deny")]


def test_a_certificate_opens_where_nothing_else_is_shown():
    keeper, log = gatekeeper(tokens=Tokens(), certificates=Certificates())
    assert keeper.authenticate(request(certificate=b"good")) is WORKLOAD
    assert keeper.authenticate(request("Bearer known", certificate=b"good")) is ALICE
    assert keeper.authenticate(request(f"Bearer {KEY}", certificate=b"good")).id == "key:cursor"
    for authorization in BAD.values():
        assert refusal(keeper, request(authorization, certificate=b"good")).status == 401
    assert refusal(keeper, request(query="access_token=known", certificate=b"good")).status == 401
    keeper.check_scopes(WORKLOAD)
    assert set(log.methods()) == {"auth.failed"}


def test_a_certificate_that_names_nobody_is_401_even_where_anybody_is_let_in():
    keeper, log = gatekeeper(anonymous=True, certificates=Certificates())
    assert refusal(keeper, request(certificate=b"bad")).status == 401
    assert log.methods() == ["auth.failed"]
    assert keeper.authenticate(request()) is ANONYMOUS


def test_certificates_that_were_not_asked_for_say_nothing():
    assert refusal(gatekeeper()[0], request(certificate=b"good")).status == 401
