"""`keepgate check` as a filter: every line answered in its place, bad lines named, nothing held back."""

import io
import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import keepgate
from keepgate.cli import app
from keepgate.cli import check as command
from keepgate.model.errors import KeepgateError
from tests.detect.corpus import SECRETS

KEY = SECRETS["secret.aws-access-key"][0]


def run(*given, args=()):
    raw = b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in given)
    result = CliRunner().invoke(app, ["check", *args], input=raw)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_answers_in_order_with_the_fields_of_the_interface():
    code, (first, second) = run(
        {"id": "a", "kind": "tool_output", "text": f"key {KEY}."}, {"id": 2, "kind": "text", "text": "fine"}
    )
    assert code == 0
    assert second == {"id": 2, "verdict": "allow", "score": 0.0, "findings": []}
    assert (first["id"], first["verdict"]) == ("a", "redact")
    assert first["redacted"] == "key [redacted:secret.aws-access-key]."
    assert 0.5 < first["score"] <= 1
    (finding,) = first["findings"]
    assert set(finding) == {
        "rule", "severity", "confidence", "path", "start", "end", "evidence", "taxonomy",
    }  # fmt: skip
    assert (finding["path"], finding["start"], finding["end"]) == ("/text", 4, 4 + len(KEY))


def test_a_definition_is_looked_at_in_all_its_strings():
    tool = {"name": "t", "inputSchema": {"properties": {"a": {"description": KEY}}}, "icons": [{"src": "x"}]}
    _, (answer,) = run({"kind": "tool", "tool": tool, "server": "s", "session": {"other": ["x"]}})
    assert answer["id"] is None
    assert answer["verdict"] == "redact"
    assert KEY not in json.dumps(answer["redacted"])
    assert answer["findings"][0]["path"] == "/tool/inputSchema/properties/a/description"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{nonsense\n", "not a valid JSON text"),
        (b'{"kind": "text", "text": "a", "text": "b"}\n', "not a valid JSON text"),
        (b"[]\n", "must be a JSON object"),
        (b'{"kind": "text", "text": "\xff"}\n', "not a valid JSON text"),
        (b'{"id": 1, "kind": "text", "text": "\\ud800"}\n', "not a valid JSON text"),
        ({"id": 1, "text": "x"}, "`kind` must be one of"),
        ({"id": 1, "kind": ["tool"], "text": "x"}, "`kind` must be one of"),
        ({"id": 1, "kind": "text"}, "needs `text` or `tool`"),
        ({"id": 1, "kind": "tool", "text": "x", "tool": {}}, "and not both"),
        ({"id": 1, "kind": "text", "tool": {}}, "goes with the kind `tool`"),
        ({"id": 1, "kind": "tool", "tool": []}, "must be an object"),
        ({"id": 1, "kind": "text", "text": 7}, "`text` must be a string"),
        ({"id": {}, "kind": "text", "text": "x"}, "`id` must be"),
        ({"id": 1, "kind": "text", "text": "x", "sever": "y"}, "no member `sever`"),
        ({"id": 1, "kind": "text", "text": "x", "server": 1}, "`server` must be a string"),
        ({"id": 1, "kind": "text", "text": "x", "session": {"a": "b"}}, "`session` must map"),
        (b'{"kind": "text", "text": ' + b"[" * 100 + b"]" * 100 + b"}\n", "nested deeper"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_answered(line, says):
    code, answers = run(
        {"id": 0, "kind": "text", "text": "fine"}, line, {"id": 2, "kind": "text", "text": "fine"}
    )
    assert code == 1
    assert [answer.get("verdict") for answer in answers] == ["allow", None, "allow"]
    assert answers[1]["error"].startswith("line 2: ")
    assert says in answers[1]["error"]


def test_a_line_without_end_is_bounded(monkeypatch):
    monkeypatch.setattr(command, "LONGEST", 100)
    source = io.BytesIO(b"x" * 1000 + b"\n\n" + b'{"kind":"text","text":"a"}')
    assert list(command.lines(source)) == [(1, None), (3, b'{"kind":"text","text":"a"}')]
    code, answers = run(b"x" * 1000 + b"\n", {"kind": "text", "text": "a"})
    assert code == 1
    assert answers[0] == {"id": None, "error": "line 1: it is longer than 100 bytes"}
    assert answers[1]["verdict"] == "allow"


def test_no_input_is_no_error():
    assert run() == (0, [])


def test_an_answer_does_not_wait_for_the_next_line():
    """A program that talks to it line by line is not left waiting."""
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "keepgate", "check"], stdin=subprocess.PIPE, stdout=write
    ) as process:
        os.close(write)
        with os.fdopen(read, "rb") as answers:
            for number in range(3):
                line = json.dumps({"id": number, "kind": "text", "text": "x"}).encode() + b"\n"
                process.stdin.write(line)
                process.stdin.flush()
                assert json.loads(answers.readline())["id"] == number
            process.stdin.close()
            assert answers.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("profile", "verdict"), [("relaxed", "allow"), ("balanced", "redact"), ("strict", "redact")]
)
def test_the_profile_decides(profile, verdict):
    artifact = {"kind": "tool_output", "text": KEY}
    _, (answer,) = run(artifact, args=("--profile", profile))
    assert answer["verdict"] == verdict
    assert keepgate.check(artifact, profile=profile).verdict.name.lower() == verdict


def test_the_function_answers_as_the_command():
    artifact = {"id": "a", "kind": "tool_output", "text": f"key {KEY}"}
    _, (answer,) = run(artifact)
    assert keepgate.check(artifact).as_json() == answer
    assert artifact["text"].endswith(KEY)


def test_the_function_says_what_is_wrong():
    with pytest.raises(KeepgateError, match="`kind` must be one of"):
        keepgate.check({"text": "x"})
    with pytest.raises(KeepgateError, match="is no profile"):
        keepgate.check({"kind": "text", "text": "x"}, profile="lax")
