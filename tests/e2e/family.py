"""A stdio server with relatives, as launchers such as npx leave them: `family.py ROLE TOKEN`.

    launcher    starts `server` on its own pipes and waits for it; does not care that its stdin ends
    server      answers every request; starts a `child` in a session of its own and ignores SIGTERM, SIGHUP and the end
                of its stdin
    gentle      the same, but ends when its stdin does, without a thought for its child
    child       does nothing for as long as it is let, whatever it is told

No shell, no keepgate, no project imports: it must start fast.
"""

import json
import os
import signal
import subprocess
import sys


def deaf():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def rest():
    while True:
        signal.pause()


def relative(role, token, **options):
    return subprocess.Popen([sys.executable, "-S", "-E", os.path.abspath(__file__), role, token], **options)


def answer(message):
    if message["method"] == "initialize":
        version = message["params"]["protocolVersion"]
        hello = {"capabilities": {"tools": {}}, "serverInfo": {"name": "family", "version": "1"}}
        return {"result": {"protocolVersion": version, **hello}}
    if message["method"] == "tools/list":
        return {"result": {"tools": [{"name": "act", "inputSchema": {"type": "object"}}]}}
    if message["method"] == "tools/call":
        return {"result": {"content": [{"type": "text", "text": "done"}]}}
    return {"error": {"code": -32601, "message": "Method not found"}}


def serve(token):
    null = subprocess.DEVNULL
    relative("child", token, stdin=null, stdout=null, stderr=null, start_new_session=True)
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "id" in message and "method" in message:
            reply = {"jsonrpc": "2.0", "id": message["id"], **answer(message)}
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()


def main(role, token):
    if role == "launcher":
        deaf()
        relative("server", token).wait()
        rest()
    elif role == "gentle":
        serve(token)
    elif role == "server":
        deaf()
        serve(token)
        rest()
    else:
        deaf()
        rest()


if __name__ == "__main__":
    main(*sys.argv[1:])
