"""Local administrators: listed, added, given roles and keys, removed. Nobody changes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

from keepgate.admin.access import Identity, Permission
from keepgate.admin.problem import ProblemError
from keepgate.admin.route import route, shape

AdminName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
RoleName = Literal["viewer", "operator", "approver", "admin", "payloads"]
RoleNames = Annotated[tuple[RoleName, ...], Field(min_length=1, max_length=8)]


@shape
@dataclass(frozen=True, slots=True)
class AdministratorShape:
    """Somebody who may use the admin face: never a secret."""

    name: str
    roles: tuple[str, ...]
    created: float
    keys: int
    password: bool
    totp: bool
    passkeys: int


@shape
@dataclass(frozen=True, slots=True)
class AdministratorList:
    """All of them."""

    administrators: tuple[AdministratorShape, ...]


@shape
@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """Somebody to be added."""

    name: AdminName
    roles: RoleNames


@shape
@dataclass(frozen=True, slots=True)
class AdministratorRoles:
    """What somebody may do from now on."""

    roles: RoleNames


@shape
@dataclass(frozen=True, slots=True)
class MadeAdministrator:
    """An administrator and the first key, which is shown this once."""

    name: str
    key: str


class Administrators(Protocol):
    """The local administrators. All raise LocalError."""

    async def all(self) -> tuple[AdministratorShape, ...]:
        """Everybody."""

    async def add(self, name: str, roles: tuple[str, ...]) -> str:
        """The first key of a new one."""

    async def set_roles(self, name: str, roles: tuple[str, ...]) -> None:
        """Other roles."""

    async def permit_enrolment(self, name: str) -> str:
        """A token with which somebody may add a passkey."""

    def end_logins(self, name: str) -> None:
        """End whatever logins somebody has."""

    async def remove(self, name: str) -> None:
        """Forget somebody: what they have open ends."""


@route("GET", "/administrators", Permission.ADMINISTRATORS_READ, problems=(409,))
async def list_administrators(administrators: Administrators) -> AdministratorList:
    """The local administrators and what they can log in with."""
    return AdministratorList(await administrators.all())


@route("POST", "/administrators", Permission.ADMINISTRATORS_WRITE, status=201, problems=(409,))
async def add_administrator(administrators: Administrators, body: NewAdministrator) -> MadeAdministrator:
    """Add somebody. The first key is in this answer and nowhere else."""
    return MadeAdministrator(body.name, await administrators.add(body.name, body.roles))


@route("PUT", "/administrators/{name}/roles", Permission.ADMINISTRATORS_WRITE, status=204, problems=(409,))
async def set_roles(
    administrators: Administrators, who: Identity, name: AdminName, body: AdministratorRoles
) -> None:
    """Give somebody other roles."""
    _not_oneself(who, name)
    await administrators.set_roles(name, body.roles)


@shape
@dataclass(frozen=True, slots=True)
class EnrolmentLink:
    """For whom it is about: works once, within ten minutes."""

    path: str
    """Below the address of the face."""


@route(
    "POST", "/administrators/{name}/enrolment", Permission.ADMINISTRATORS_WRITE, status=201, problems=(409,)
)
async def permit_enrolment(administrators: Administrators, name: AdminName) -> EnrolmentLink:
    """A link with which somebody adds a passkey."""
    return EnrolmentLink(f"/admin/enroll#{await administrators.permit_enrolment(name)}")


@route("DELETE", "/administrators/{name}/logins", Permission.ADMINISTRATORS_WRITE, status=204)
async def end_logins(administrators: Administrators, name: AdminName) -> None:
    """End whatever logins somebody has."""
    administrators.end_logins(name)


@route("DELETE", "/administrators/{name}", Permission.ADMINISTRATORS_WRITE, status=204, problems=(409,))
async def remove_administrator(administrators: Administrators, who: Identity, name: AdminName) -> None:
    """Forget somebody with all credentials; what they have open ends."""
    _not_oneself(who, name)
    await administrators.remove(name)


def _not_oneself(who: Identity, name: str) -> None:
    if who.name == name:
        raise ProblemError(409, "oneself", "nobody changes their own roles: another administrator does")
