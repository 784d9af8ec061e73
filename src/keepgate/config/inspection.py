"""The guards that look at logins, values and texts, as the configuration asks for them.

Imported only where a gateway is built: the matchers that come with it take a while to load and to compile.
"""

from __future__ import annotations

from functools import partial
from importlib import resources

from keepgate.config.sections.inspection import Content as ContentSection
from keepgate.config.sections.inspection import Families, ServerContent
from keepgate.config.settings import Document
from keepgate.decide.actions import PROFILES, Action, Book, ServerTerms, Table, Terms
from keepgate.decide.chain import Guard
from keepgate.decide.guards.assurance import Assurance, Demand
from keepgate.decide.guards.content import Content
from keepgate.decide.guards.schema import Posture, SchemaRules, Schemas
from keepgate.detect.detector import Detector, PatternDetector
from keepgate.detect.honeytokens import HoneytokenDetector
from keepgate.detect.instructions import InstructionDetector
from keepgate.detect.model import Model
from keepgate.detect.packs import PackDetector, parse
from keepgate.detect.rules import PHRASES, RULES
from keepgate.detect.weights import BIAS, SCALE, WEIGHTS
from keepgate.model.errors import LocalError
from keepgate.policy.pattern import Pattern


def guards_of(
    document: Document, key: bytes = bytes(16), honeytokens: HoneytokenDetector | None = None
) -> tuple[Guard, ...]:
    """In their order in the chain; `key` makes the marks of texts. Raises LocalError for a rule that cannot be used."""
    guards: list[Guard] = []
    identity = document.identity
    if identity.scopes or identity.step_up:
        demands = [
            Demand(
                tuple(Pattern.parse(text) for text in each.uses),
                frozenset(each.scopes),
                each.acr,
                each.max_age,
            )
            for each in identity.step_up
        ]
        guards.append(Assurance(identity.scopes, demands))
    checks = document.schemas
    if not checks.arguments == checks.results == "ignore":
        guards.append(
            Schemas(SchemaRules(Posture(checks.arguments), Posture(checks.results), Posture(checks.unusable)))
        )
    content = content_guard_of(document, key, honeytokens)
    if content is not None:
        guards.append(content)
    return tuple(guards)


def content_guard_of(
    document: Document, key: bytes = bytes(16), honeytokens: HoneytokenDetector | None = None
) -> Content | None:
    """The guard that looks at texts, None where the configuration does without. Raises LocalError."""
    content = document.content
    if not content.inspect:
        return None
    again = partial(detectors, honeytokens=honeytokens)
    return Content(again(), book_of(content), key=key, again=again)


def content_guard(profile: str) -> Content:
    """The guard over all detectors in a profile, as `keepgate check` uses it. Raises LocalError."""
    if profile not in PROFILES:
        raise LocalError("profile", f"`{profile[:40]}` is no profile: use {', '.join(PROFILES)}")
    return Content(detectors(), *PROFILES[profile])


def book_of(content: ContentSection) -> Book:
    """What follows for every server and tool."""
    to_server, to_client = PROFILES[content.profile]
    terms = _terms(Terms(to_server, to_client), content.arguments, content.results, content.wrap)
    return Book(terms, {name: _server(content, each) for name, each in content.servers.items()})


def _server(content: ContentSection, own: ServerContent) -> ServerTerms:
    to_server, to_client = PROFILES[own.profile or content.profile]
    terms = _terms(Terms(to_server, to_client), content.arguments, content.results, content.wrap)
    terms = _terms(terms, own.arguments, own.results, own.wrap)
    tools = {name: _terms(terms, each.arguments, each.results, each.wrap) for name, each in own.tools.items()}
    return ServerTerms(terms, tools)


def _terms(terms: Terms, arguments: Families, results: Families, wrap: bool | None) -> Terms:  # noqa: FBT001
    return Terms(
        _table(terms.to_server, arguments),
        _table(terms.to_client, results),
        terms.wrap if wrap is None else wrap,
    )


def detectors(engine: str = "auto", honeytokens: HoneytokenDetector | None = None) -> tuple[Detector, ...]:
    """All of them, as the gateway and the scanner use them. Raises LocalError for a rule that cannot be used."""
    pack = PackDetector(parse(_pack(), "secrets.toml"))
    known = {rule.id for rule in pack.rules}
    patterns = PatternDetector([rule for rule in RULES if rule.id not in known], engine=engine)
    own = () if honeytokens is None else (honeytokens,)
    hidden = (patterns, pack, *own)
    return (*hidden, InstructionDetector(PHRASES, hidden, Model.of(WEIGHTS, SCALE, BIAS)))


def _pack() -> str:
    return resources.files("keepgate.detect.packs").joinpath("secrets.toml").read_text(encoding="utf-8")


def _table(table: Table, families: Families) -> Table:
    given = {
        "secret": families.secrets,
        "personal": families.personal,
        "attack": families.attacks,
        "exfil": families.exfil,
        "hidden": families.hidden,
    }
    for family, action in given.items():
        if action is not None:
            table = table.with_(family, Action[action.upper()])
    return table
