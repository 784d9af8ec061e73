"""`keepgate alerts` through the command line."""

import json

from typer.testing import CliRunner

from keepgate.cli import app
from tests.watch.made import DAY, HOUR, MONDAY, call, weeks

CLI = CliRunner()


def line(event):
    return json.dumps(
        {
            "time": event.time,
            "trace": event.id,
            "principal": event.principal,
            "client": event.client,
            "server": event.server,
            "name": event.name,
            "method": event.method,
            "size": event.sent,
            "verdict": {"effect": event.effect},
        }
    )


def test_a_log_is_replayed_with_its_own_times(tmp_path):
    events = [*weeks(9), call(MONDAY + 9 * DAY + 12 * HOUR, server="payroll", name="export")]
    log = tmp_path / "events.jsonl"
    log.write_text("\n".join(map(line, events)))
    result = CLI.invoke(app, ["alerts", "replay", str(log), "--learning"])
    assert result.exit_code == 0, result.output
    (alert,) = [json.loads(each) for each in result.stdout.splitlines()]
    assert alert["sign"] == "first_use"
    assert alert["time"] == "2026-11-11T12:00:00.000000000Z"
    assert alert["subject"] == {"principal": "user:ann", "server": "payroll"}
    assert alert["records"] == [events[-1].id]
    assert "first-server: 1 of 1 baselines have learned" in result.stderr


def test_lines_that_cannot_be_used_are_named_and_the_others_read():
    bad = ["{", '{"time": "soon"}', "[1]", '{"time": 1, "time": 2}']
    good = line(call(MONDAY, findings=()))[:-1] + ', "findings": ["honeytoken"]}'
    result = CLI.invoke(app, ["alerts", "replay", "-"], input="\n".join([*bad, good]))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["severity"] == "critical"
    assert "line 2: its `time` `soon`" in result.stderr
    assert "error: 4 of the lines could not be used" in result.stderr


def test_a_file_that_is_not_there(tmp_path):
    result = CLI.invoke(app, ["alerts", "replay", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
