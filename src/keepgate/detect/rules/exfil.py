"""Ways out: hosts that collect what is sent to them, and images or links that carry data in their query."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.detect.setting import Channel
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-LLM02", "SAFE-T1910")


def carries_data(address: str) -> bool:
    """Whether a value in the query looks like data that was put there: long and mixed, or still to be filled in."""
    query = address.partition("?")[2]
    values = [pair.partition("=")[2].rstrip(")=") for pair in query.split("&")]
    return any(
        (
            len(value) >= _LONG
            and any(map(str.isdigit, value))
            and any(map(str.isalpha, value))
            and value.isalnum()
        )
        or any(mark in value.lower() for mark in ("{", "%7b", "<", "%3c", "[data", "$("))
        for value in values
    )


_LONG: Final = 32

RULES: Final = (
    Rule(
        "exfil.image",
        "an image that carries data away when it is shown",
        Severity.HIGH,
        Confidence.LIKELY,
        r"(?i)!\[[^\]\n]{0,200}\]\(\s{0,3}(https?://[^)\s?]{1,200}\?[^)\s]{3,600})|"
        r"<img\s[^>\n]{0,200}src\s{0,2}=\s{0,2}[\"']?(https?://[^\"'>\s?]{1,200}\?[^\"'>\s]{3,600})|"
        r"!\[[^\]\n]{0,100}\]\[[^\]\n]{0,40}\][^"
        "\x1e"
        r"]{0,300}\n {0,3}\[[^\]\n]{1,40}\]:\s{0,3}"
        r"(https?://[^\s?]{1,200}\?\S{3,600})",
        ("OWASP-MCP10", "SAFE-T1911", "CWE-200"),
        proof=carries_data,
        only=Channel.CONTENT,
    ),
    Rule(
        "hidden.terminal",
        "terminal escapes that hide or forge what is shown",
        Severity.MEDIUM,
        Confidence.CONFIRMED,
        "(?:\x1b|\xc2\x9b)(?:\\][^\x07\x1b]{0,500}(?:\x07|\x1b\\\\)|\\[(?:[0-9]{1,2};){0,3}8m|\\[[0-3]?J|\\[[0-9;]{0,10}H)",
        ("OWASP-MCP03", "SAFE-T1402", "CWE-150"),
    ),
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
