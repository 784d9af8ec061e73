"""Ways out: hosts that collect what is sent to them, and images or links that carry data in their query."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-LLM02", "SAFE-T1910")

RULES: Final = (
    Rule(
        "attack.collector-host",
        "a host that collects requests for anybody",
        Severity.MEDIUM,
        Confidence.POSSIBLE,
        r"(?i)\b(?:webhook\.site|requestbin\.(?:com|net)|pipedream\.net|[a-z0-9\-]{1,63}\.oast\.(?:fun|pro|live|me)|"
        r"[a-z0-9\-]{1,63}\.ngrok(?:-free)?\.(?:io|app)|burpcollaborator\.net|interact\.sh)\b",
        _TAXONOMY,
    ),
    Rule(
        "attack.image-query",
        "an image whose address carries data",
        Severity.MEDIUM,
        Confidence.POSSIBLE,
        r"(?i)!\[[^\]\n]{0,100}\]\(https?://[^)\s]{1,200}\?[^)\s=]{1,60}=[^)\s]{20,400}",
        _TAXONOMY,
    ),
    Rule(
        "attack.key-file",
        "names a file that holds credentials",
        Severity.MEDIUM,
        Confidence.POSSIBLE,
        r"(?i)(?:\.ssh/(?:id_(?:rsa|ed25519|ecdsa|dsa)|authorized_keys)|\.aws/credentials|\.kube/config|\.netrc\b|"
        r"\.cursor/mcp\.json|claude_desktop_config\.json|/etc/shadow\b)",
        _TAXONOMY,
    ),
)
