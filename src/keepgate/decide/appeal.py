"""What a person is shown who decides on a request: keepgate's words and outsiders' text that cannot pass for them.

Whatever comes from outside is escaped until it is one line of visible characters; letters that only look like ASCII are
written as escapes where they could be taken for it. The arguments stand behind `|`, indented as code, so that neither a
terminal nor a renderer of Markdown acts on them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import orjson

from keepgate.detect.confusables import SIGNS
from keepgate.detect.fold import INVISIBLE
from keepgate.model.approval import Pending, Wanted

LINE: Final = 120
"""Characters of one line of arguments."""
SHORT: Final = 300
"""Characters of a name or a reason."""
MOST: Final = 4000
"""Characters of a question that goes into a form: nobody reads more there, and what was cut nobody can judge."""
_LOOKALIKES: Final = frozenset(SIGNS)


def plain(text: str, limit: int) -> str:
    """The text in one line of visible characters, cut to `limit` of its own."""
    cut = text[:limit]
    alike = _lookalikes(cut) if not cut.isascii() else frozenset()
    shown = "".join(
        sign if _visible(sign) and at not in alike else sign.encode("unicode_escape").decode()
        for at, sign in enumerate(cut)
    )
    return shown + ("…" if len(text) > limit else "")


def _visible(sign: str) -> bool:
    if sign.isascii():
        return sign.isprintable()
    return (
        sign.isprintable()
        and ord(sign) not in INVISIBLE
        and unicodedata.category(sign) not in ("Mn", "Me", "Lm", "Sk")
        and unicodedata.normalize("NFKC", sign) == sign
    )


def _lookalikes(text: str) -> frozenset[int]:
    """Places of letters that pass for ASCII: in words in which nothing else shows what they are."""
    found: set[int] = set()
    for start, word in _words(text):
        alike = {start + at for at, sign in enumerate(word) if sign in _LOOKALIKES}
        if alike and all(sign.isascii() or sign in _LOOKALIKES for sign in word):
            found |= alike
    return frozenset(found)


def _words(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for at, sign in enumerate(f"{text} "):
        if not sign.isalnum():
            if at > start:
                yield start, text[start:at]
            start = at + 1


def head(one: Pending, now: float) -> list[str]:
    """Who asks for what and why, a line each."""
    wanted = one.wanted
    said = {
        "approval": f"{one.id}, {one.state}, {max(one.expires - now, 0):.0f} s left",
        "asked by": f"{wanted.principal} (program calls itself {wanted.client or 'nothing'})",
        "to": f"{wanted.action} {wanted.server}/{wanted.name}",
        "because": wanted.reason or "a policy asks",
        "risk": "; ".join(wanted.risk) or "nothing known",
        "rules": ", ".join(wanted.rules) or "none",
        "decision": wanted.trace,
    }
    return [f"{key + ':':10} {plain(text, SHORT)}" for key, text in said.items()]


def arguments(wanted: Wanted) -> list[str]:
    """All that is asked for, behind a line that says whose words follow."""
    body = orjson.dumps(wanted.params, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    lines = [f"arguments, {len(body)} characters, everything after `|` is the caller's:"]
    for line in body.split("\n"):
        shown = plain(line, len(line))
        lines += [f"    | {shown[at : at + LINE]}" for at in range(0, len(shown), LINE)]
    return lines


def question(one: Pending, now: float) -> str:
    """The text of a form; empty for what does not fit into one whole: that has to be looked at elsewhere."""
    wanted = one.wanted
    if max(map(len, (wanted.name, wanted.client, wanted.reason, wanted.principal))) > SHORT // 2:
        return ""
    wanted_lines = [line for line in head(one, now) if not line.startswith(("rules:", "decision:"))]
    lines = ["keepgate asks you: may this one request pass?", *wanted_lines, *arguments(wanted)]
    text = "\n".join(lines)
    return text if len(text) <= MOST else ""
