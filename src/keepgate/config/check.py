"""Checks that need more than one key: what is unsafe or names something that does not exist refuses to start, what is
only odd becomes a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keepgate.config import budgets
from keepgate.config import check_alerts as alerts
from keepgate.config import check_content as content
from keepgate.config import check_identity as identity
from keepgate.config import check_server as server_checks
from keepgate.config.check_identity import Remark
from keepgate.config.explain import suggest
from keepgate.config.settings import Document
from keepgate.config.tree import Path
from keepgate.config.values import is_loopback
from keepgate.policy.conditions import When
from keepgate.policy.pattern import Pattern
from keepgate.policy.roles import VERBS, Entry, observed_roles, pattern_of, rule_id
from keepgate.policy.schema import entity

_AUTHENTICATED: Final = ("anonymous", "key", "local")
"""Kinds of principal that need no issuer of tokens."""


def problems(document: Document) -> Iterator[Remark]:
    """Reasons to refuse the configuration."""
    yield from _exposure(document)
    yield from identity.problems(document)
    yield from _step_up(document)
    yield from _vault(document)
    if document.limits.call_timeout > document.limits.call_maximum:
        yield ("limits", "call_timeout"), "`limits.call_timeout` must not be more than `limits.call_maximum`"
    for name, server in document.servers.items():
        yield from ((("servers", name, *path), text) for path, text in server_checks.problems(server))
    yield from _access(document)
    yield from budgets.problems(document)
    yield from _approvals(document)
    yield from alerts.problems(document)
    yield from content.problems(document)
    yield from _exports(document)
    for number, budget in enumerate(document.budgets):
        for key, patterns in (
            ("uses", enumerate(budget.uses)),
            ("costs", ((each, each) for each in budget.costs)),
        ):
            for place, text in patterns:
                if why := _pattern(text, document):
                    yield ("budgets", number, key, place), why


def _exports(document: Document) -> Iterator[Remark]:
    """Patterns are such. Events go nowhere in plain text, and to nobody who cannot tell who sent them."""
    for number, text in enumerate(document.audit.payloads.drop):
        if why := _pattern(text, document):
            yield ("audit", "payloads", "drop", number), why
    for name, export in document.audit.exports.items():
        where: Path = ("audit", "exports", name, "url")
        parts = urlsplit(export.url)
        if (parts.scheme == "tls") != (export.kind == "syslog"):
            yield where, "must be `tls://host:port` for syslog, and `https://…` for anything else"
        elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield where, "would send events in plain text: use `https`"
        if (export.secret is None) == (export.kind == "webhook"):
            yield (
                ("audit", "exports", name),
                "`secret` signs webhooks: they need it, and nothing else takes it",
            )


def warnings(document: Document) -> Iterator[Remark]:
    """What is allowed but probably not meant."""
    if document.identity.anonymous:
        yield (
            ("identity", "anonymous"),
            "anyone who can connect to this machine's loopback is served without a key",
        )
    yield from identity.warnings(document)
    if document.admin is not None and document.admin.second_factor == "never":
        yield ("admin", "second_factor"), "a stolen key is enough to do everything its owner may"
    for name, server in document.servers.items():
        yield from ((("servers", name, *path), text) for path, text in server_checks.warnings(server))
    yield from observed(document)
    granted = {grant.role for grant in document.access.grants}
    for name, role in document.access.roles.items():
        if name not in granted:
            yield ("access", "roles", name), f"role `{name}` is granted to nobody"
        if not (role.allow or role.ask or role.deny or role.administer):
            yield ("access", "roles", name), f"role `{name}` has no patterns and allows nothing"
    for number, grant in enumerate(document.access.grants):
        kind = grant.to.partition(":")[0]
        where: Path = ("access", "grants", number, "to")
        if kind not in _AUTHENTICATED and not identity.can_name(document, kind):
            yield where, f"`{grant.to}` never matches: {identity.WANTED[kind]}"
        elif kind == "anonymous" and not document.identity.anonymous:
            yield where, "`anonymous` never matches: `identity.anonymous` is off"


def observed(document: Document) -> Iterator[Remark]:
    """What policy does not enforce."""
    said = "is recorded and let through: `mode: enforce` ends it"
    for name, server in document.servers.items():
        if server.mode == "observe":
            yield ("servers", name, "mode"), f"observe mode: what policy refuses on server `{name}` {said}"
    for name in observed_roles(document.access.roles):
        where: Path = ("access", "roles", name, "mode")
        yield where, f"observe mode: what policy refuses to holders of role `{name}` {said}"


def _exposure(document: Document) -> Iterator[Remark]:
    if document.loopback:
        return
    if document.identity.anonymous:
        yield (
            ("identity", "anonymous"),
            "`identity.anonymous` is only for loopback: remove it or `listen` on 127.0.0.1",
        )
    if not document.tls and not document.unsafe_plaintext_behind_proxy:
        yield (
            ("listen",),
            (
                f"`{document.listen}` can be reached from outside and would carry keys in clear: set `tls`, or "
                "`unsafe_plaintext_behind_proxy: true` if a proxy in front terminates TLS"
            ),
        )
    if document.address[0] in ("0.0.0.0", "::") and not document.allowed_hosts:  # noqa: S104 - compared, not bound
        yield (
            ("listen",),
            f"`{document.listen}` listens on every address: name those clients use in `allowed_hosts`",
        )


def _access(document: Document) -> Iterator[Remark]:
    for name, role in document.access.roles.items():
        for verb in VERBS:
            for number, entry in enumerate(getattr(role, verb)):
                if why := _pattern(pattern_of(entry), document) or _condition(name, verb, entry):
                    yield ("access", "roles", name, verb, number), why
    for number, grant in enumerate(document.access.grants):
        if grant.role not in document.access.roles:
            hint = suggest(grant.role, document.access.roles)
            yield ("access", "grants", number, "role"), f"unknown role `{grant.role}`{hint}"
        try:
            entity(grant.to)
        except ValueError as error:
            yield ("access", "grants", number, "to"), str(error)


def _vault(document: Document) -> Iterator[Remark]:
    vault = document.vault
    if vault.key is not None and vault.kms is not None:
        yield (
            ("vault", "key"),
            "with `vault.kms` there is no `vault.key`: an earlier one goes under `previous`",
        )
    for secret in (vault.key, *vault.previous, None if vault.kms is None else vault.kms.token):
        if secret is not None and secret.scheme == "store":
            yield ("vault",), "`store:` is the vault itself: what opens it must be somewhere else"
    url = "" if vault.kms is None else vault.kms.url
    if url.startswith("http:") and not is_loopback(urlsplit(url).hostname or ""):
        yield ("vault", "kms", "url"), "must be https: the keys of the vault would be sent in clear"


def _approvals(document: Document) -> Iterator[Remark]:
    given = document.approvals
    for key, patterns in (("elicit", given.elicit), ("out_of_band", given.out_of_band)):
        for number, text in enumerate(patterns):
            if why := _pattern(text, document):
                yield ("approvals", key, number), why
    url = "" if given.webhook is None else given.webhook.url
    if url.startswith("http:") and not is_loopback(urlsplit(url).hostname or ""):
        yield ("approvals", "webhook", "url"), "must be https: who asks for what would be sent in clear"


def _condition(role: str, verb: str, entry: Entry) -> str:
    """Why a condition cannot be meant, or nothing."""
    if not isinstance(entry, str) and entry.when == When():
        return "`when` demands nothing: remove it, or say what must hold"
    try:
        rule_id(role, verb, entry)
    except ValueError as error:
        return str(error)
    return ""


def _step_up(document: Document) -> Iterator[Remark]:
    for number, demand in enumerate(document.identity.step_up):
        where: Path = ("identity", "step_up", number)
        if not (demand.scopes or demand.acr or demand.max_age):
            yield where, "it demands nothing: name `scopes`, `acr` or `max_age`"
        for place, text in enumerate(demand.uses):
            if why := _pattern(text, document):
                yield (*where, "uses", place), why


def _pattern(text: str, document: Document) -> str:
    """Why a pattern cannot be meant, or nothing."""
    try:
        server = Pattern.parse(text).server
    except ValueError as error:
        return str(error)
    if server.exact is None:
        matches = server.matches_all or any(server.matches(each) for each in document.servers)
        return "" if matches else f"`{text}` matches no server{suggest('', document.servers)}"
    return (
        ""
        if server.exact in document.servers
        else f"unknown server `{server.exact}`{suggest(server.exact, document.servers)}"
    )
