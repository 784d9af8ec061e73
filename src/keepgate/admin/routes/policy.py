"""The policy that is in force: what it says, what is odd about it, why it decides as it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

from keepgate.admin.access import Permission
from keepgate.admin.route import route, shape

Named = Annotated[str, StringConstraints(min_length=1, max_length=512)]


@shape
@dataclass(frozen=True, slots=True)
class RoleShape:
    """A role, as `server/name` patterns."""

    name: str
    description: str
    allow: tuple[str, ...]
    ask: tuple[str, ...]
    deny: tuple[str, ...]


@shape
@dataclass(frozen=True, slots=True)
class GrantShape:
    """Who has a role."""

    to: str
    role: str
    reason: str
    owner: str


@shape
@dataclass(frozen=True, slots=True)
class PolicyShape:
    """The policy in force."""

    hash: str
    """As records name it."""
    roles: tuple[RoleShape, ...]
    grants: tuple[GrantShape, ...]


@shape
@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """Something odd about the policy."""

    place: str
    """In the configuration: `access.roles.analyst.allow.0`."""
    text: str


@shape
@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """What `keepgate policy check` finds."""

    findings: tuple[PolicyFinding, ...]


@shape
@dataclass(frozen=True, slots=True)
class Question:
    """May somebody do something?"""

    principal: Named
    """As a grant names it: `key:cursor`."""
    action: Named
    """`call_tool`, `read_resource`, ..."""
    resource: Named
    """`files/read_file`."""
    also: Annotated[tuple[Named, ...], Field(max_length=32)] = ()
    """What else the principal carries, such as `group:devs`; may be repeated."""


@shape
@dataclass(frozen=True, slots=True)
class RuleSource:
    """A rule that determined the answer."""

    role: str
    verb: Literal["allow", "ask", "deny"]
    pattern: str


@shape
@dataclass(frozen=True, slots=True)
class RoleEffect:
    """What the answer would be with a further role."""

    role: str
    effect: str


@shape
@dataclass(frozen=True, slots=True)
class Why:
    """The answer, where it comes from, and what would change it."""

    effect: Literal["allow", "ask", "deny"]
    reason: str
    rules: tuple[RuleSource, ...]
    grants: tuple[GrantShape, ...]
    """Those that reach the principal."""
    helpful: tuple[RoleEffect, ...]
    """Roles with which a denial would be another answer."""


class Policy(Protocol):
    """The policy of the running gateway."""

    def current(self) -> PolicyShape:
        """As it is in force."""

    async def check(self) -> tuple[PolicyFinding, ...]:
        """What is odd."""

    async def why(self, question: Question) -> Why:
        """Raises ProblemError (409) for a question that makes no sense."""


@route("GET", "/policy", Permission.POLICY_READ)
async def get_policy(policy: Policy) -> PolicyShape:
    """The policy in force."""
    return policy.current()


@route("GET", "/policy/check", Permission.POLICY_READ)
async def check_policy(policy: Policy) -> PolicyCheck:
    """Rules that cannot be meant."""
    return PolicyCheck(await policy.check())


@route("GET", "/policy/why", Permission.POLICY_READ, problems=(409,))
async def why(policy: Policy, query: Question) -> Why:
    """How a request would be decided, and why."""
    return await policy.why(query)
