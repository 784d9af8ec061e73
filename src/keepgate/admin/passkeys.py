"""Passkeys (WebAuthn): a credential of a device that its owner unlocked, so two factors in one.

py_webauthn verifies; here are the challenges: random, for one purpose, for two minutes, used once, and not too many.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from keepgate.admin.problem import ProblemError
from keepgate.model.administrator import Passkey

SECONDS: Final = 120.0
MOST: Final = 1000
MAX_PASSKEYS: Final = 10

_REFUSED: Final = "the passkey is not known here, or its answer does not fit the question"


@dataclass(frozen=True, slots=True)
class Site:
    """Whose passkeys they are: the host name and the origin of the face's pages, for one request."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class _Challenge:
    value: bytes
    purpose: str
    until: float


class Passkeys:
    """Questions to authenticators and their answers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._now = clock
        self._challenges: dict[str, _Challenge] = {}

    def ask_new(self, site: Site, name: str, known: tuple[Passkey, ...]) -> tuple[str, dict[str, Any]]:
        """For a new passkey of `name`: the id of the question, and what `navigator.credentials.create` takes."""
        library = _library()
        structs = library.helpers.structs
        question, value = self._challenge(f"new {name}")
        options = library.generate_registration_options(
            rp_id=site.host,
            rp_name="keepgate",
            user_id=sha256(b"keepgate administrator " + name.encode()).digest(),
            user_name=name,
            challenge=value,
            timeout=int(SECONDS * 1000),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=_bytes(each.id)) for each in known],
        )
        return question, orjson.loads(library.options_to_json(options))

    def new(self, site: Site, name: str, question: str, answer: Mapping[str, Any], label: str) -> Passkey:
        """The passkey that was made for a question of `ask_new`. Raises ProblemError (401)."""
        library = _library()
        challenge = self._take(question, f"new {name}")
        try:
            made = library.verify_registration_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except _errors() as error:
            raise ProblemError(401, "passkey", _REFUSED, str(error)) from error
        return Passkey(
            _text(made.credential_id), _text(made.credential_public_key), made.sign_count, label, self._now()
        )

    def ask(self, site: Site) -> tuple[str, dict[str, Any]]:
        """For a login, whoever it may be: the id of the question, and what `navigator.credentials.get` takes."""
        library = _library()
        question, value = self._challenge("login")
        options = library.generate_authentication_options(
            rp_id=site.host,
            challenge=value,
            timeout=int(SECONDS * 1000),
            user_verification=library.helpers.structs.UserVerificationRequirement.REQUIRED,
        )
        return question, orjson.loads(library.options_to_json(options))

    def check(self, site: Site, question: str, answer: Mapping[str, Any], known: Passkey) -> int:
        """The new count of a passkey that answered a question of `ask`. Raises ProblemError (401)."""
        library = _library()
        challenge = self._take(question, "login")
        try:
            done = library.verify_authentication_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=_bytes(known.public_key),
                credential_current_sign_count=known.count,
                require_user_verification=True,
            )
        except _errors() as error:
            raise ProblemError(401, "passkey", _REFUSED, str(error)) from error
        return int(done.new_sign_count)

    def _challenge(self, purpose: str) -> tuple[str, bytes]:
        now = self._now()
        if len(self._challenges) >= MOST:
            self._challenges = {key: each for key, each in self._challenges.items() if each.until > now}
        while len(self._challenges) >= MOST:
            del self._challenges[next(iter(self._challenges))]
        question, value = secrets.token_urlsafe(16), secrets.token_bytes(32)
        self._challenges[question] = _Challenge(value, purpose, now + SECONDS)
        return question, value

    def _take(self, question: str, purpose: str) -> bytes:
        found = self._challenges.pop(question, None)
        if found is None or found.purpose != purpose or found.until <= self._now():
            raise ProblemError(401, "passkey", "this question is not open any more: begin again")
        return found.value


def refused() -> ProblemError:
    """For a passkey that nobody has."""
    return ProblemError(401, "passkey", _REFUSED)


def _library() -> Any:
    try:
        import webauthn
        import webauthn.helpers.structs
    except ImportError:
        raise ProblemError(
            409, "no-passkeys", "passkeys need `keepgate[passkey]` to be installed on the gateway"
        ) from None
    return webauthn


def _errors() -> tuple[type[Exception], ...]:
    """What the library raises on answers that are wrong, and on those that are no answers at all."""
    from webauthn.helpers.exceptions import WebAuthnException

    return (WebAuthnException, ValueError, KeyError, TypeError, IndexError)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
