"""What a tool seems to do, by its own definition: our assessment, where the administrator has said nothing.

A definition is an outsider's text. So a name can only make a tool look like one that reads, which narrows what its
arguments may carry, and never like one that reaches nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_READING: Final = frozenset(
    "check count describe diff download explain fetch find get grep head inspect list lookup ls peek ping preview "
    "query read resolve retrieve search select show stat status summarize tail view whoami".split()
)
_WRITING: Final = frozenset(
    "add append apply approve archive assign book buy call cancel close comment commit copy create delete deploy "
    "dispatch drop edit email execute export forward grant import insert invite invoke merge message move notify open "
    "order pay post publish push put register remove rename reply report run save schedule send set share submit "
    "subscribe sync transfer trigger tweet update upload upsert webhook write".split()
)
_PLACES: Final = frozenset(
    "address addresses bcc callback cc channel destination domain email emails endpoint host hostname href inbox link "
    "mail phone proxy recipient recipients server to uri url urls webhook website".split()
)
"""Words of a parameter that says where a call goes."""
_FORMATS: Final = frozenset(
    ("uri", "uri-reference", "iri", "url", "email", "idn-email", "hostname", "ipv4", "ipv6")
)
MOST: Final = 500
"""Parameters that are looked at; a tool with more is not taken for one that reads."""


def seems_to_read(definition: Any, *, said_so: bool = False) -> bool:
    """Whether a tool looks as if it only answered, and always from the same place.

    `said_so`: the administrator says that it changes nothing; where it goes is looked at all the same.
    """
    if not isinstance(definition, dict) or not isinstance(name := definition.get("name"), str):
        return False
    words = list(words_of(name))
    if not said_so and (not _WRITING.isdisjoint(words) or _READING.isdisjoint(words)):
        return False
    parameters = list(_parameters(definition.get("inputSchema"), MOST))
    return len(parameters) < MOST and not any(_is_place(name, schema) for name, schema in parameters)


def words_of(name: str) -> Iterator[str]:
    """The words of an identifier, in lower case: `getPrivateFile`, `get-private-file`."""
    word = ""
    for before, sign in zip(f" {name}", name, strict=False):
        if not sign.isalnum() or (sign.isupper() and not before.isupper()):
            if word:
                yield word
            word = ""
        if sign.isalnum():
            word += sign.lower()
    if word:
        yield word


def _is_place(name: str, schema: Any) -> bool:
    return schema.get("format") in _FORMATS or not _PLACES.isdisjoint(words_of(name))


def _parameters(schema: Any, left: int, depth: int = 8) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named values of a schema, inner ones too; at most `left`, and that many where it is nested deeper than that."""
    if not isinstance(schema, dict):
        return
    if depth == 0:
        yield from [("", {})] * left
        return
    for name, inner in _below(schema):
        if name is not None:
            yield name, inner if isinstance(inner, dict) else {}
            left -= 1
        for each in _parameters(inner, left, depth - 1):
            if left <= 0:
                return
            yield each
            left -= 1


def _below(schema: dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    """Schemas within a schema, with the name of those that are properties."""
    for key in ("items", "additionalProperties"):
        yield None, schema.get(key)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        inner = schema.get(key)
        yield from ((None, each) for each in (inner if isinstance(inner, list) else ()))
    for key in ("$defs", "definitions"):
        inner = schema.get(key)
        yield from ((None, each) for each in (inner.values() if isinstance(inner, dict) else ()))
    properties = schema.get("properties")
    yield from properties.items() if isinstance(properties, dict) else ()
