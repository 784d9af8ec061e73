"""A record as an event of the Open Cybersecurity Schema Framework 1.9: API Activity (6003), profile security_control.

https://schema.ocsf.io/1.9.0/classes/api_activity?profiles=security_control
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keepgate.reports.moments import milliseconds

VERSION: Final = "1.9.0"
_CLASS: Final = 6003
_ACTIVITY: Final = {
    "resources/read": 2,
    "tools/list": 2,
    "resources/list": 2,
    "prompts/list": 2,
    "prompts/get": 2,
}
"""Read; what a tool does is not known: Other."""
_OTHER: Final = 99
_ACTION: Final = {
    "allow": (1, "Allowed"),
    "redact": (4, "Modified"),
    "ask": (2, "Denied"),
    "deny": (2, "Denied"),
}
_DISPOSITION: Final = {
    "allow": (1, "Allowed"),
    "redact": (11, "Corrected"),
    "ask": (2, "Blocked"),
    "deny": (2, "Blocked"),
}


def event(record: Mapping[str, Any], product: str) -> dict[str, Any]:
    """`record` has the principal by name where it is known, and `pseudonym` beside. `product` is our version."""
    effect = record["verdict"]["effect"]
    activity = _ACTIVITY.get(record["method"], _OTHER)
    denied = effect in ("deny", "ask")
    action, disposition = _ACTION.get(effect, (0, "Unknown")), _DISPOSITION.get(effect, (0, "Unknown"))
    made: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": "Read" if activity == 2 else record["method"] or record["kind"],
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "type_uid": _CLASS * 100 + activity,
        "time": milliseconds(record["time"]),
        "severity_id": 3 if record["findings"] and denied else 2 if denied else 1,
        "severity": "Medium" if record["findings"] and denied else "Low" if denied else "Informational",
        "status_id": 2 if denied or record["kind"] == "error" else 1,
        "status": "Failure" if denied or record["kind"] == "error" else "Success",
        "action_id": action[0],
        "action": action[1],
        "disposition_id": disposition[0],
        "disposition": disposition[1],
        "metadata": {
            "version": VERSION,
            "profiles": ["security_control"],
            "product": {"name": "keepgate", "vendor_name": "keepgate", "version": product},
            "uid": f"{record['writer']}/{record['seq']}",
            "correlation_uid": record["trace"],
            "sequence": record["seq"],
            "log_name": record["writer"],
            "original_time": record["time"],
        },
        "actor": {
            "user": {"uid": record.get("pseudonym") or record["principal"] or "keepgate", **_name(record)}
        },
        "api": {
            "operation": record["method"] or record["kind"],
            "service": {"name": record["server"] or "keepgate"},
        },
        "src_endpoint": {"name": record["client"] or "keepgate"},
        "unmapped": {
            "direction": record["direction"],
            "kind": record["kind"],
            "size": record["size"],
            "rules": record["rules"],
            "findings": record["findings"],
            "prev": record["prev"],
        },
    }
    if record["name"]:
        made["resources"] = [{"name": record["name"], "type": record["method"].partition("/")[0]}]
    if record["verdict"]["reason"]:
        made["status_detail"] = record["verdict"]["reason"]
    if record["policy"]:
        made["policy"] = {"uid": record["policy"]}
    if "observed" in record["verdict"]:
        made["unmapped"]["observed"] = record["verdict"]["observed"]
    return made


def _name(record: Mapping[str, Any]) -> dict[str, str]:
    known = record["principal"] and record["principal"] != record.get("pseudonym")
    return {"name": record["principal"]} if known else {}
