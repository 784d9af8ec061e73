"""`keepgate audit` as one sees it: answers, exit codes, and nothing that a terminal would obey."""

import csv
import getpass
import json
import os

import pytest
import typer
from typer.testing import CliRunner

from keepgate.cli.audit import app, moment, tail
from keepgate.cli.audit.shared import EventFormat
from keepgate.stores.audit import load_kek, open_log
from tests.audit.made import ENTRY, entry


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text("version: 1\nstate: state\n")
    return path


@pytest.fixture
def run(config):
    def invoke(*args: str):
        result = CliRunner().invoke(app, [*args, "--config", str(config)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    state = tmp_path / "state"
    log = open_log(state, load_kek(state, os.environ))
    log.append(ENTRY)
    log.append(entry(kind="result", size=9))
    log.append(entry(principal="key:other", effect="deny", reason="no role allows it", trace="d-2"))
    log.append(entry(name="evil\x1b]0;x\x07\u202e\nforged line", trace="d-3"))
    log.append(entry(method="resources/read", name="file:///home/alice?token=NEEDLE", trace="d-4"))
    yield log
    log.close()


def events(result) -> list[dict]:
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_query_prints_one_event_a_line_with_the_names_of_principals(run, log):
    found = events(run("query"))
    assert [event["trace"] for event in found] == ["d-1", "d-1", "d-2", "d-3", "d-4"]
    assert found[0]["principal"] == "key:cursor"
    assert found[0]["pseudonym"] != "key:cursor"
    assert found[2]["verdict"] == {"effect": "deny", "reason": "no role allows it"}


@pytest.mark.parametrize(
    ("options", "traces"),
    [
        (["--principal", "key:other"], ["d-2"]),
        (["--principal", "key:nobody"], []),
        (["--verdict", "deny"], ["d-2"]),
        (["--trace", "d-1"], ["d-1", "d-1"]),
        (["--method", "resources/read"], ["d-4"]),
        (["--server", "crm"], []),
        (["--client", "cursor", "--verdict", "deny"], ["d-2"]),
        (["--client", "cursor/1.0", "--limit", "1"], ["d-4"]),
        (["--client", "curs"], []),
        (["--kind", "result"], ["d-1"]),
        (["--rule", "policy0", "--limit", "1"], ["d-4"]),
        (["--rule", "policy"], []),
        (["--name", "read_file", "--limit", "1"], ["d-2"]),
        (["--name", "file:///home/alice?token=NEEDLE"], ["d-4"]),
        (["--until", "2026-11-21"], []),
        (["--since", "2026-11-21", "--until", "2026-11-22T00:00:00+00:00", "--limit", "2"], ["d-3", "d-4"]),
    ],
)
def test_each_option_narrows(run, log, options, traces):
    assert [event["trace"] for event in events(run("query", *options))] == traces


def test_without_the_key_principals_are_pseudonyms_and_can_be_asked_for_by_them(run, log, tmp_path):
    (tmp_path / "state" / "master.key").unlink()
    result = run("query", "--trace", "d-2")
    assert "pseudonyms" in result.stderr
    (event,) = events(result)
    assert event["principal"] == event["pseudonym"]
    assert [found["trace"] for found in events(run("query", "--principal", event["pseudonym"]))] == ["d-2"]


@pytest.mark.parametrize("command", [("tail",), ("query", "--format", "table"), ("query",)])
def test_nothing_a_terminal_would_obey_is_printed(run, log, command):
    shown = run(*command).stdout
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert len(shown.splitlines()) == 5
    assert "NEEDLE" not in shown


def test_tail_shows_the_newest(run, log):
    (line,) = run("tail", "-n", "1").stdout.splitlines()
    assert line.split()[1:5] == ["allow", "key:cursor", "request", "resources/read"]


def test_tail_follows(config, log, monkeypatch, capsys):
    rounds = iter(["d-5", "d-6"])

    def turn(_seconds):
        trace = next(rounds, None)
        if trace is None:
            raise KeyboardInterrupt
        log.append(entry(trace=trace))

    monkeypatch.setattr("keepgate.cli.audit.search.time.sleep", turn)
    with pytest.raises(KeyboardInterrupt):
        tail(follow=True, lines=1, format_=EventFormat.JSON, config=config)
    traces = [json.loads(line)["trace"] for line in capsys.readouterr().out.splitlines()]
    assert traces == ["d-4", "d-5", "d-6"]


def test_verify_passes_a_live_and_a_closed_log_and_tells_the_unsigned_window(run, log):
    while not log._signed:
        log._keeper.join(0.001)
    result = run("verify")
    assert result.exit_code == 0
    assert "records   5, of these not signed yet: " in result.stdout
    assert result.stdout.splitlines()[-1] == "verdict: pass"
    log.close()
    (writer,) = json.loads(run("verify", "--format", "json").stdout)["writers"]
    assert (writer["status"], writer["records"], writer["signed"], writer["unsigned"]) == ("pass", 5, 5, 0)


def test_verify_needs_no_secret(run, log, tmp_path):
    log.close()
    (tmp_path / "state" / "master.key").unlink()
    (tmp_path / "state" / "audit" / "signing.key").unlink()
    assert run("verify").exit_code == 0


def test_verify_fails_a_changed_log(run, log):
    log.close()
    path = log.directory / "00000001.log"
    path.write_bytes(path.read_bytes().replace(b"no role allows it", b"a role allows it"))
    result = run("verify")
    assert result.exit_code == 1
    assert "FAIL" in result.stdout
    assert result.stdout.splitlines()[-1] == "verdict: fail"


def test_verify_says_so_when_there_is_nothing(run):
    assert run("verify").exit_code == 3


def test_what_could_not_be_checked_can_be_made_to_fail_and_be_settled(run, log, tmp_path):
    log.close()
    kept = tmp_path / "kept"
    kept.write_bytes((log.directory / "checkpoints").read_bytes())
    assert run("verify", "--strict").exit_code == 1
    assert run("verify", "--strict", "--against", str(kept)).exit_code == 0


def test_a_decision_is_proven_to_who_has_the_key_of_the_log(run, log, tmp_path):
    log.close()
    proof, key = tmp_path / "proof.json", log.directory / "public.key"
    assert run("prove", "d-1", "-o", str(proof)).exit_code == 0
    checked = CliRunner().invoke(app, ["verify-proof", str(proof), "--key", str(key)])
    assert (checked.exit_code, checked.stdout.splitlines()[-1]) == (0, "verdict: pass")
    assert checked.stdout.count("read_file") == 2
    unknown = CliRunner().invoke(app, ["verify-proof", str(proof)])
    assert (unknown.exit_code, unknown.stdout.splitlines()[-1]) == (3, "verdict: unknown")
    assert key.read_text().strip() in unknown.stdout
    proof.write_text(proof.read_text().replace("allow", "deny"))
    wrong = CliRunner().invoke(app, ["verify-proof", str(proof), "--key", str(key)])
    assert (wrong.exit_code, wrong.stdout.splitlines()[-1]) == (1, "verdict: fail")


def test_csv_has_a_line_of_names_and_no_formulas(run, log):
    log.append(entry(name='=HYPERLINK("http://evil")', trace="d-9"))
    lines = list(csv.DictReader(run("query", "--format", "csv").stdout.splitlines()))
    assert [line["trace"] for line in lines] == ["d-1", "d-1", "d-2", "d-3", "d-4", "d-9"]
    assert lines[-1]["name"].startswith("'=")
    assert lines[0]["principal"] == "key:cursor"


def grant(config, *what: str) -> None:
    config.write_text(
        f"""version: 1
state: state
access:
  roles: {{auditor: {{administer: [{", ".join(what)}]}}}}
  grants: [{{to: "local:{getpass.getuser()}", role: auditor}}]
"""
    )


def refusal(config, *args: str) -> str:
    return str(CliRunner().invoke(app, [*args, "--config", str(config)]).exception)


def test_payloads_are_opened_by_who_may_and_each_time_is_recorded(run, log, config):
    assert "may not read payloads" in refusal(config, "decrypt", "d-4")
    grant(config, "read_payloads")
    (found,) = events(run("decrypt", "d-4"))
    assert found["payload"]["name"] == "file:///home/alice?token=NEEDLE"
    assert found["record"]["principal"] == "key:cursor"
    read = events(run("query", "--method", "payloads.read"))
    assert [event["verdict"]["effect"] for event in read] == ["deny", "allow"]
    assert [event["verdict"]["reason"] for event in read] == ["audit decrypt d-4"] * 2


def test_a_person_is_erased_by_who_may_and_the_log_still_verifies(run, log, config):
    log.close()
    erase = ("erase", "--principal", "key:cursor", "--yes")
    grant(config, "read_payloads")
    assert "may not erase" in refusal(config, *erase)
    grant(config, "read_payloads", "erase")
    before = {event["pseudonym"] for event in events(run("query", "--principal", "key:cursor"))}
    assert run(*erase).stdout == "erased 1 keys, 0 grants\n"
    (opened,) = events(run("decrypt", "d-4"))
    assert (opened["payload"], opened["why"]) == (None, "its key was destroyed")
    assert opened["record"]["principal"] in before
    assert events(run("query", "--principal", "key:cursor")) == []
    (told, done) = events(run("query", "--method", "keys.erased"))
    assert (told["verdict"]["effect"], done["verdict"]["effect"]) == ("deny", "allow")
    assert before <= set(done["rules"])
    assert "cursor" not in json.dumps(done["verdict"])
    assert run("verify").exit_code == 0
    assert run(*erase).exit_code == 1


def test_checkpoints_that_cannot_be_read_are_an_error(run, log, tmp_path):
    result = run("verify", "--against", str(tmp_path / "nowhere"))
    assert (result.exit_code, "Traceback" in result.output) == (2, False)


@pytest.mark.parametrize("format_", ["json", "ocsf", "cef"])
def test_events_are_exported_in_the_forms_of_others(run, log, format_):
    lines = run("export", "--format", format_).stdout.splitlines()
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)
    if format_ == "cef":
        assert lines[0].startswith("CEF:0|keepgate|")
    else:
        event = json.loads(lines[0])
        assert event["class_uid"] == 6003 if format_ == "ocsf" else event["principal"] == "key:cursor"


def test_text_is_found_in_what_is_sealed_by_who_may_read_it(run, log, config):
    refused = CliRunner().invoke(app, ["query", "--text", "etc/HOSTS", "--config", str(config)])
    assert "may not read payloads" in str(refused.exception)
    grant(config, "read_payloads")
    found = events(run("query", "--text", "etc/HOSTS", "--trace", "d-1", "--limit", "1"))
    assert [event["trace"] for event in found] == ["d-1"]
    assert events(run("query", "--text", "nowhere in it")) == []
    read = events(run("query", "--method", "payloads.read"))
    assert [event["verdict"]["effect"] for event in read] == ["deny", "allow", "allow"]


@pytest.mark.parametrize("text", ["yesterday", "2h30", "-1h", "2026-13-01"])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(typer.BadParameter):
        moment(text)


def test_times_are_read_as_utc_or_with_their_zone():
    assert moment("2026-11-21T08:33:20.123456Z") == 1_795_250_000_123_456_000
    assert moment("2026-11-21T09:33:20+01:00") == 1_795_250_000_000_000_000
    assert moment("2026-11-21") % (86_400 * 10**9) == 0
