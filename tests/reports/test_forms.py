"""Records in the forms of others: what receivers rely on, and nothing that an outsider's text can break out of."""

import json

import orjson
import pytest
from google.protobuf.json_format import Parse
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from keepgate.reports import cef, ocsf, otlp, syslog
from keepgate.reports.moments import milliseconds, nanoseconds
from tests.audit.made import ENTRY, MadeLog, entry

HOSTILE = 'a|b=c\\d"]e\r\nCEF:0|x <13>1 \x1b[0m\u202e\x00'


def record(**changes):
    log = MadeLog()
    log.add(entry(**changes))
    made = orjson.loads(log.parts[0].lines[1])
    return made | {"principal": "key:cursor", "pseudonym": made["principal"]}


def test_times():
    assert nanoseconds(record()["time"]) == ENTRY.time_ns
    assert milliseconds("2026-11-21T08:33:20.123456789Z") == 1_795_250_000_123


@pytest.mark.parametrize(
    ("effect", "action", "disposition", "status"),
    [("allow", 1, 1, 1), ("redact", 4, 11, 1), ("ask", 2, 2, 2), ("deny", 2, 2, 2)],
)
def test_ocsf(effect, action, disposition, status):
    event = ocsf.event(record(effect=effect, findings=("r1",), reason="why"), "1.2")
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert (event["action_id"], event["disposition_id"], event["status_id"]) == (action, disposition, status)
    assert event["time"] == ENTRY.time_ns // 1_000_000
    assert event["metadata"]["version"] == "1.9.0"
    assert event["actor"]["user"]["name"] == "key:cursor"
    assert event["api"] == {"operation": "tools/call", "service": {"name": "files"}}
    required = {"activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint",
                "time", "type_uid"}  # fmt: skip
    assert required <= event.keys()


def test_ocsf_of_our_own_events_has_an_actor_too():
    event = ocsf.event(
        record(kind="event", method="start", server="", name="") | {"principal": "", "pseudonym": ""}, "1"
    )
    assert event["actor"] == {"user": {"uid": "keepgate"}}
    assert event["api"]["service"] == {"name": "keepgate"}


def test_cef_is_one_line_of_eight_parts():
    line = cef.line(record(name="x", reason="a=b|c"), "1.2")
    assert line.startswith("CEF:0|keepgate|keepgate|1.2|tools/call|request allow|1|")
    assert "reason=a\\=b|c" in line
    assert "suser=key:cursor" in line


@given(st.text(max_size=40))
def test_no_text_of_an_outsider_breaks_out_of_cef_or_syslog(text):
    for hostile in (text, HOSTILE + text):
        made = record() | {"name": hostile, "client": hostile, "trace": hostile, "method": hostile}
        line = cef.line(made, "1")
        assert "\n" not in line
        assert "\r" not in line
        head = line.replace("\\\\", "").replace("\\|", "").split("|", 7)
        assert len(head) == 8
        assert head[0] == "CEF:0"
        framed = syslog.frame(made, line, "host")
        length, _, body = framed.partition(b" ")
        assert int(length) == len(body)
        assert body.startswith(b"<110>1 2026-11-21T08:33:20.123456Z host keepgate - ")
        data = body.decode().split(" [", 1)[1]
        assert data.split('record="')[1].split('"')[0] == f"{made['writer']}/{made['seq']}"


def test_syslog_priority_follows_the_verdict():
    assert syslog.frame(record(effect="deny"), "x", "h").partition(b" ")[2].startswith(b"<108>1 ")


def test_otlp_is_what_its_own_definitions_read():
    body = otlp.request(
        [(record(rules=("a", "b")), "text"), (record(method="resources/read"), "x")], "1.2", "box"
    )
    found = Parse(body.decode(), ExportLogsServiceRequest())
    (resource,) = found.resource_logs
    (scope,) = resource.scope_logs
    assert [each.body.string_value for each in scope.log_records] == ["text", "x"]
    first = scope.log_records[0]
    assert first.time_unix_nano == ENTRY.time_ns
    said = {each.key: each.value for each in first.attributes}
    assert said["mcp.method.name"].string_value == "tools/call"
    assert said["gen_ai.tool.name"].string_value == "read_file"
    assert [each.string_value for each in said["keepgate.rules"].array_value.values] == ["a", "b"]
    assert json.loads(body)
