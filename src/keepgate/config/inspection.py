"""The guards that look at logins, values and texts, as the configuration asks for them.

Imported only where a gateway is built: the matchers that come with it take a while to load and to compile.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from keepgate.config.sections.inspection import Families
from keepgate.config.settings import Document
from keepgate.decide.chain import Guard
from keepgate.decide.guards.assurance import Assurance, Demand
from keepgate.decide.guards.content import PROFILES, Action, Content, Table
from keepgate.decide.guards.schema import Posture, SchemaRules, Schemas
from keepgate.detect.detector import Detector, PatternDetector
from keepgate.detect.instructions import InstructionDetector
from keepgate.detect.model import Model
from keepgate.detect.packs import PackDetector, parse
from keepgate.detect.rules import PHRASES, RULES
from keepgate.detect.weights import BIAS, SCALE, WEIGHTS
from keepgate.model.errors import LocalError
from keepgate.policy.pattern import Pattern

_AS_THE_PROFILE: Final = Families()


def guards_of(document: Document) -> tuple[Guard, ...]:
    """In their order in the chain. Raises LocalError for a rule that cannot be used."""
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
    content = content_guard_of(document)
    if content is not None:
        guards.append(content)
    return tuple(guards)


def content_guard_of(document: Document) -> Content | None:
    """The guard that looks at texts, None where the configuration does without. Raises LocalError."""
    content = document.content
    if not content.inspect:
        return None
    return content_guard(content.profile, content.arguments, content.results)


def content_guard(
    profile: str, arguments: Families = _AS_THE_PROFILE, results: Families = _AS_THE_PROFILE
) -> Content:
    """The guard over all detectors in a profile, as the gateway uses it and `keepgate check`. Raises LocalError."""
    if profile not in PROFILES:
        raise LocalError("profile", f"`{profile[:40]}` is no profile: use {', '.join(PROFILES)}")
    to_server, to_client = PROFILES[profile]
    return Content(detectors(), _table(to_server, arguments), _table(to_client, results))


def detectors(engine: str = "auto") -> tuple[Detector, ...]:
    """All of them, as the gateway and the scanner use them. Raises LocalError for a rule that cannot be used."""
    pack = PackDetector(parse(_pack(), "secrets.toml"))
    known = {rule.id for rule in pack.rules}
    patterns = PatternDetector([rule for rule in RULES if rule.id not in known], engine=engine)
    return (patterns, pack, InstructionDetector(PHRASES, (patterns, pack), Model.of(WEIGHTS, SCALE, BIAS)))


def _pack() -> str:
    return resources.files("keepgate.detect.packs").joinpath("secrets.toml").read_text(encoding="utf-8")


def _table(table: Table, families: Families) -> Table:
    given = {"secret": families.secrets, "personal": families.personal, "attack": families.attacks}
    for family, action in given.items():
        if action is not None:
            table = table.with_(family, Action[action.upper()])
    return table
