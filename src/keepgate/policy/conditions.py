"""Conditions of a role's entries (`when:`), and the Cedar text they compile to.

A condition is about facts, and a fact can be missing. So each test says what holds then: under `allow` it has failed,
under `ask` and `deny` it has been met. An argument can have several values: `allow` wants the test to hold for every
one, for `ask` and `deny` any one is enough. A call is never better off for what it says besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from keepgate.policy.cedar import literal

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Trust = Literal["untrusted", "reviewed", "trusted"]
Data = Literal["public", "internal", "confidential", "restricted"]

Number = int | float


@dataclass(frozen=True, slots=True)
class Argument:
    """Tests on one argument: all must hold. Under `allow` each for every value that it has, else for any of them."""

    below: str = ""
    """A directory that the path must not leave."""
    one_of: tuple[str, ...] = ()
    """Texts that may stand here."""
    domains: tuple[str, ...] = ()
    """Registrable domains to which every URL or e-mail address must belong."""
    hosts: tuple[str, ...] = ()
    """Hosts to which every URL or e-mail address must belong."""
    statements: tuple[str, ...] = ()
    """Kinds of SQL statements: `select`, `insert`. Needs the extra `sql`."""
    at_most: Number | None = None
    """The largest number."""
    at_least: Number | None = None
    """The smallest number."""
    above: Number | None = None
    """More than this number."""
    items: int | None = None
    """The largest count of values in a list."""
    length: int | None = None
    """The largest length of a text, in characters."""
    absent: bool | None = None
    """Whether a call without this argument meets the condition. Without this key: not for `allow`, else it does."""


@dataclass(frozen=True, slots=True)
class When:
    """What must hold for an entry to count; all of it."""

    arguments: Mapping[str, Argument] = field(default_factory=dict)
    """Tests by argument: `path`, or `payment.amount` inside of objects; the `uri` of a resource."""
    hours: str = ""
    """Time of day in the configured zone, the end not included: `09:00-17:00`."""
    days: tuple[Weekday, ...] = ()
    """Days of the week."""
    acr: tuple[str, ...] = ()
    """Levels of login of which one must have been reached."""
    login_age: int | None = None
    """Seconds since the login, at most."""
    delegated: bool | None = None
    """Whether somebody acts for the user."""
    trust: tuple[Trust, ...] = ()
    """Of the server, as configured."""
    data: tuple[Data, ...] = ()
    """Classification of what the server holds, as configured."""
    read_only: bool | None = None
    """Of the tool, as configured; never what it says of itself."""
    destructive: bool | None = None
    """The same."""
    open_world: bool | None = None
    """The same."""
    flow: tuple[str, ...] = ()
    """Labels that are all on the flow: `private`, `untrusted:github`."""
    carries: tuple[str, ...] = ()
    """Labels of which the arguments repeat something that another server returned: `private:crm`."""
    sink: bool | None = None
    """Whether the call leads outside."""


def terms(when: When, *, closed: bool) -> Iterator[str]:
    """The Cedar terms whose conjunction is the condition; `closed`: what cannot be told fails, else it is met.

    Raises ValueError, saying what is wrong.
    """
    for name, argument in sorted(when.arguments.items()):
        yield _argument(name, argument, closed=closed)
    yield from _of_the_caller(when, closed=closed)
    yield from _of_the_resource(when)
    yield from _of_the_flow(when, closed=closed)


def _of_the_caller(when: When, *, closed: bool) -> Iterator[str]:
    if when.hours:
        yield _hours(when.hours)
    if when.days:
        yield f"{_list(when.days)}.contains(context.time.weekday)"
    if when.acr:
        yield f"{_list(when.acr)}.contains(context.auth.acr)"
    if when.login_age is not None:
        recent = f"context.auth.age <= {_long(when.login_age)}"
        yield _if("context.auth has age", recent, closed=closed)
    if when.delegated is not None:
        yield f"{'!' if when.delegated else ''}context.auth.actors.isEmpty()"


def _of_the_resource(when: When) -> Iterator[str]:
    if when.trust:
        yield f"{_list(when.trust)}.contains(resource.provider.trust)"
    if when.data:
        yield f"{_list(when.data)}.contains(resource.provider.data)"
    for effect in ("read_only", "destructive", "open_world"):
        wanted = getattr(when, effect)
        if wanted is not None:
            yield f"resource is Tool && resource.{effect} == {str(wanted).lower()}"


def _of_the_flow(when: When, *, closed: bool) -> Iterator[str]:
    if when.flow:
        yield f"context.flow.labels.containsAll({_list(when.flow)})"
    if when.carries:
        unknown = "" if closed else f", {literal('unknown')}"
        yield f"context.flow.values.containsAny({_list(when.carries)[:-1]}{unknown}])"
    if when.sink is not None:
        yield f"{'' if when.sink else '!'}context.flow.sink"


def _argument(name: str, given: Argument, *, closed: bool) -> str:
    tests = list(_tests(given, closed=closed))
    if not tests:
        raise ValueError(f"nothing is demanded of the argument `{name}`")
    about = f"context.facts[{literal(name)}]"
    each = " && ".join(
        f"({_if(f'{about} has {fact}', test.replace('FACT', f'{about}.{fact}'), closed=closed)})"
        for fact, test in tests
    )
    absent = given.absent if given.absent is not None else not closed
    return f"if context.facts has {literal(name)} then {each} else {str(absent).lower()}"


def _tests(given: Argument, *, closed: bool) -> Iterator[tuple[str, str]]:
    """Fact and Cedar test, `FACT` standing for the fact: about every value if `closed`, else about any."""
    if given.below:
        yield "within" if closed else "around", f"FACT.contains({literal(_root(given.below))})"
    held = "containsAll" if closed else "containsAny"
    for fact, words in (
        ("texts", given.one_of),
        ("domains", tuple(map(str.lower, given.domains))),
        ("hosts", tuple(map(str.lower, given.hosts))),
        ("statements", tuple(map(str.lower, given.statements))),
    ):
        if words:
            yield fact, f"{_list(words)}.{held}(FACT)"
    low, high = ("least", "most") if closed else ("most", "least")
    if given.at_most is not None:
        yield high, f"FACT.lessThanOrEqual({_decimal(given.at_most)})"
    if given.at_least is not None:
        yield low, f"FACT.greaterThanOrEqual({_decimal(given.at_least)})"
    if given.above is not None:
        yield low, f"FACT.greaterThan({_decimal(given.above)})"
    if given.items is not None:
        yield "items", f"FACT <= {_long(given.items)}"
    if given.length is not None:
        yield "length" if closed else "shortest", f"FACT <= {_long(given.length)}"


def _if(known: str, test: str, *, closed: bool) -> str:
    return f"if {known} then {test} else {'false' if closed else 'true'}"


def _root(text: str) -> str:
    from keepgate.policy.facts.paths import normal
    from keepgate.policy.facts.values import Unclear

    try:
        root = normal(text)
    except Unclear:
        root = ""
    if not root or text.startswith("~"):
        raise ValueError(f"`below: {text}` is no directory: write it without `~` and `..`")
    return root


def _hours(text: str) -> str:
    try:
        first, last = (_minutes(each) for each in text.split("-"))
    except ValueError:
        raise ValueError(f"`hours: {text}` is no span of time: write `09:00-17:00`") from None
    now = "context.time.hour * 60 + context.time.minute"
    start, end = f"{now} >= {first}", f"{now} < {last}"
    return f"{start} && {end}" if first < last else f"({start} || {end})"


def _minutes(text: str) -> int:
    hour, minute = text.strip().split(":")
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(minute) == 2):
        raise ValueError
    found = int(hour) * 60 + int(minute)
    if not (int(minute) < 60 and 0 <= found <= 24 * 60):
        raise ValueError
    return found


def _decimal(number: Number) -> str:
    exact = Decimal(str(number))
    if not exact.is_finite() or abs(exact) * 10_000 >= 2**63 or exact != round(exact, 4):
        raise ValueError(f"`{number}` has more than four digits after the point, or is too large")
    return f'decimal("{exact:.4f}")'


def _long(number: int) -> int:
    if not 0 <= number < 2**63:
        raise ValueError(f"`{number}` is not a number that can be counted to")
    return number


def _list(words: tuple[str, ...]) -> str:
    return f"[{', '.join(literal(word) for word in sorted(set(words)))}]"
