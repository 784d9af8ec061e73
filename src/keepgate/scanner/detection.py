"""The detectors of the gateway, as the scanner asks them. Made when the first text comes; none is written twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from keepgate.detect.detector import Detector
from keepgate.detect.setting import ARGUMENT, CONTENT, DEFINITION, Channel, Setting
from keepgate.model.finding import Finding

LONGEST: Final = 256 * 1024
"""Characters of a text that are looked at; what is longer is cut, and said to be."""


class Detection:
    """Findings in texts, by what the text is."""

    def __init__(self, make: Callable[[], Sequence[Detector]]) -> None:
        self._make = make

    @cached_property
    def _detectors(self) -> Sequence[Detector]:
        return self._make()

    def secrets(self, text: str) -> list[Finding]:
        """Credentials in a text."""
        return [
            each for each in self._look(text, CONTENT, self._detectors[:2]) if each.rule.startswith("secret.")
        ]

    def arguments(self, text: str) -> list[Finding]:
        """Attacks in an argument."""
        found = self._look(text, ARGUMENT, self._detectors[:1])
        return [each for each in found if each.rule.startswith("attack.")]

    def definition(
        self, value: Any, server: str, others: Mapping[str, tuple[str, ...]], siblings: tuple[str, ...]
    ) -> list[Finding]:
        """What a server says about itself: a tool, a prompt, its instructions. `path` is a pointer into the value."""
        setting = Setting(Channel.DEFINITION, server, others, siblings) if server or others else DEFINITION
        return self._look(value, setting, self._detectors)

    def instructions(self, text: str) -> list[Finding]:
        """Attacks in a text that a model is to read, as a document."""
        return [
            each
            for each in self._look(text, CONTENT, self._detectors)
            if not each.rule.startswith("personal.")
        ]

    @staticmethod
    def _look(value: Any, setting: Setting, detectors: Sequence[Detector]) -> list[Finding]:
        if isinstance(value, str):
            value = value[:LONGEST]
        return [sighting.finding for detector in detectors for sighting in detector.look(value, (), setting)]
