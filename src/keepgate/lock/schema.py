"""JSON Schema (2020-12) of `keepgate.lock`, as committed in `docs/keepgate-lock.schema.json`."""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string", "maxLength": 4096}
_TEXTS: Final = {"type": "array", "items": _TEXT, "maxItems": 1000}
_DIGEST: Final = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_PINS: Final = {"type": "object", "additionalProperties": {"$ref": "#/$defs/pin"}, "maxProperties": 10_000}
_TIME: Final = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$"}


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "keepgate.lock",
    "description": "What each MCP server was when it was approved.",
    **_closed(
        {
            "version": {"const": 1},
            "servers": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
                "additionalProperties": {"$ref": "#/$defs/server"},
            },
            "signature": {
                "description": "Ed25519 over the canonical form (RFC 8785) of everything else, both base64.",
                **_closed({"key": _TEXT, "value": _TEXT}, "key", "value"),
            },
        },
        "version",
        "servers",
    ),
    "$defs": {
        "pin": {
            "description": "One definition: digest of the whole and of each field, and what it does.",
            **_closed(
                {
                    "hash": _DIGEST,
                    "fields": {"type": "object", "additionalProperties": _DIGEST},
                    "effects": _TEXTS,
                },
                "hash",
                "fields",
            ),
        },
        "server": _closed(
            {
                "launch": {
                    "description": "How it is started or reached; names of variables and headers only.",
                    "oneOf": [
                        _closed({"command": _TEXTS, "env": _TEXTS}, "command", "env"),
                        _closed({"url": _TEXT, "headers": _TEXTS}, "url", "headers"),
                    ],
                },
                "packages": {
                    "type": "array",
                    "items": _closed({"purl": _TEXT, "integrity": _TEXT}, "purl", "integrity"),
                    "maxItems": 10_000,
                },
                "identity": _closed(
                    {"name": _TEXT, "instructions": {"anyOf": [_DIGEST, {"const": ""}]}},
                    "name",
                    "instructions",
                ),
                "capabilities": _TEXTS,
                "tools": _PINS,
                "prompts": _PINS,
                "resources": _PINS,
                "resourceTemplates": _PINS,
                "verdict": {"enum": ["pass", "fail", "unknown"]},
                "tier": {"enum": ["reference", "official", "community", "unknown"]},
                "evidence": _TEXTS,
                "approved": _closed({"by": _TEXT, "at": _TIME, "until": _TIME, "reason": _TEXT}, "by", "at"),
            },
            "launch",
            "packages",
            "identity",
            "capabilities",
            "tools",
            "prompts",
            "resources",
            "verdict",
            "tier",
            "evidence",
        ),
    },
}
