"""Receivers that could not be told anything are refused with what to change."""

import pytest

from keepgate import config
from keepgate.model.errors import ConfigError

SECRET = '{secret: "env:X"}'


def loaded(tmp_path, receiver):
    file = tmp_path / "keepgate.yaml"
    file.write_text(f"version: 1\nstate: state\nservers: {{}}\nalerts: {{receivers: {{soc: {receiver}}}}}\n")
    return config.load(file, env={})


@pytest.mark.parametrize(
    ("receiver", "why"),
    [
        ("{type: webhook, url: 'https://a.example/x'}", "a webhook needs"),
        (f"{{type: webhook, url: 'http://a.example/x', secret: {SECRET}}}", "must be https"),
        ("{type: slack}", "one of `url` and `secret`"),
        (f"{{type: teams, url: 'https://a.example', secret: {SECRET}}}", "one of `url` and `secret`"),
        ("{type: pagerduty}", "routing key"),
        ("{type: email, server: mail.example.com, sender: a@b.example, to: [c@d.example]}", "host and port"),
        ("{type: email, server: 'mail.example.com:465', sender: a@b.example}", "needs `to`"),
        ("{type: email, server: 'm.example:465', sender: a@b.example, to: ['x@y, z@w']}", "addresses"),
        ("{type: carrier-pigeon}", "type"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path, receiver, why):
    with pytest.raises(ConfigError, match=why):
        loaded(tmp_path, receiver)


@pytest.mark.parametrize(
    "receiver",
    [
        f"{{type: webhook, url: 'http://127.0.0.1:9/x', secret: {SECRET}}}",
        f"{{type: slack, secret: {SECRET}}}",
        f"{{type: pagerduty, secret: {SECRET}, signs: [honeytoken]}}",
        "{type: email, server: 'm.example:587', sender: a@b.example, to: [c@d.example], after: 900}",
    ],
)
def test_what_works_is_taken(tmp_path, receiver):
    assert "soc" in loaded(tmp_path, receiver).alerts.receivers
