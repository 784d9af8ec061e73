"""Records as OpenTelemetry logs, in the JSON form of OTLP/HTTP, with the names of the MCP semantic conventions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from keepgate.reports.moments import nanoseconds

_SEVERITY: Final = {"allow": (9, "INFO"), "redact": (11, "INFO3"), "ask": (12, "INFO4"), "deny": (13, "WARN")}


def request(records: Iterable[tuple[Mapping[str, Any], str]], product: str, host: str) -> bytes:
    """The body of `POST /v1/logs`. Each record comes with its text, in the form that the receiver wants."""
    resource = _attributes({"service.name": "keepgate", "service.version": product, "host.name": host})
    scope = {"name": "keepgate.audit", "version": product}
    made = [_record(record, text) for record, text in records]
    return orjson.dumps(
        {
            "resourceLogs": [
                {"resource": {"attributes": resource}, "scopeLogs": [{"scope": scope, "logRecords": made}]}
            ]
        }
    )


def _record(record: Mapping[str, Any], text: str) -> dict[str, Any]:
    verdict, method = record["verdict"], record["method"]
    number, severity = _SEVERITY.get(verdict["effect"], (9, "INFO"))
    time = str(nanoseconds(record["time"]))
    name = {"tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}.get(
        method, "mcp.resource.uri"
    )
    attributes = _attributes(
        {
            "mcp.method.name": method,
            name: record["name"],
            "enduser.pseudo.id": record.get("pseudonym") or record["principal"],
            "user_agent.original": record["client"],
            "keepgate.decision": record["trace"],
            "keepgate.direction": record["direction"],
            "keepgate.effect": verdict["effect"],
            "keepgate.findings": record["findings"],
            "keepgate.kind": record["kind"],
            "keepgate.policy": record["policy"],
            "keepgate.reason": verdict["reason"],
            "keepgate.record": f"{record['writer']}/{record['seq']}",
            "keepgate.rules": record["rules"],
            "keepgate.server": record["server"],
        }
    )
    return {
        "timeUnixNano": time,
        "observedTimeUnixNano": time,
        "severityNumber": number,
        "severityText": severity,
        "eventName": "keepgate.decision",
        "body": {"stringValue": text},
        "attributes": attributes,
    }


def _attributes(values: Mapping[str, str | list[str]]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value]


def _value(value: str | list[str]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [{"stringValue": each} for each in value]}}
