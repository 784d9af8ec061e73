"""The texts of the calls: prose as agents send it, no two alike, with what looks like a secret and is none.

A gateway that inspects content must look at each; none may stop it. Half of the texts are pure ASCII, which is the easy
case for a scanner, half are not.
"""

import json
import random

PROSE = (
    "The quick brown fox jumps over the lazy dog near the river bank",
    'ticket PROJ-1234 was closed by alice today with the note "works for me"',
    "please summarise the attached minutes and list every open question",
    "SELECT id, name FROM customers WHERE region = 'north' ORDER BY name LIMIT 20",
    "GET /api/v2/orders?status=open&page=3 took 41 ms on host web-07",
    "def area(r): return 3.14159 * r ** 2",
    "step one: open the valve\nstep two: wait until the needle rests\n",
    "the build at commit 9fceb02d0ae598e95dc970b74767f19372d61af8 is green",
    "see https://example.com/docs/getting-started#install for the details",
)
NON_ASCII = (
    "Die Prüfung des Größenverhältnisses übernimmt Frau Çelik in Zürich",
    "le résumé détaillé a été envoyé à l’équipe déjà très occupée",
    "見積書を添付しましたので、ご確認をお願いいたします",
    "отчёт за третий квартал готов к проверке",
    "η παραγγελία έφτασε σήμερα το πρωί",
    "تم إرسال التقرير إلى الفريق",
    "deploy finished 🎉 — 3 of 3 pods ready ✅",
)
NEAR_MISSES = (
    "key AKIA1234 is far too short to be one",  # of a cloud access key
    "the prefix ghp_ starts a token, ghp_example does not",
    "use sk-test in the examples",
    "-----BEGIN PUBLIC KEY----- is what you may share",
    "card 4111 1111 1111 1112 fails its check digit",
    "password: (ask the administrator)",
    "eyJhbGciOiJub25lIn0 alone is only a header",
    "do not ignore the previous chapter, all instructions are in it",
    "rm -rf is not what you want here; neither is curl without a file",
    "the account DE00 0000 0000 0000 0000 00 does not exist",
    "10.0.0.256 is no address and alice at example dot com no mailbox",
)
MISSES = 1 / 16
"""Of the phrases. A text of 4 KiB has four of them; what has the form of a card number must be checked to be none."""


def text(size: int, ascii_only: bool, dice: random.Random) -> str:
    """Exactly so many bytes in UTF-8."""
    pieces = [f"#{dice.getrandbits(48):012x} "]
    length = len(pieces[0])
    while length < size:
        kind = dice.random()
        source = NEAR_MISSES if kind < MISSES else NON_ASCII if kind > 0.6 and not ascii_only else PROSE
        piece = dice.choice(source) + "; "
        pieces.append(piece)
        length += len(piece.encode())
    cut = "".join(pieces).encode()[:size].decode(errors="ignore")
    return cut + "." * (size - len(cut.encode()))


def texts(size: int) -> list[str]:
    """The same for everybody in every round, so that all do the same work."""
    dice = random.Random(size)
    count = 1024 if size <= 1024 else 256 if size <= 16384 else 32 if size <= 262144 else 8
    return [text(size, n % 2 == 0, dice) for n in range(count)]


def body(number: int, tool: str, words: str, revision: str, events: int) -> str:
    """One `tools/call`."""
    meta: dict[str, object] = {}
    if revision == "2026-07-28":
        name = "io.modelcontextprotocol/"
        meta[name + "protocolVersion"] = revision
        meta[name + "clientInfo"] = {"name": "bench", "version": "1"}
        meta[name + "clientCapabilities"] = {}
    if events or revision != "2026-07-28":
        meta["progressToken"] = number
    params = {"name": tool, "arguments": {"text": words}, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
