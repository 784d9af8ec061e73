"""Credentials. Confirmed: a format that nothing else has. Likely: a word for a secret with a value beside it."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-MCP01", "CWE-200")
_WORDS: Final = frozenset(
    "pass password passwd pwd pw secret mypassword yourpassword user username changeme postgres root admin test guest "
    "mysql redis example".split()
)
_FILLERS: Final = "x*.0-_"
_PLACEHOLDERS: Final = ("example", "your", "changeme", "placeholder", "dummy", "redacted", "1234567890")


def _sure(name: str, title: str, pattern: str, *, block_end: str = "") -> Rule:
    return Rule(
        f"secret.{name}", title, Severity.HIGH, Confidence.CONFIRMED, pattern, _TAXONOMY, block_end, _varied
    )


def _beside(name: str, title: str, pattern: str) -> Rule:
    return Rule(f"secret.{name}", title, Severity.MEDIUM, Confidence.LIKELY, pattern, _TAXONOMY, proof=_mixed)


def _password(found: str) -> bool:
    """No word for a password, and nothing to be filled in."""
    return _varied(found) and found.lower() not in _WORDS and found[0] not in "$<{[%"


def _varied(found: str) -> bool:
    """Not filled up with one sign, as where documentation shows only the form."""
    text = found.lower()
    return not any(filler * 6 in text for filler in _FILLERS)


def _mixed(found: str) -> bool:
    """Letters and digits, none of the words that documentation writes for a secret, not the name of a variable."""
    text = found.lower()
    return (
        _varied(found)
        and not any(word in text for word in _PLACEHOLDERS)
        and any(sign.isdigit() for sign in found)
        and any(sign.isalpha() for sign in found)
        and found[:1] not in "$<{%"
    )


_SET = r"""["'\\]{0,4}\s{0,3}[:=\s]\s{0,3}["'\\]{0,4}"""
"""Between a name and its value: in code, in JSON, in a header, or (a newline) as key and value of an object."""

RULES: Final = (
    _sure("aws-access-key", "AWS access key id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    _beside(
        "aws-secret-key",
        "AWS secret access key",
        rf"(?i)aws.{{0,20}}?(?:secret|sk).{{0,20}}?{_SET}([a-z0-9/+]{{40}})(?:[^a-z0-9/+=]|=)",
    ),
    _sure("github-token", "GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    _sure("github-fine-grained", "GitHub fine-grained token", r"\bgithub_pat_[A-Za-z0-9_]{60,100}\b"),
    _sure("gitlab-token", "GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt|agent|soat)-[A-Za-z0-9_\-]{20,64}"),
    _sure("slack-token", "Slack token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{20,120}"),
    _sure("slack-app-token", "Slack app token", r"\bxapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[a-f0-9]{32,80}\b"),
    _sure(
        "slack-webhook",
        "Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows)/[A-Z0-9]{8,14}/[A-Z0-9]{8,14}/[A-Za-z0-9]{20,48}",
    ),
    _sure("openai-key", "OpenAI key", r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{40,200}"),
    _sure("openai-key-old", "OpenAI key, old form", r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b"),
    _sure("anthropic-key", "Anthropic key", r"\bsk-ant-(?:api|admin)[0-9]{2}-[A-Za-z0-9_\-]{60,120}"),
    _sure("google-api-key", "Google API key", r"\bAIza[0-9A-Za-z_\-]{35}"),
    _sure("google-oauth", "Google OAuth access token", r"\bya29\.[0-9A-Za-z_\-]{30,500}"),
    _sure("google-client-secret", "Google client secret", r"\bGOCSPX-[A-Za-z0-9_\-]{28}"),
    _sure("azure-storage", "Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _sure("azure-client-secret", "Azure client secret", r"\b[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.\-]{31,34}"),
    _sure("stripe-key", "Stripe live key", r"\b[rs]k_live_[0-9A-Za-z]{24,250}"),
    _sure("stripe-webhook", "Stripe webhook secret", r"\bwhsec_[A-Za-z0-9+/]{32,64}"),
    _sure("npm-token", "npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _sure("pypi-token", "PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,300}"),
    _sure("huggingface-token", "Hugging Face token", r"\bhf_[A-Za-z]{34}\b"),
    _sure("sendgrid-key", "SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{20,24}\.[A-Za-z0-9_\-]{39,50}"),
    _sure("twilio-key", "Twilio key", r"\bSK[0-9a-f]{32}\b"),
    _sure("mailgun-key", "Mailgun key", r"\bkey-[0-9a-f]{32}\b"),
    _sure("digitalocean-token", "DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    _sure("shopify-token", "Shopify token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    _sure("databricks-token", "Databricks token", r"\bdapi[a-f0-9]{32}\b"),
    _sure("vault-token", "Vault token", r"\bhv[sb]\.[A-Za-z0-9_\-]{24,200}"),
    _sure("age-key", "age secret key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    _sure("telegram-token", "Telegram bot token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}\b"),
    _sure(
        "private-key",
        "private key",
        r"-----BEGIN (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----",
        block_end=" KEY-----",
    ),
    _sure(
        "jwt",
        "JSON web token",
        r"\beyJ[A-Za-z0-9_\-]{10,500}\.eyJ[A-Za-z0-9_\-]{10,500}(?:[A-Za-z0-9_\-]{1,500})?\.[A-Za-z0-9_\-]{20,500}",
    ),
    Rule(
        "secret.database-url",
        "password in a database URL",
        Severity.HIGH,
        Confidence.CONFIRMED,
        r"(?i)\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|clickhouse)"
        r"(?:\+[a-z0-9]{1,20})?://[^\s:@/\"']{0,64}:([^\s:@/\"']{3,128})@[a-z0-9]",
        _TAXONOMY,
        proof=_password,
    ),
    _beside(
        "url-password",
        "password in a URL",
        r"(?i)\b(?:https?|ftps?|ssh|smtps?)://[^\s:@/\"']{1,64}:([^\s:@/\"']{6,128})@[a-z0-9]",
    ),
    _beside(
        "assigned",
        "value of a password, token or key",
        rf"(?i)(?:password|passwd|secret|api_?key|access_?token|auth_?token|private_?key){_SET}"
        r"([a-z0-9_\-+/.~!@#%^&]{12,200})",
    ),
    _beside(
        "bearer",
        "bearer token in a header",
        r"(?i)authorization\W{1,6}(?:bearer|basic)\s([a-z0-9._~+/\-=]{20,500})",
    ),
)
