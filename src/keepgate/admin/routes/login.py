"""Logging in and out, and adding a passkey by a one-time link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, StringConstraints

from keepgate.admin.access import Identity, Permission
from keepgate.admin.cookie import forget, remember
from keepgate.admin.face import Call
from keepgate.admin.logins import Login
from keepgate.admin.passkeys import Site
from keepgate.admin.place import hostname
from keepgate.admin.reception import Reception, Said
from keepgate.admin.route import OPEN, route, shape

Short = Annotated[str, StringConstraints(max_length=64)]
Secret = Annotated[str, StringConstraints(max_length=1024)]
Kept = Literal["cookie", "token"]
Answer = Annotated[dict[str, Any], Field(max_length=32)]


@shape
@dataclass(frozen=True, slots=True)
class LoginByCode:
    """A key, or a name and a password; and a code."""

    code: Short = ""
    """Of an authenticator app. Needed, unless no second factor is demanded and none was enrolled."""
    key: Secret = ""
    name: Short = ""
    password: Secret = ""
    keep: Kept = "cookie"
    """`token`: for programs, to be sent as `Authorization: Bearer`."""


@shape
@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login."""

    name: str
    roles: tuple[str, ...]
    until: float
    """When it ends if nothing more is done, Unix seconds."""
    csrf: str
    """With a cookie: to be sent as `X-Keepgate-CSRF` with whatever changes something."""
    token: str
    """Empty with a cookie."""


@shape
@dataclass(frozen=True, slots=True)
class PasskeyQuestion:
    """What an authenticator is asked."""

    question: str
    """To be sent back with the answer."""
    options: dict[str, Any]
    """For `navigator.credentials`, as `PublicKeyCredential.parse…FromJSON` takes it."""


@shape
@dataclass(frozen=True, slots=True)
class LoginByPasskey:
    """The answer of an authenticator."""

    question: Short
    credential: Answer
    """`PublicKeyCredential.toJSON()`."""
    keep: Kept = "cookie"


@shape
@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    """Out of the link of `keepgate admin enroll --passkey`."""

    token: Short


@shape
@dataclass(frozen=True, slots=True)
class NewPasskey:
    """The answer of an authenticator to the making of a passkey."""

    token: Short
    question: Short
    credential: Answer
    label: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ._-]{1,64}$")] = "passkey"


@shape
@dataclass(frozen=True, slots=True)
class LoginWays:
    """How one can log in."""

    elsewhere: str
    """Where a login at the identity provider begins; empty if there is none."""


class Ways(Protocol):
    """What the configuration offers."""

    def elsewhere(self) -> bool:
        """Whether there is a provider to log in at."""


@route("GET", "/login", OPEN)
async def list_ways(ways: Ways) -> LoginWays:
    """How one can log in."""
    return LoginWays("/admin/oidc" if ways.elsewhere() else "")


@route("POST", "/login", OPEN, private=True, problems=(401, 409))
async def log_in(reception: Reception, call: Call, body: LoginByCode) -> LoggedIn:
    """Log in by a key or password, with a code."""
    said = Said(body.name, body.password, body.key, body.code)
    token, login = await reception.by_code(source(call), said, cookie=body.keep == "cookie")
    return _logged_in(reception, call, token, login)


@route("POST", "/login/passkey/question", OPEN, problems=(409,))
async def ask_passkey(reception: Reception, call: Call) -> PasskeyQuestion:
    """What to ask a passkey."""
    return PasskeyQuestion(*reception.passkeys.ask(site(call)))


@route("POST", "/login/passkey", OPEN, private=True, problems=(401, 409))
async def log_in_by_passkey(reception: Reception, call: Call, body: LoginByPasskey) -> LoggedIn:
    """Log in by a passkey."""
    token, login = await reception.by_passkey(
        site(call), source(call), body.question, body.credential, cookie=body.keep == "cookie"
    )
    return _logged_in(reception, call, token, login)


@route("DELETE", "/login", Permission.OWN, status=204)
async def log_out(reception: Reception, who: Identity, call: Call) -> None:
    """End this login."""
    reception.logins.end(who.session)
    call.add_header("Set-Cookie", forget(call.origin))


@route("POST", "/enrolment/question", OPEN, private=True, problems=(401, 409))
async def ask_enrolment(reception: Reception, call: Call, body: EnrolmentToken) -> PasskeyQuestion:
    """What a new passkey is made with."""
    return PasskeyQuestion(*reception.ask_enrolment(site(call), source(call), body.token))


@route("POST", "/enrolment", OPEN, private=True, status=204, problems=(401, 409))
async def enroll(reception: Reception, call: Call, body: NewPasskey) -> None:
    """Add a passkey."""
    await reception.enroll(site(call), source(call), body.token, body.question, body.credential, body.label)


def source(call: Call) -> str:
    """Whom to count failures against."""
    return call.request.client.host if call.request.client else ""


def site(call: Call) -> Site:
    """Whose passkeys they are."""
    return Site(hostname(call.request.headers.get("host", "").lower()), call.origin)


def _logged_in(reception: Reception, call: Call, token: str, login: Login) -> LoggedIn:
    call.who = f"admin:{login.name}"
    if login.cookie:
        call.add_header("Set-Cookie", remember(call.origin, token))
    roles = login.roles
    if not roles:
        found = reception.roll.get(login.name)
        roles = found.roles if found is not None else ()
    until = reception.logins.until(login)
    return LoggedIn(login.name, roles, until, login.csrf, "" if login.cookie else token)
