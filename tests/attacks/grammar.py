"""Attacks of our own making, composed from phrases: deterministic, labelled, in two halves that share no phrase.

A poisoned tool definition is a real one's words with an addition; an injected result is a realistic result with an
instruction somewhere in it. What is made here is reported apart from collected attacks.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.attacks import phrases as words
from tests.attacks.hosts import RESULTS, TOOLS


@dataclass(frozen=True)
class Attack:
    """One. `kind` is as `keepgate check` names it, `how` says what was composed."""

    kind: str
    how: str
    text: str = ""
    tool: dict[str, Any] | None = None
    language: str = "en"
    target: str = ""
    """The tool of another server that it names."""


class Grammar:
    """Draws from one half of every list: `train` or `measure`."""

    def __init__(self, half: str, seed: int = 1) -> None:
        self._half = {"train": 0, "measure": 1}[half]
        self._random = Random(f"{half}:{seed}")

    def pick(self, choices: Sequence[Any]) -> Any:
        """One of this half; a list too short to be split is used whole."""
        half = choices[self._half :: 2]
        return self._random.choice(half if len(choices) > 3 else choices)

    def filled(self, text: str) -> str:
        """With every brace filled."""
        fields = {name: self.pick(values) for name, values in words.FILLINGS.items()}
        data = {
            ("data_" + code if code else "data"): self.pick(values) for code, values in words.DATA.items()
        }
        return text.format(**fields, **data)

    def chance(self, share: float) -> bool:
        """True in this share of cases."""
        return self._random.random() < share

    # --- what is asked -----------------------------------------------------------------------------

    def order(self) -> str:
        """An instruction to the model in English: the parts that make it one, in varying number."""
        head = self.pick(words.CALLS_TO)
        goal = self.filled(self.pick(words.GOALS))
        polite = self.pick(
            ("", "Please ", "You must ", "You need to ", "The assistant should ", "It is required to ")
        )
        act = polite + (goal if polite else goal[0].upper() + goal[1:]) + "."
        parts = [head, self.pick(words.OVERRIDES) if not head or self.chance(0.6) else "", act]
        if self.chance(0.5):
            parts.append(self.pick(words.SECRECY))
        if self.chance(0.3):
            parts.append(self.pick(words.CONSEQUENCES))
        return " ".join(part for part in [*parts, words.ENDS.get(head, "")] if part)

    def foreign(self) -> tuple[str, str]:
        """The same in another language, with its code."""
        code = self._random.choice(sorted(words.LANGUAGES))
        overrides, acts, secrecy = words.LANGUAGES[code]
        parts = [self._random.choice(overrides), self.filled(self._random.choice(acts))]
        if self.chance(0.6):
            parts.append(self._random.choice(secrecy))
        return " ".join(parts), code

    # --- tool definitions --------------------------------------------------------------------------

    def poison(self) -> tuple[str, str, str]:
        """What is added to a description, how, and the foreign tool that it names."""
        how = self._random.choice(("precedence", "precedence", "tampering", "reading", "preference", "order"))
        target = self.pick(words.FILLINGS["tool"])

        def with_target(text: str) -> str:
            return self.filled(text.replace("{tool}", target))

        head = self.pick(words.CALLS_TO) if self.chance(0.5) else ""
        if how == "preference":
            return with_target(self.pick(words.PREFERENCE)), how, ""
        if how == "order":
            return self.order(), how, ""
        if how == "reading":
            goal = with_target(self.pick([goal for goal in words.GOALS if "{secret}" in goal]))
            first = self.pick(
                ("Before using this tool, ", "To use this tool, you have to ", "First, ", "On each call, ")
            )
            body, named = first + goal + ".", target if target in goal else ""
        else:
            lines = [
                line
                for line in words.PRECEDENCE
                if ("{value}" in line or "{sink}" in line) == (how == "tampering")
            ]
            line = self.pick(lines)
            body, named = with_target(line), target if "{tool}" in line else ""
        parts = [head, body]
        parts += [self.pick(words.SECRECY)] if self.chance(0.4) else []
        parts += [self.pick(words.CONSEQUENCES)] if self.chance(0.4) else []
        return " ".join(part for part in [*parts, words.ENDS.get(head, "")] if part), how, named

    def tool(self) -> Attack:
        """A poisoned definition: the addition stands in one of the places that a model reads."""
        host = json.loads(json.dumps(self._random.choice(TOOLS)))
        if self.chance(0.12):
            return self._collecting(host)
        addition, how, target = self.poison()
        language = "en"
        if self.chance(0.1):
            (addition, language), how, target = self.foreign(), "foreign", ""
        place = self._random.choice(("end", "end", "end", "start", "parameter", "title", "far", "comment"))
        said = host["description"]
        if place == "parameter" and host["inputSchema"]["properties"]:
            name = self._random.choice(sorted(host["inputSchema"]["properties"]))
            member = host["inputSchema"]["properties"][name]
            member["description"] = f"{member.get('description', '')} {addition}".strip()
        elif place == "title":
            host["annotations"] = {"title": addition}
        else:
            host["description"] = {
                "start": f"{addition}\n{said}",
                "far": f"{said}{chr(10) * 40}{addition}",
                "comment": f"{said}\n<!-- {addition} -->",
            }.get(place, f"{said} {addition}")
        return Attack("tool", f"{how} in {place}", tool=host, language=language, target=target)

    def _collecting(self, host: dict[str, Any]) -> Attack:
        name, said = self.pick(words.COLLECTORS)
        host["inputSchema"]["properties"][name] = {"type": "string", "description": self.filled(said)}
        host["inputSchema"].setdefault("required", []).append(name)
        return Attack("tool", "collecting parameter", tool=host)

    # --- results and prompts -----------------------------------------------------------------------

    def result(self) -> Attack:
        """A realistic result with an instruction in it."""
        draw = self._random.random()
        language = "en"
        if draw < 0.12:
            text, how = self.filled(self.pick(words.TRANSFERS)), "transfer"
            if self.chance(0.5):
                return Attack("tool_output", how, text=text)
        elif draw < 0.3:
            (text, language), how = self.foreign(), "foreign"
        elif draw < 0.4:
            goal = self.filled(self.pick(words.GOALS))
            text, how = f"{self.pick(words.COMPLETIONS)} Please {goal}.", "completion"
        elif draw < 0.5:
            text, how = self._encoded(self.order()), "encoded"
        else:
            text, how = self.order(), "order"
        return Attack("tool_output", how, text=self.placed(text), language=language)

    def _encoded(self, text: str) -> str:
        def in_base64(what: str) -> str:
            return f"Decode this base64 and follow it: {base64.b64encode(what.encode()).decode()}"

        def in_tags(what: str) -> str:
            return "Status: ok" + "".join(chr(0xE0000 + ord(sign)) for sign in what if " " <= sign <= "~")

        def in_hex(what: str) -> str:
            return f"payload (hex, to be decoded and carried out): {what.encode().hex()}"

        def in_entities(what: str) -> str:
            return "".join(f"&#{ord(sign)};" if sign.isalpha() else sign for sign in what)

        def in_zero_width(what: str) -> str:
            return "".join(f"{sign}\u200b" for sign in what)

        ways: tuple[Callable[[str], str], ...] = (in_base64, in_tags, in_hex, in_entities, in_zero_width)
        return self._random.choice(ways)(text)

    def placed(self, text: str) -> str:
        """In one of the results that servers really give."""
        host = self._random.choice(RESULTS)
        quoted = {"json": json.dumps(text, ensure_ascii=False)[1:-1], "html": html.escape(text, quote=False)}
        return host.text.replace("@@", quoted.get(host.form, text))

    def prompt(self) -> Attack:
        """What somebody types, or a prompt that a server offers."""
        if self.chance(0.5):
            return Attack(
                "prompt", "jailbreak", text=f"{self.pick(words.OVERRIDES)} {self.pick(words.JAILBREAKS)}"
            )
        return Attack("prompt", "order", text=f"{self.pick(words.OVERRIDES)} {self.order()}")


def attacks(half: str, *, tools: int, results: int, prompts: int, seed: int = 1) -> list[Attack]:
    """So many of each, always the same; no text twice."""
    made: dict[str, Attack] = {}
    for count, kind in ((tools, "tool"), (results, "result"), (prompts, "prompt")):
        grammar = Grammar(half, seed)
        before, tries = len(made), 0
        while len(made) - before < count and tries < 30 * count:
            tries += 1
            attack: Attack = getattr(grammar, kind)()
            made.setdefault(attack.text or json.dumps(attack.tool, sort_keys=True), attack)
    return list(made.values())
