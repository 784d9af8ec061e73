"""A stdio server that cannot keep a secret: it prints $TELL wherever it can, in every form."""

import base64
import json
import os
import sys

SECRET = os.environ["TELL"]


def answer(message):
    if message["method"] == "initialize":
        hello = {"capabilities": {"tools": {}}, "serverInfo": {"name": "teller", "version": "1"}}
        return {"result": {"protocolVersion": message["params"]["protocolVersion"], **hello}}
    if message["method"] == "tools/list":
        return {"result": {"tools": [{"name": "env", "inputSchema": {"type": "object"}}]}}
    if message["method"] == "tools/call":
        coded = base64.b64encode(f"user:{SECRET}".encode()).decode()
        text = json.dumps({"TELL": SECRET, "basic": coded, "length": len(SECRET)})
        return {
            "result": {"content": [{"type": "text", "text": text}], "structuredContent": {"TELL": SECRET}}
        }
    return {"error": {"code": -32601, "message": f"no {SECRET}"}}


for line in sys.stdin:
    message = json.loads(line)
    print(f"debug: TELL={SECRET}", file=sys.stderr, flush=True)
    print(f"not json: {SECRET}", flush=True)
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer(message)}), flush=True)
        if message["method"] == "tools/call" and message["params"]["arguments"].get("die"):
            sys.exit(f"fatal: {SECRET}")
