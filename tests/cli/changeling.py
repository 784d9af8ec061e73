"""A stdio server that lists what a file says, read anew for each list."""

import json
import sys
from pathlib import Path

OFFER = Path(sys.argv[1])
NAMED = {"tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources"}

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    offer = json.loads(OFFER.read_text())
    method, result = message["method"], None
    if method == "initialize":
        result = {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {key: {} for key in offer["capabilities"]},
            "serverInfo": {"name": offer["name"], "version": "1"},
            "instructions": offer["instructions"],
        }
    elif method in NAMED:
        result = {NAMED[method]: offer.get(NAMED[method], [])}
    elif method == "resources/templates/list":
        result = {"resourceTemplates": []}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": "done"}]}
    answer = (
        {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
    )
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
