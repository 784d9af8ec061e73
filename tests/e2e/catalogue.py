"""A server that uses every optional field of every revision, and fields that no revision knows.

Unknown fields stand at every level under `x-e2e` and in `_meta` under `example.com/...`, because what a revision does
not know yet is what a typed proxy loses.
"""

from typing import Any

from tests.e2e.upstreams.brain import Table

Json = Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
ODD = {
    "text": 'line\u2028separator \u0000 nul \u00e9\u0301 combining \U0001f511 \r\n \\ "quoted" </script>',
    "numbers": [0, -1, 1.5, 1e-7, 2.0, 9007199254740993, -9223372036854775808, 18446744073709551615],
    "empty": ["", [], {}, None, False],
    "": "the empty key",
}
"""Values that a careless re-serialisation changes."""


def unknown(where: str) -> dict[str, Json]:
    """What no revision knows, at one place."""
    return {"x-e2e": {"at": where, "odd": ODD}}


def meta(where: str) -> dict[str, Json]:
    return {"_meta": {"example.com/at": where, "example.com/deep": {"odd": ODD}, "com.example.flag": True}}


def icons(where: str) -> dict[str, Json]:
    image = {"mimeType": "image/png", "sizes": ["48x48", "any"], "theme": "dark", **unknown(f"{where} icon")}
    return {
        "icons": [
            {"src": "https://example.com/icon.png", **image},
            {"src": f"data:image/png;base64,{PIXEL}", "theme": "light"},
        ]
    }


def annotations(where: str) -> dict[str, Json]:
    return {
        "annotations": {
            "audience": ["user", "assistant"],
            "priority": 0.5,
            "lastModified": "2026-07-28T12:00:00Z",
            **unknown(f"{where} annotations"),
        }
    }


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.com/schemas/full",
    "$comment": "kept",
    "type": "object",
    "title": "Arguments",
    "description": "Everything JSON Schema 2020-12 has",
    "properties": {
        "name": {"$ref": "#/$defs/name", "description": "beside a reference"},
        "when": {
            "type": "string",
            "format": "date-time",
            "default": "2026-07-28T00:00:00Z",
            "examples": ["x"],
        },
        "kind": {"enum": ["a", 1, None, 1.5, {"x": []}]},
        "fixed": {"const": {"deep": [True]}},
        "count": {"type": "integer", "minimum": 0, "exclusiveMaximum": 10, "multipleOf": 2},
        "tree": {"$dynamicRef": "#node"},
        "many": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": ["number", "null"]}],
            "items": False,
            "contains": {"minLength": 1},
            "minContains": 1,
            "uniqueItems": True,
        },
        "either": {"oneOf": [{"type": "string", "pattern": "^\\p{L}+$"}, {"not": {"type": "object"}}]},
        "blob": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
    "unevaluatedProperties": {"type": "string"},
    "propertyNames": {"maxLength": 64},
    "required": ["name"],
    "dependentRequired": {"when": ["kind"]},
    "dependentSchemas": {"kind": {"required": ["count"]}},
    "if": {"properties": {"kind": {"const": "a"}}},
    "then": {"required": ["count"]},
    "else": {"$ref": "#/$defs/other"},
    "allOf": [{"anyOf": [True, {"$ref": "#anchored"}]}],
    "$defs": {
        "name": {"$anchor": "anchored", "type": "string", "minLength": 1},
        "other": {"deprecated": True, "readOnly": True, "writeOnly": False},
        "node": {
            "$dynamicAnchor": "node",
            "type": "object",
            "additionalProperties": {"$dynamicRef": "#node"},
        },
    },
    "x-vendor": {"widget": "slider", **unknown("schema")},
}

OUTPUT_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"answer": {"$ref": "#/$defs/answer"}},
    "required": ["answer"],
    "$defs": {"answer": {"type": "object", "if": {"required": ["a"]}, "then": {"maxProperties": 2}}},
    "x-vendor": 1,
}

TOOL = {
    "name": "full",
    "title": "A tool with everything \U0001f511",
    "description": "Uses every field.\n\n```\r\ncode\r\n```",
    "inputSchema": SCHEMA,
    "outputSchema": OUTPUT_SCHEMA,
    "annotations": {
        "title": "Shown",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
        **unknown("tool annotations"),
    },
    "execution": {"taskSupport": "optional", **unknown("execution")},
    **icons("tool"),
    **meta("tool"),
    **unknown("tool"),
}
APP = {
    "name": "app",
    "inputSchema": {"type": "object"},
    "_meta": {
        "ui": {"resourceUri": "ui://e2e/app", "visibility": ["model", "app"], **unknown("ui")},
        "ui/resourceUri": "ui://e2e/app",
    },
}
REGIONAL = {
    "name": "regional",
    "inputSchema": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "near": {
                "type": "object",
                "properties": {"zone": {"type": "integer", "x-mcp-header": "Zone"}},
            },
        },
    },
}
PLAYER = {"name": "act", "inputSchema": {"type": "object", "properties": {"steps": {"type": "array"}}}}
LISTED_ONLY = {"name": "array", "inputSchema": {"type": "object"}, "outputSchema": {"type": "array"}}

PROMPT = {
    "name": "full",
    "title": "A prompt with everything",
    "description": "d",
    "arguments": [
        {"name": "who", "title": "Who", "description": "d", "required": True, **unknown("argument")},
        {"name": "bare"},
    ],
    **icons("prompt"),
    **meta("prompt"),
    **unknown("prompt"),
}
RESOURCE = {
    "uri": "e2e://full/\u00fcml%20aut?q=1#frag",
    "name": "full",
    "title": "A resource with everything",
    "description": "d",
    "mimeType": "text/html;profile=mcp-app",
    "size": 9007199254740993,
    **icons("resource"),
    **annotations("resource"),
    **meta("resource"),
    **unknown("resource"),
}
TEMPLATE = {
    "uriTemplate": "e2e://items/{id}{?q,page}",
    "name": "items",
    "title": "A template with everything",
    "description": "d",
    "mimeType": "application/json",
    **icons("template"),
    **annotations("template"),
    **meta("template"),
    **unknown("template"),
}


def block(kind: str, **fields: Json) -> dict[str, Json]:
    """A content block with everything a block may have."""
    return {"type": kind, **fields, **annotations(kind), **meta(kind), **unknown(kind)}


def inside(**fields: Json) -> dict[str, Json]:
    return {
        "uri": RESOURCE["uri"],
        "mimeType": "text/plain",
        **fields,
        **meta("embedded"),
        **unknown("embedded"),
    }


LINK = {key: value for key, value in RESOURCE.items() if key not in ("annotations", "_meta", "x-e2e")}
CONTENT = [
    block("text", text=ODD["text"]),
    block("image", data=PIXEL, mimeType="image/png"),
    block("audio", data="UklGRg==", mimeType="audio/wav"),
    block("resource_link", **LINK),
    block("resource", resource=inside(text="embedded \u2028 text")),
    block("resource", resource=inside(blob="AAEC")),
    {"type": "x-unknown-block", "x-e2e": ODD},
]
RESULT = {
    "content": CONTENT,
    "structuredContent": {"answer": {"a": 1, "odd": ODD}},
    "isError": False,
    **meta("result"),
    **unknown("result"),
}
ERROR_RESULT = {"content": [block("text", text="it failed")], "isError": True, **unknown("error result")}
ARRAY_RESULT = {"content": [{"type": "text", "text": "[1,2]"}], "structuredContent": [1, {"two": 2.0}]}
PROMPT_RESULT = {
    "description": "d",
    "messages": [{"role": "user", "content": each, **unknown("message")} for each in CONTENT],
    **meta("prompt result"),
    **unknown("prompt result"),
}
READ_RESULT = {
    "contents": [inside(text="a \r\n b"), inside(blob="AAEC")],
    **meta("read result"),
    **unknown("read result"),
}
COMPLETION = {
    "completion": {"values": ["one", "zwei \u00fc"], "total": 7, "hasMore": True, **unknown("completion")},
    **meta("completion"),
    **unknown("completion result"),
}
ERROR = {"code": -32050, "message": "its own \u00e9rror", "data": {"odd": ODD, "uri": "e2e://elsewhere"}}
URL_ERROR = {
    "code": -32042,
    "message": "needs a person",
    "data": {
        "elicitations": [
            {"mode": "url", "elicitationId": "e-1", "url": "https://example.com/x?y", "message": "m", "x": 1}
        ]
    },
}

CAPABILITIES = {
    "tools": {"listChanged": True, **unknown("tools capability")},
    "prompts": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "completions": {},
    "experimental": {"example.com/thing": {"odd": ODD}},
    "extensions": {"example.com/extension": {"version": 3, "odd": ODD}},
}
INFO = {
    "name": "full-server",
    "title": "A server with everything",
    "version": "1.2.3",
    "websiteUrl": "https://example.com",
    "description": "d",
    **icons("server"),
    **unknown("server info"),
}


def full(era: str) -> Table:
    """The server with everything."""
    capabilities = CAPABILITIES if era == "stateless" else {**CAPABILITIES, "logging": {}}
    hello = {"instructions": "Use \u2028 with care.", **meta("hello"), **unknown("hello")}
    return Table(
        era=era,
        info=INFO,
        capabilities=capabilities,
        hello=hello,
        lists={
            "tools/list": [TOOL, APP, REGIONAL, PLAYER, *([LISTED_ONLY] if era == "stateless" else [])],
            "prompts/list": [PROMPT, {"name": "bare"}],
            "resources/list": [RESOURCE, {"uri": "e2e://bare", "name": "bare"}],
            "resources/templates/list": [TEMPLATE, {"uriTemplate": "e2e://bare/{x}", "name": "bare"}],
        },
        extras={
            method: {**meta(method), **unknown(method)}
            for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
        },
        results={
            "tools/call": {
                "full": RESULT,
                "app": ERROR_RESULT,
                "regional": {"content": []},
                **({"array": ARRAY_RESULT} if era == "stateless" else {}),
            },
            "prompts/get": {"full": PROMPT_RESULT},
            "resources/read": {RESOURCE["uri"]: READ_RESULT, "e2e://items/7?q=a": READ_RESULT},
            "completion/complete": {"full": COMPLETION, TEMPLATE["uriTemplate"]: COMPLETION},
        },
        errors={"prompts/get": {"bare": ERROR}, "resources/read": {"e2e://bare": ERROR}},
    )
