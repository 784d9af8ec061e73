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
        "attack.forged-turn",
        "a turn of the conversation that the text itself ends, and a system message after it",
        Severity.HIGH,
        Confidence.LIKELY,
        r"<\|im_end\|>\s{0,4}<\|im_start\|>\s{0,4}(?:system|developer)\b|"
        r"<\|eot_id\|>\s{0,4}<\|start_header_id\|>\s{0,4}system\b|<\|end\|>\s{0,4}<\|system\|>|"
        r"</s>\s{0,4}(?:<s>)?\s{0,4}\[INST\]\s{0,4}<<SYS>>",
        _TAXONOMY,
    ),
    Rule(
        "attack.hidden-text",
        "text in invisible tag characters",
        Severity.CRITICAL,
        Confidence.CONFIRMED,
        "(?:\U000e0020|\U000e0041|\U000e0061|\U000e0065|\U000e0069|\U000e006f|\U000e0074|\U000e006e){3}|"
        # Flags of regions have up to five between a black flag and an end.
        f"(?:{'|'.join(chr(0xE0000 + sign) for sign in range(0x20, 0x7F))}){{6}}",
        _TAXONOMY,
    ),
)
