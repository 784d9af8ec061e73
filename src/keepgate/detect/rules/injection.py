"""Plain instructions to a model, in English. One hit alone blocks nothing: confidence is never `confirmed`."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-LLM01", "OWASP-MCP03", "CWE-1427")


def _rule(name: str, title: str, severity: Severity, confidence: Confidence, pattern: str) -> Rule:
    return Rule(f"attack.{name}", title, severity, confidence, pattern, _TAXONOMY)


_HIGH, _MEDIUM = Severity.HIGH, Severity.MEDIUM
_LIKELY, _POSSIBLE = Confidence.LIKELY, Confidence.POSSIBLE

RULES: Final = (
    _rule(
        "override",
        "asks to ignore earlier instructions",
        _HIGH,
        _LIKELY,
        r"(?i)\b(?:ignore|disregard|forget|override)\s{1,3}(?:\w{1,12}\s{1,3}){0,4}?"
        r"(?:previous|prior|above|earlier|preceding|existing|system)\s{1,3}(?:\w{1,12}\s{1,3}){0,2}?"
        r"(?:instruction|prompt|rule|direction|guideline|message|command|constraint)s?\b",
    ),
    _rule(
        "new-role",
        "puts the model into another role",
        _MEDIUM,
        _POSSIBLE,
        r"(?i)\byou are now (?:in )?(?:\w{1,12} ){0,2}?(?:developer|dan|jailbreak|god|admin|unrestricted|debug)\b",
    ),
    _rule(
        "secrecy",
        "asks to keep something from the user",
        _HIGH,
        _LIKELY,
        r"(?i)\b(?:do not|don't|never|without)\s{1,3}(?:tell|telling|inform|informing|mention|mentioning|reveal|"
        r"revealing|notify|notifying|show|showing)\s{1,3}(?:\w{1,12}\s{1,3}){0,5}?user\b",
    ),
    _rule(
        "marked-block",
        "a block that is addressed to the model",
        _MEDIUM,
        _POSSIBLE,
        r"(?i)<(?:important|system|secret|critical|hidden|instructions?|system-reminder)>",
    ),
    _rule(
        "chat-markup",
        "control marks of a chat format",
        _HIGH,
        _LIKELY,
        r"<\|(?:im_start|im_end|system|endoftext|start_header_id|eot_id)\|>|\[/?INST\]|<<SYS>>",
    ),
    _rule(
        "forced-call",
        "wants to be called before other tools",
        _MEDIUM,
        _POSSIBLE,
        r"(?i)\b(?:before|prior to) (?:using|calling|invoking|running) (?:this|any|all|the)(?: other)? tools?\b",
    ),
    _rule(
        "prompt-leak",
        "asks for the system prompt",
        _MEDIUM,
        _POSSIBLE,
        r"(?i)\b(?:reveal|print|show|repeat|output|leak) (?:\w{1,12} ){0,3}?system prompt\b",
    ),
    _rule(
        "hidden-text",
        "text in invisible tag characters",
        Severity.CRITICAL,
        Confidence.CONFIRMED,
        "(?:\U000e0020|\U000e0041|\U000e0061|\U000e0065|\U000e0069|\U000e006f|\U000e0074|\U000e006e){3}",
    ),
)
