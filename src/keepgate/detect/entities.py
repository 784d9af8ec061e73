"""What a tool definition gives away beside its sentences: names of other servers' tools, look-alike names, parameters
that collect what the tool does not need, hints that its own words contradict.

The names of other servers' tools come with the setting. A description that names a tool of another server is the
strongest single sign of poisoning there is; one that names a tool of its own server is ordinary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keepgate.detect.fold import fold, skeleton
from keepgate.detect.lexer import kin
from keepgate.detect.setting import Setting
from keepgate.detect.texts import Place, places
from keepgate.model.finding import Severity
from keepgate.model.message import Json

SHORTEST: Final = 5
"""Signs of a name that is looked for in sentences."""
NAMES: Final = 20_000
"""Names of other servers' tools that are looked for."""
_DEPTH: Final = 4
"""Levels of a schema whose members are known by name."""
_MEMBERS: Final = 500
_MCP03: Final = ("OWASP-MCP03", "SAFE-T1001", "CWE-1427")


@dataclass(frozen=True, slots=True)
class Clue:
    """One sign, with what it weighs among the families of `detect.weigh` and the string it is in."""

    rule: str
    title: str
    family: str
    weight: float
    place: Place
    start: int = 0
    end: int = 0
    taxonomy: tuple[str, ...] = _MCP03
    severity: Severity = Severity.MEDIUM


RULES: Final = (
    ("attack.foreign-tool", "names a tool of another server", "foreign", 4.0, ("OWASP-MCP03", "SAFE-T1008", "CWE-1427")),
    ("attack.look-alike", "has a name made to be taken for another server's tool", "name", 4.0, ("OWASP-MCP03", "SAFE-T1004", "CWE-451")),
    ("attack.collision", "has the same name as another server's tool", "name", 1.0, ("OWASP-MCP03", "SAFE-T1301", "CWE-694")),
    ("attack.collecting-parameter", "a parameter asks for what the tool does not need", "collecting", 3.0, ("OWASP-MCP10", "SAFE-T1910", "CWE-200")),
    ("attack.context-parameter", "a parameter may collect the conversation", "collecting", 1.0, ("OWASP-MCP10", "SAFE-T1910", "CWE-200")),
    ("attack.hint-contradiction", "its hints contradict its words", "hint", 1.0, ("OWASP-MCP03", "SAFE-T1501", "CWE-345")),
)  # fmt: skip
"""Id, title, family, weight, taxonomy."""
_BY_ID: Final = {rule[0]: rule for rule in RULES}

_COLLECTING: Final = frozenset(
    "sidenote sidenotes conversationhistory chathistory conversationcontext fullconversation conversation chatlog "
    "conversationlog previousmessages userconversation systempromptcontent originalsystemprompt llmmodelname "
    "callingmodel callermodel availabletools toollist alltools installedtools othertools usercredentials "
    "environmentvariables envvars sshkey privatekeycontent chainofthought usersystemprompt promptcontext "
    "llmname agentmodel agentname modelthatcalls agentinstructions clientsystemprompt toolnames".split()
)
"""Names of parameters, without separators, that hardly any tool needs."""
_TOGETHER: Final = tuple(
    frozenset(pair.split("+"))
    for pair in "tool+call+history most+recent+tool calling+tool chain+thought chain+thoughts conversation+history "
    "conversation+transcript chat+transcript full+conversation entire+conversation ssh+key "
    "content+id+rsa reading+ssh system+prompt+content all+credentials user+password+hint caller+context "
    "previous+messages+all available+tools other+tools installed+tools tools+list secrets+hint".split()
)
"""Words of a parameter's name that together say what hardly any tool needs."""
_CONTEXT: Final = frozenset(
    "systemprompt messagehistory history memory context notes sessioncontext usercontext".split()
)
_FILLING: Final = frozenset(
    "the a an new best pro official real true safe secure fast better improved updated v1 v2 v3 v4 1 2 3 plus "
    "advanced enhanced trusted verified original my".split()
)
_CHANGING: Final = frozenset(
    "delete remove drop write overwrite create update modify send post upload execute kill terminate transfer "
    "purchase install edit insert append rename move".split()
)


def clues(tool: Mapping[str, Any], setting: Setting, root: tuple[str | int, ...]) -> Iterator[Clue]:
    """Every sign in one definition."""
    listed = list(places(tool, root))
    name = tool.get("name")
    if isinstance(name, str):
        yield from _names(name, setting, Place((*root, "name"), name, is_key=False))
    if setting.others:
        yield from _references(listed, name if isinstance(name, str) else "", setting)
    yield from _parameters(tool, root)
    yield from _hints(tool, root)


def references(text: str, setting: Setting) -> Iterator[Clue]:
    """The names of other servers' tools in a definition that is only a text."""
    if setting.others:
        yield from _references([Place((), text, is_key=False)], "", setting)


def own_names(value: Json, setting: Setting) -> frozenset[bytes]:
    """What a definition may speak of as its own: names with a low line of itself, its members and siblings, and the
    words of its own name."""
    names = [*setting.siblings]
    near: list[str] = []
    if isinstance(value, dict):
        if isinstance(value.get("name"), str):
            names.append(value["name"])
            near += kin(fold(value["name"]))
        for key in ("inputSchema", "outputSchema"):
            names += _members(value.get(key))
    names = [fold(name) for name in names if "_" in name]
    return frozenset(name.encode(errors="replace") for name in (*names, *near))


def _members(schema: Json) -> list[str]:
    """Names of members, to a small depth."""
    out: list[str] = []
    level: list[Json] = [schema]
    for _ in range(_DEPTH):
        deeper: list[Json] = []
        for each in level:
            if isinstance(each, dict):
                properties = each.get("properties")
                if isinstance(properties, dict):
                    out += properties
                    deeper += properties.values()
                deeper.append(each.get("items"))
        level = deeper[:_MEMBERS]
    return out


def _clue(rule: str, place: Place, start: int = 0, end: int = 0) -> Clue:
    name, title, family, weight, taxonomy = _BY_ID[rule]
    return Clue(name, title, family, weight, place, start, end or len(place.text), taxonomy, Severity.MEDIUM)


def parts(name: str) -> tuple[str, ...]:
    """The words of an identifier: `getUserName`, `get_user-name`, `get.user.name` are all get, user, name."""
    out: list[str] = []
    word = ""
    for sign in name:
        if not sign.isalnum():
            out, word = ([*out, word] if word else out), ""
        elif sign.isupper() and word and not word[-1].isupper():
            out, word = [*out, word], sign
        else:
            word += sign
    return tuple(each.lower() for each in ([*out, word] if word else out))


def core(name: str) -> tuple[str, ...]:
    """The words of a name without those that only dress it up."""
    return tuple(word for word in parts(name) if word not in _FILLING)


def distinct(name: str) -> bool:
    """Whether a name in a sentence can only be meant as a name."""
    words = parts(name)
    return len(words) >= 2 and len(name) >= SHORTEST and name.isascii() and " " not in name


def _references(listed: list[Place], own: str, setting: Setting) -> Iterator[Clue]:
    mine = {name.lower() for name in (*setting.siblings, own)}
    wanted: set[str] = set()
    for names in setting.others.values():
        wanted.update(name.lower() for name in names[:NAMES] if distinct(name) and name.lower() not in mine)
        if len(wanted) > NAMES:
            break
    if not wanted:
        return
    for place in listed:
        if place.is_key or place.keys[-1:] == ("name",):
            continue
        for start, end in identifiers(place.text):
            if place.text[start:end].lower() in wanted:
                yield _clue("attack.foreign-tool", place, start, end)
                return


def identifiers(text: str) -> Iterator[tuple[int, int]]:
    """Where words stand that may be names."""
    start = -1
    for at, sign in enumerate(text):
        if sign.isalnum() or sign in "_-.":
            start = at if start < 0 else start
        elif start >= 0:
            yield _trimmed(text, start, at)
            start = -1
    if start >= 0:
        yield _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while end > start and text[end - 1] in "_-.":
        end -= 1
    return start, end


def _names(name: str, setting: Setting, place: Place) -> Iterator[Clue]:
    plain = "".join(parts(skeleton(fold(name))))
    words = core(name)
    collides = False
    for names in setting.others.values():
        for other in names[:NAMES]:
            if other == name:
                collides = collides or distinct(name)
                continue
            theirs = core(other)
            disguised = not name.isascii() and skeleton(fold(name)) == fold(other)
            dressed = len(words) >= 2 and words == theirs and plain != "".join(parts(fold(other)))
            plural = len(words) >= 2 and nearly("".join(words), "".join(theirs))
            if disguised or dressed or plural:
                yield _clue("attack.look-alike", place)
                return
    if collides:
        yield _clue("attack.collision", place)


def nearly(one: str, other: str) -> bool:
    """One letter added, left out or swapped in a long name. Numbered names are not alike."""
    if one.rstrip("0123456789") == other.rstrip("0123456789"):
        return False
    if min(len(one), len(other)) < 10 or abs(len(one) - len(other)) > 1:
        return False
    at = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, rests = one[at:], other[at:]
    return rest[1:] == rests or rest == rests[1:] or (rest[:2] == rests[1::-1] and rest[2:] == rests[2:])


def _parameters(tool: Mapping[str, Any], root: tuple[str | int, ...]) -> Iterator[Clue]:
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return
    for name in properties:
        plain = "".join(parts(name))
        place = Place((*root, "inputSchema", "properties", name), name, is_key=True)
        words = frozenset(parts(name))
        if plain in _COLLECTING or any(together <= words for together in _TOGETHER):
            yield _clue("attack.collecting-parameter", place)
        elif plain in _CONTEXT and _asks(properties[name]):
            yield _clue("attack.context-parameter", place)


def _asks(schema: Json) -> bool:
    told = schema.get("description") if isinstance(schema, dict) else None
    words = told.lower() if isinstance(told, str) else ""
    return any(
        word in words for word in ("conversation", "system prompt", "previous message", "full ", "everything")
    )


def _hints(tool: Mapping[str, Any], root: tuple[str | int, ...]) -> Iterator[Clue]:
    hints, name = tool.get("annotations"), tool.get("name")
    if not isinstance(hints, dict) or not isinstance(name, str):
        return
    changing = bool(_CHANGING.intersection(parts(name)[:1]))
    if changing and (hints.get("readOnlyHint") is True):
        yield _clue("attack.hint-contradiction", Place((*root, "name"), name, is_key=False))
