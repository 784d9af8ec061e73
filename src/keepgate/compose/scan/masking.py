"""What a report quotes, without the secrets in it: it goes where the file it speaks of never goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from keepgate.model.scan import Component, ScanFinding
from keepgate.scanner.detection import Detection


class Mask:
    """Takes secrets out of texts: passwords of addresses, and whatever the detectors know as one."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        """A text as it may be shown."""
        if len(text) < 12:
            return text
        shown = self._known.get(text)
        if shown is None:
            shown = self._known[text] = self._secrets(without_passwords(text))
        return shown

    def _secrets(self, text: str) -> str:
        found = self._detection.secrets(text)
        for each in sorted(found, key=lambda each: each.start, reverse=True):
            text = f"{text[: min(each.start + 4, each.end)]}…{text[each.end :]}"
        return text

    def value(self, value: Any) -> Any:
        """A JSON value with all its texts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.value(item) for name, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def findings(self, findings: Iterable[ScanFinding]) -> list[ScanFinding]:
        """Findings with what they quote."""
        return [replace(each, evidence=self.text(each.evidence)) for each in findings]

    def components(self, components: Iterable[Component]) -> list[Component]:
        """Components; only an address can hold a secret."""
        return [
            replace(each, purl=self.text(each.purl), name=self.text(each.name))
            if "://" in each.name
            else each
            for each in components
        ]


def without_passwords(text: str) -> str:
    """Addresses without what stands before their host."""
    out, at = [], 0
    while (start := text.find("://", at)) >= 0:
        start += 3
        end = next((i for i in range(start, len(text)) if text[i] in "/?# \t\n\"'<>"), len(text))
        host = max(
            text.rfind(sign, start, end) + len(sign) for sign in ("@", "%40")
        )  # the latter in package URLs
        user = host > start
        out += [text[at:start], "…@" if user else ""]
        at = host if user else start
    return "".join((*out, text[at:]))
