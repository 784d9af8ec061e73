"""An alert as its receivers want it: a message of Slack or Teams, an event of PagerDuty, a mail.

Names in alerts come from clients and servers. They are escaped before they come here; here nothing of theirs may become
a link, a mention or markup of the receiver's.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any, Final

Shape = dict[str, Any]
"""What `watch.alert.Alert.as_json` gives."""

_PAGERDUTY: Final = {
    "critical": "critical",
    "high": "error",
    "medium": "warning",
    "low": "warning",
    "info": "info",
}
_SLACK: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'", "*": "∗", "_": "_\u2060", "~": "∼"}
)


def headline(shape: Shape) -> str:
    """One line: `high data_transfer: user:ann crm`."""
    return f"{shape['severity']} {shape['sign']}: {' '.join(shape['subject'].values())}"[:300]


def slack(shape: Shape) -> Shape:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: plain text, nothing unfolds."""
    lines = [headline(shape), *(f"{key}: {text}" for key, text in _lines(shape))]
    blocks = [
        {"type": "section", "text": {"type": "plain_text", "text": "\n".join(lines)[:3000], "emoji": False}}
    ]
    return {
        "text": headline(shape).translate(_SLACK),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def teams(shape: Shape) -> Shape:
    """An adaptive card for a Teams workflow; text runs know no markup."""
    inlines = [{"type": "TextRun", "text": headline(shape), "weight": "Bolder"}]
    body = [{"type": "RichTextBlock", "inlines": inlines}]
    for key, text in _lines(shape):
        body.append({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": f"{key}: {text}"}]})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def pagerduty(shape: Shape, key: str) -> Shape:
    """https://developer.pagerduty.com/docs/send-alert-event: alerts of one incident are one incident there too."""
    return {
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": shape["incident"],
        "payload": {
            "summary": headline(shape)[:1024],
            "source": "keepgate",
            "severity": _PAGERDUTY[shape["severity"]],
            "timestamp": shape["time"],
            "class": shape["sign"],
            "custom_details": shape,
        },
    }


def mail(shape: Shape, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """A plain text."""
    message = EmailMessage()
    message["Subject"] = f"keepgate: {headline(shape)}"
    message["From"], message["To"] = sender, ", ".join(to)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        "\n".join([headline(shape), "", *(f"{key}: {text}" for key, text in _lines(shape)), ""])
    )
    return message


def _lines(shape: Shape) -> list[tuple[str, str]]:
    """What was seen and expected, when, and what to look at."""
    return [
        ("seen", shape["seen"]),
        ("expected", shape["expected"]),
        ("time", shape["time"]),
        ("look", f"keepgate alerts show {shape['id']}"),
    ]
