"""Marks that only an attack puts into a text: control marks of chat formats, invisible letters."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-LLM01", "OWASP-MCP03", "CWE-1427")

RULES: Final = (
    Rule(
        "attack.chat-markup",
        "control marks of a chat format",
        Severity.HIGH,
        Confidence.POSSIBLE,
        r"<\|(?:im_start|im_end|system|endoftext|start_header_id|eot_id)\|>|\[/?INST\]|<<SYS>>",
        _TAXONOMY,
    ),
    Rule(
        "attack.hidden-text",
        "text in invisible tag characters",
        Severity.CRITICAL,
        Confidence.CONFIRMED,
        "(?:\U000e0020|\U000e0041|\U000e0061|\U000e0065|\U000e0069|\U000e006f|\U000e0074|\U000e006e){3}",
        _TAXONOMY,
    ),
)
