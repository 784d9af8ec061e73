"""Small words that several test files speak: steps of plays, readings of replies, proof that nothing came."""

import itertools

from tests.e2e.client import FRONTS, Modern

PAIRS = [
    ("handshake", "hs-stdio"),
    ("handshake", "hs-http"),
    ("stateless", "sl-stdio"),
    ("stateless", "sl-http"),
]
"""The same-era pairings of client and server."""

_words = itertools.count()


async def connect(gate, era, server, **options):
    """A client of this era before this server alone."""
    return await FRONTS[era](gate.mount(server), **options).initialize()


def call_body(client, note, request_id=1, **more):
    """A call that leaves a note when it is executed."""
    params = {"name": "act", "arguments": {"steps": [{"note": note}]}}
    if isinstance(client, Modern):
        params = client.enveloped(params)
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params, **more}


async def nothing_came(client, record, note="no such note", since=0, name="act"):
    """Assert that no call that leaves `note` was executed: one sent now is, and everything sent before is older."""
    barrier = f"barrier-{next(_words)}"
    reply = await (await client.play(name, {"note": barrier})).reply()
    assert "result" in reply, reply
    await record.wait_note(barrier, since)
    assert note not in record.notes(since)


def progress(n):
    """A step: progress on the call."""
    return {
        "send": {"method": "notifications/progress", "params": {"progressToken": "$token", "progress": n}}
    }


def said(text):
    """A step: the text of the result."""
    return {"reply": {"content": [{"type": "text", "text": text}]}}


def texts(reply):
    """The texts of a tool result."""
    return [block["text"] for block in reply["result"]["content"]]
