"""Alerts as their receivers want them; what comes from outside stays text."""

import json

from keepgate.transports.alert_forms import headline, mail, pagerduty, slack, teams

SHAPE = {
    "id": "a1",
    "time": "2026-11-11T12:00:00Z",
    "sign": "first_use",
    "severity": "high",
    "subject": {"principal": "user:ann", "server": "<!channel> [x](https://evil.example)"},
    "seen": "first use of the server `<https://evil.example|click>`",
    "expected": "nothing new",
    "records": ["t1"],
    "incident": "i1",
}


def test_slack_shows_text_and_makes_no_mention_or_link():
    message = slack(SHAPE)
    assert "<" not in message["text"]
    assert {block["text"]["type"] for block in message["blocks"]} == {"plain_text"}
    assert message["unfurl_links"] is False


def test_teams_shows_runs_of_text():
    card = teams(SHAPE)["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}


def test_pagerduty_joins_what_is_one_incident():
    event = pagerduty(SHAPE, "key")
    assert (event["dedup_key"], event["routing_key"], event["payload"]["severity"]) == ("i1", "key", "error")


def test_a_mail_is_one_plain_text():
    message = mail(SHAPE, "keepgate@example.com", ("soc@example.com", "ops@example.com"))
    assert message["To"] == "soc@example.com, ops@example.com"
    assert message.get_content_type() == "text/plain"
    assert "keepgate alerts show a1" in message.get_content()


def test_no_headline_is_endless():
    assert len(headline({**SHAPE, "subject": {"server": "x" * 5000}})) == 300
    assert json.dumps(slack({**SHAPE, "seen": "x" * 9000}))
