"""Traps of JSON-RPC and framing: each test says what a naive forwarder does, and some prove it on one (`naive.py`).

That a server was not reached is shown by a later call that did reach it: `nothing_came` sends one and looks at the
record up to there.
"""

import asyncio
import gzip
import json

import pytest

from tests.e2e.client import STATELESS, Exchange, Handshake, Pipe, conversation, encode
from tests.e2e.naive import naive_pipe
from tests.e2e.talk import PAIRS, call_body, connect, nothing_came, progress, said, texts
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_stdio
from tests.support.processes import KEEPGATE, clean_env

pairs = pytest.mark.parametrize(("era", "server"), PAIRS)
eras = pytest.mark.parametrize(("era", "server"), [("handshake", "hs-http"), ("stateless", "sl-http")])


# CR smuggling


def smuggling(client, note):
    """One valid JSON object; a reader that takes a bare CR for a line end sees a second request inside."""
    inner = encode({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "secret"}})
    steps = encode({"name": "secret", "arguments": {"steps": [{"note": note}]}})
    inner = inner.replace(encode({"name": "secret"}), steps)
    outer = encode(call_body(client, "outer"))
    return outer.replace(b'"steps":', b'"bait": \r' + inner + b'\r, "steps":')


@pytest.mark.parametrize(("era", "server"), [("handshake", "hs-stdio"), ("stateless", "sl-stdio")])
@conversation
async def test_a_request_between_carriage_returns_stays_data(everything, era, server, unique):
    """A naive forwarder writes the bytes, CR included, to the server's pipe; there the inner request runs unseen."""
    client, record = await connect(everything, era, server), everything.record(server)
    exchange = await client.post(smuggling(client, unique))
    assert "result" in await exchange.reply()
    await nothing_came(client, record, unique)
    lines = [event["body"] for event in record.all() if event["event"] == "line"]
    assert any(unique in line for line in lines), "the bait itself must have arrived, as data"
    assert not [line for line in lines if "\r" in line]


@conversation
async def test_a_naive_forwarder_lets_the_smuggled_request_run(tmp_path, unique):
    server = over_stdio(tmp_path, "behind-naive", Table(), bare_cr=True)
    async with naive_pipe(server.entry["command"]) as url:
        refused = await Exchange.open(url, "POST", {}, encode({"id": 1, "params": {"name": "secret"}}))
        assert await refused.head() == 403
        await Exchange.open(url, "POST", {}, smuggling(None, unique))
        await server.record.wait_note(unique)


# One reading only

DUPLICATES = {
    "method": '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{P}}',
    "name": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"visible",P}}',
    "deep": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{P,"x":[{"a":{"b":1,"b":2}}]}}',
    "escaped": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{P,"x":{"a":1,"\\u0061":2}}}',
    "id": '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{P}}',
    "version": '{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"method":"tools/call","params":{P}}',
}


def inside_params(client, note):
    """The params of a call as text without braces."""
    return json.dumps(call_body(client, note)["params"])[1:-1]


@pytest.mark.parametrize("where", DUPLICATES)
@eras
@conversation
async def test_a_repeated_key_is_refused_at_any_depth(everything, era, server, where, unique):
    """A naive forwarder decides on the last (or first) of two keys, the server behind it may take the other one."""
    client = await connect(everything, era, server)
    body = DUPLICATES[where].replace("P", inside_params(client, unique), 1)
    exchange = await client.post(body.encode())
    reply = await exchange.reply()
    assert (exchange.status, reply["error"]["code"]) == (400, -32700)
    await nothing_came(client, everything.record(server), unique)


UNREADABLE = {
    "utf-16-le": lambda body: body.decode().encode("utf-16-le"),
    "utf-16 with BOM": lambda body: body.decode().encode("utf-16"),
    "utf-32": lambda body: body.decode().encode("utf-32"),
    "utf-8 with BOM": lambda body: b"\xef\xbb\xbf" + body,
    "gzip without saying so": gzip.compress,
    "invalid utf-8": lambda body: body.replace(b'"act"', b'"act\xff"'),
    "overlong utf-8": lambda body: body.replace(b'"act"', b'"\xc1\xa1ct"'),
    "surrogate in utf-8": lambda body: body.replace(b'"act"', b'"\xed\xa0\x80"'),
    "lone surrogate escape": lambda body: body.replace(b'"act"', b'"act", "x": "\\ud800"'),
    "NaN": lambda body: body.replace(b'"act"', b'"act", "x": NaN'),
    "infinity": lambda body: body.replace(b'"act"', b'"act", "x": -Infinity'),
    "number out of range": lambda body: body.replace(b'"act"', b'"act", "x": 1e4000'),
    "integer beyond 64 bits": lambda body: body.replace(b'"act"', b'"act", "x": 1' + b"0" * 30),
    "comment": lambda body: body.replace(b'"act"', b'"act" /* x */'),
    "trailing comma": lambda body: body.replace(b'"act"', b'"act",}').replace(b'"act",}', b'"act",'),
    "two values": lambda body: body + body,
    "cut short": lambda body: body[:-1],
    "raw control character": lambda body: body.replace(b'"act"', b'"act", "x": "\x01"'),
    "nothing": lambda body: b"",
    "too deep": lambda body: body.replace(b'"act"', b'"act", "x": ' + b"[" * 100 + b"]" * 100),
    "far too deep": lambda body: body.replace(b'"act"', b'"act", "x": ' + b"[" * 50_000 + b"]" * 50_000),
}


@pytest.mark.parametrize("spoiled", UNREADABLE)
@eras
@conversation
async def test_what_two_parsers_could_read_differently_is_refused(everything, era, server, spoiled, unique):
    """A naive forwarder passes on what its own lenient parser took, for the server's parser to read otherwise."""
    client = await connect(everything, era, server)
    body = UNREADABLE[spoiled](encode(call_body(client, unique)))
    if spoiled == "trailing comma":
        body = encode(call_body(client, unique)).replace(b"}}}", b",}}}", 1)
    exchange = await client.post(body)
    reply = await exchange.reply()
    assert exchange.status == 400
    assert reply["error"]["code"] in (-32700, -32600)
    await nothing_came(client, everything.record(server), unique)


BAD_HEADS = {
    "gzip": ({"Content-Encoding": "gzip"}, 415),
    "jsonp": ({"Content-Type": "application/jsonp"}, 415),
    "json prefix": ({"Content-Type": "application/json-patch+json"}, 415),
    "plain text": ({"Content-Type": "text/plain"}, 415),
    "other charset": ({"Content-Type": "application/json; charset=utf-16"}, 415),
    "no type": ({"Content-Type": None}, 415),
    "two types": ({"Content-Type": ["application/json", "text/plain"]}, 400),
    "accepts neither": ({"Accept": "text/html"}, 406),
}


@pytest.mark.parametrize("case", BAD_HEADS)
@eras
@conversation
async def test_a_body_of_another_kind_is_refused(everything, era, server, case, unique):
    """A naive forwarder does not look, or looks only whether the type begins with `application/json`."""
    client = await connect(everything, era, server)
    headers, status = BAD_HEADS[case]
    body = encode(call_body(client, unique))
    exchange = await client.post(gzip.compress(body) if case == "gzip" else body, headers)
    assert await exchange.head() == status
    await exchange.close()
    await nothing_came(client, everything.record(server), unique)


@eras
@conversation
async def test_a_body_over_the_limit_is_refused(everything, era, server, unique):
    """A naive forwarder buffers whatever comes."""
    client = await connect(everything, era, server)
    body = encode(call_body(client, unique)).replace(b'"act"', b'"act", "x": "' + b"x" * (4 << 20) + b'"')
    exchange = await client.post(body)
    assert await exchange.head() == 413
    await exchange.close()
    await nothing_came(client, everything.record(server), unique)


# What is no request

NO_REQUESTS = {
    "method and result": {"result": {}},
    "method and error": {"error": {"code": 1, "message": "x"}},
    "params as array": {"params": ["act"]},
    "params as string": {"params": "act"},
    "params null": {"params": None},
    "no version": {"jsonrpc": None},
    "old version": {"jsonrpc": "1.0"},
    "version as number": {"jsonrpc": 2.0},
    "method as number": {"method": 7},
    "method empty": {"method": ""},
    "id null": {"id": None},
    "id true": {"id": True},
    "id 1.0": {"id": 1.0},
    "id 1.5": {"id": 1.5},
    "id object": {"id": {}},
    "id array": {"id": [1]},
    "id very long": {"id": "x" * 5000},
}


@pytest.mark.parametrize("case", NO_REQUESTS)
@eras
@conversation
async def test_what_is_no_request_is_refused_and_said_so(everything, era, server, case, unique):
    """A naive forwarder passes it on; the SDK's old server answers 202 to a null id and drops the call in silence."""
    client = await connect(everything, era, server)
    exchange = await client.post(call_body(client, unique, **NO_REQUESTS[case]))
    reply = await exchange.reply()
    assert (exchange.status, reply["error"]["code"]) == (400, -32600)
    await nothing_came(client, everything.record(server), unique)


@pairs
@conversation
async def test_a_call_without_an_id_is_never_executed(everything, era, server, unique):
    """It is a notification of a method that has none. A naive forwarder passes it on, and the server may run it."""
    client, record = await connect(everything, era, server), everything.record(server)
    since = record.mark()
    body = call_body(client, unique)
    del body["id"]
    exchange = await client.post(body)
    assert await exchange.head() in (202, 400)
    await exchange.close()
    await nothing_came(client, record, unique, since)
    assert not [m for m in record.messages("tools/call", since) if "id" not in m]


METHODS = {
    "handshake": (
        "tools/call , tools/call,Tools/Call,tools/call\u200b,tools\\call,rpc.discover,server/discover,"
        "subscriptions/listen,tasks/list,tasks/get,resources/write,shutdown"
    ).split(","),
    "stateless": (
        "tools/call ,Tools/Call,tools/call\u200b,ping,logging/setLevel,tasks/get,resources/subscribe,initialize,"
        "resources/write,roots/list,sampling/createMessage"
    ).split(","),
}


@pytest.mark.parametrize(
    ("era", "server", "method"),
    [(e, s, m) for e, s in PAIRS if s.endswith("http") for m in METHODS[e]],
)
@conversation
async def test_a_method_the_revision_does_not_have_is_refused(everything, era, server, method, unique):
    """A naive forwarder passes on what it does not know; one that normalises turns `tools/call ` into a call."""
    client, record = await connect(everything, era, server), everything.record(server)
    params = {"name": "act", "arguments": {"steps": [{"note": unique}]}}
    extra = (
        {"Mcp-Method": method.strip() if method.isascii() else f"{encode(method)!r}"}
        if era == "stateless"
        else None
    )
    since = record.mark()
    exchange = await client.start(method, params, extra=extra)
    reply = await exchange.reply()
    if era == "stateless" and (method != method.strip() or not method.isascii()):
        assert (exchange.status, reply["error"]["code"]) == (400, -32020)
    else:
        assert reply["error"]["code"] == -32601
        assert exchange.status == (404 if era == "stateless" else 200)
    await nothing_came(client, record, unique, since)
    assert not record.messages(method, since)


# Batches


@conversation
async def test_a_2025_03_26_client_may_batch(everything, unique):
    """Two calls and a notification in one POST: both are executed, one array answers."""
    client = await Handshake(everything.mount("hs-http"), revision="2025-03-26").initialize()
    calls = [call_body(client, f"{unique}-{n}", n) for n in ("a", 1)]
    exchange = await client.post(
        [calls[0], {"jsonrpc": "2.0", "method": "notifications/cancelled"}, calls[1]]
    )
    (replies,) = await exchange.messages()
    assert {(type(r["id"]), r["id"]) for r in replies} == {(str, "a"), (int, 1)}
    assert all("result" in reply for reply in replies)
    assert {f"{unique}-a", f"{unique}-1"} <= set(everything.record("hs-http").notes())


BATCHES = {
    "empty": lambda one: [],
    "number inside": lambda one: [1],
    "batch inside": lambda one: [[one]],
    "initialize inside": lambda one: [one, {"jsonrpc": "2.0", "id": 9, "method": "initialize", "params": {}}],
    "bad id inside": lambda one: [one, {**one, "id": 1.5}],
    "too many": lambda one: [{**one, "id": n} for n in range(51)],
}


@pytest.mark.parametrize("case", BATCHES)
@conversation
async def test_a_bad_batch_is_refused_as_a_whole(everything, case, unique):
    """A naive forwarder takes the messages one by one and has executed some before it meets the bad one."""
    client = await Handshake(everything.mount("hs-http"), revision="2025-03-26").initialize()
    exchange = await client.post(BATCHES[case](call_body(client, unique)))
    reply = await exchange.reply()
    assert (exchange.status, reply["error"]["code"]) == (400, -32600)
    await nothing_came(client, everything.record("hs-http"), unique)


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-06-18", "2025-11-25", STATELESS])
@conversation
async def test_no_other_revision_has_batches(everything, revision, unique):
    """A naive forwarder passes an array on after looking at nothing in it."""
    era, server = ("stateless", "sl-http") if revision == STATELESS else ("handshake", "hs-http")
    options = {} if revision == STATELESS else {"revision": revision}
    client = await connect(everything, era, server, **options)
    exchange = await client.post([call_body(client, unique)])
    reply = await exchange.reply()
    assert (exchange.status, reply["error"]["code"]) == (400, -32600)
    await nothing_came(client, everything.record(server), unique)


@conversation
async def test_a_batch_cannot_borrow_the_revision_of_its_header(everything, unique):
    """The session speaks 2025-11-25; a header that says 2025-03-26 does not open the door."""
    client = await Handshake(everything.mount("hs-http")).initialize()
    exchange = await client.post([call_body(client, unique)], {"MCP-Protocol-Version": "2025-03-26"})
    assert (await exchange.reply())["error"]["code"] == -32600
    await nothing_came(client, everything.record("hs-http"), unique)


# Ids


@pairs
@conversation
async def test_ids_7_and_the_string_7_in_flight_at_once_keep_apart(everything, era, server, unique):
    """A naive forwarder keys by `str(id)`: one call hangs, and its notifications land on the other."""
    client, record = await connect(everything, era, server), everything.record(server)
    number, string = f"{unique}-number", f"{unique}-string"
    first = await client.play(
        "act",
        {"note": number},
        {"hold": number},
        progress(1),
        said(number),
        request_id=7,
        _meta={"progressToken": 7},
    )
    second = await client.play(
        "act", {"note": string}, {"hold": string}, progress(2), said(string), request_id="7",
        _meta={"progressToken": "7"},
    )  # fmt: skip
    await record.wait_note(number)
    await record.wait_note(string)
    record.open_gate(string)
    heard = await second.messages()
    assert [m["params"]["progressToken"] for m in heard[:-1]] == ["7"]
    assert (heard[-1]["id"], texts(heard[-1])) == ("7", [string])
    record.open_gate(number)
    heard = await first.messages()
    assert [m["params"]["progressToken"] for m in heard[:-1]] == [7]
    assert (heard[-1]["id"], texts(heard[-1])) == (7, [number])


@conversation
async def test_a_naive_forwarder_mixes_7_up_with_the_string_7(tmp_path, unique):
    server = over_stdio(tmp_path, "behind-naive", Table())
    async with naive_pipe(server.entry["command"]) as url:
        bodies = {}
        for request_id in (7, "7"):
            note = f"{unique}-{request_id!r}"
            params = {"name": "act", "arguments": {"steps": [{"note": note}, {"hold": unique}, said(note)]}}
            body = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}
            bodies[note] = await Exchange.open(url, "POST", {}, encode(body))
            await server.record.wait_note(note)
        server.record.open_gate(unique)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(each.reply() for each in bodies.values())), 0.5)
        for each in bodies.values():
            await each.close()


@pairs
@conversation
async def test_two_clients_that_both_use_id_1_get_their_own_answers(everything, era, server, unique):
    """A naive forwarder hands the first answer with id 1 to whoever asked last."""
    record = everything.record(server)
    clients = [await connect(everything, era, server) for _ in range(2)]
    running = []
    for number, client in enumerate(clients):
        word = f"{unique}-{number}"
        running.append(
            await client.play(
                "act", {"note": word}, {"hold": word}, progress(number), said(word), request_id=1,
                _meta={"progressToken": "same"},
            )
        )  # fmt: skip
        await record.wait_note(word)
    for number in (1, 0):
        record.open_gate(f"{unique}-{number}")
        notification, reply = await running[number].messages()
        assert notification["params"] == {"progressToken": "same", "progress": number}
        assert (reply["id"], texts(reply)) == (1, [f"{unique}-{number}"])


@pairs
@conversation
async def test_one_client_may_use_id_1_for_everything_at_once(everything, era, server, unique):
    """Reported of a major hosted client. A naive forwarder overwrites the first waiting call with the second."""
    client, record = await connect(everything, era, server), everything.record(server)
    running = []
    for number in range(3):
        word = f"{unique}-{number}"
        running.append(await client.play("act", {"note": word}, {"hold": word}, said(word), request_id=1))
        await record.wait_note(word)
    for number in (1, 2, 0):
        record.open_gate(f"{unique}-{number}")
        reply = await running[number].reply()
        assert (reply["id"], texts(reply)) == (1, [f"{unique}-{number}"])


@pairs
@conversation
async def test_no_id_is_ever_used_twice_towards_a_server(everything, era, server):
    """The rule that a retry has a new id breaks if each session starts again at 1."""
    record = everything.record(server)
    since = record.mark()
    for _ in range(3):
        client = await connect(everything, era, server)
        for request_id in (1, "1", 1):
            reply = await client.call(
                "tools/call", {"name": "act", "arguments": {"steps": [{"note": "here"}]}}, request_id
            )
            assert "result" in reply
    sent = [m["id"] for m in record.messages(since=since) if "method" in m and "id" in m]
    assert len(sent) == len(set(sent)) >= 9
    assert all(type(each) is int for each in sent)


# Replies that nobody waits for


@pairs
@conversation
async def test_a_reply_with_an_unknown_id_is_dropped(everything, era, server, unique):
    """A naive forwarder passes it on, and the client takes it for the answer to one of its own ids."""
    client = await connect(everything, era, server)
    stray = [{"foreign": {"id": each, "result": {"content": []}}} for each in (1, "1", 999_999)]
    exchange = await client.play(
        "act", progress(1), *stray, progress(2), said(unique), request_id=1, _meta={"progressToken": 1}
    )
    heard = await exchange.messages()
    assert [m.get("method") for m in heard] == ["notifications/progress"] * 2 + [None]
    assert (heard[-1]["id"], texts(heard[-1])) == (1, [unique])


@pytest.mark.parametrize(("era", "server"), [("handshake", "hs-http"), ("stateless", "sl-http")])
@conversation
async def test_a_server_cannot_answer_one_call_on_the_stream_of_another(everything, era, server, unique):
    """Over HTTP a reply counts only on the stream of its own request. A naive forwarder looks at the id alone."""
    client, record = await connect(everything, era, server), everything.record(server)
    victim = await client.play("act", {"note": unique}, {"hold": unique}, said("true"))
    await record.wait_note(unique)
    theirs = next(
        m["id"]
        for m in record.messages("tools/call")
        if {"note": unique} in m["params"].get("arguments", {}).get("steps", [])
    )
    forged = {"id": theirs, "result": {"content": [{"type": "text", "text": "forged"}]}}
    attack = await client.play(
        "act", progress(1), {"foreign": forged}, said("own"), _meta={"progressToken": 1}
    )
    assert texts(await attack.reply()) == ["own"]
    record.open_gate(unique)
    assert texts(await victim.reply()) == ["true"]


@pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
@conversation
async def test_an_answer_of_the_client_to_no_question_is_dropped(everything, server, unique):
    """A naive forwarder delivers it: a client could answer questions that were put to somebody else."""
    asker, record = (
        await connect(everything, "handshake", server, capabilities={"sampling": {}}),
        everything.record(server),
    )
    other = await connect(everything, "handshake", server, capabilities={"sampling": {}})
    question = {"ask": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}}
    exchange = await asker.play("act", {"note": unique}, question, said("asked"))
    asked = await exchange.until(lambda m: m.get("method") == "sampling/createMessage")
    since = record.mark()
    answer = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "other"}}
    for client, request_id in [(other, asked["id"]), (asker, str(asked["id"])), (asker, 12345), (asker, "x")]:
        assert await client.answer(request_id, result=answer) == 202
    await nothing_came(other, record, since=since)
    assert not [m for m in record.messages(since=since) if "result" in m or "error" in m]
    assert await asker.answer(asked["id"], result={**answer, "x-e2e": "true"}) == 202
    assert texts(await exchange.until(lambda m: "result" in m)) == ["asked"]
    assert await asker.answer(asked["id"], result={**answer, "x-e2e": "again"}) == 202
    await nothing_came(asker, record, since=since)
    answers = [m["result"].get("x-e2e") for m in record.messages(since=since) if "result" in m]
    assert answers == ["true"]


@conversation
async def test_the_stateless_era_takes_no_answers_from_clients(everything):
    """A naive forwarder passes them on."""
    client, record = await connect(everything, "stateless", "sl-http"), everything.record("sl-http")
    since = record.mark()
    for message in ({"id": 1, "result": {}}, {"id": 1, "error": {"code": 1, "message": "x"}}):
        exchange = await client.post({"jsonrpc": "2.0", **message})
        assert await exchange.head() == 400
        await exchange.close()
    await nothing_came(client, record, since=since)
    assert not [m for m in record.messages(since=since) if "method" not in m]


# What a server sends that its revision does not have

SERVER_METHODS = [
    "tools/call",
    "tools/list",
    "e2e/unknown",
    "sampling/createMessage ",
    "tasks/get",
    "server/discover",
]


@pairs
@conversation
async def test_unknown_requests_of_a_server_are_refused(everything, era, server, unique):
    """A naive forwarder passes on any method: a server could make the client run it."""
    client, record = await connect(everything, era, server), everything.record(server)
    names = SERVER_METHODS + (["ping", "sampling/createMessage", "roots/list"] if era == "stateless" else [])
    asked = [{"ask": {"method": name, "params": {}, "id": f"{unique} {name}"}} for name in names]
    exchange = await client.play("act", *asked, progress(1), said("done"), _meta={"progressToken": 1})
    heard = await exchange.messages()
    assert [m.get("method") for m in heard] == ["notifications/progress", None]
    answers = {m["id"]: m for m in record.messages() if "method" not in m and str(m["id"]).startswith(unique)}
    assert {f"{unique} {name}" for name in names} == set(answers)
    assert {answer["error"]["code"] for answer in answers.values()} == {-32601}


@pairs
@conversation
async def test_unknown_notifications_of_a_server_are_dropped(everything, era, server):
    """A naive forwarder passes them on to a client that may act on them."""
    client = await connect(everything, era, server)
    stray = [{"send": {"method": f"notifications/{name}"}} for name in ("initialized", "x", "tasks/status")]
    exchange = await client.play("act", *stray, progress(1), said("done"), _meta={"progressToken": 1})
    assert [m.get("method") for m in await exchange.messages()] == ["notifications/progress", None]


GARBAGE = [
    "not json",
    '{"jsonrpc":"2.0","id":1,"id":2,"result":{}}',
    "[]",
    '{"jsonrpc":"2.0"}',
    "\ufeff{}",
    "\x00",
]


@pytest.mark.parametrize(("era", "server"), [("handshake", "hs-stdio"), ("stateless", "sl-stdio")])
@conversation
async def test_garbage_on_a_servers_pipe_disturbs_nobody(everything, era, server):
    """Some servers print to stdout. A naive forwarder passes it on, or dies."""
    client = await connect(everything, era, server)
    garbage = [{"wire": text} for text in GARBAGE]
    exchange = await client.play("act", progress(1), *garbage, said("done"), _meta={"progressToken": 1})
    heard = await exchange.messages()
    assert [m.get("method") for m in heard] == ["notifications/progress", None]


@pytest.mark.parametrize("text", GARBAGE[:4])
@pytest.mark.parametrize(("era", "server"), [("handshake", "hs-http"), ("stateless", "sl-http")])
@conversation
async def test_garbage_on_a_reply_stream_ends_the_call_with_an_error(everything, era, server, text):
    """A naive forwarder passes the bytes on to the client's parser."""
    client = await connect(everything, era, server)
    exchange = await client.play("act", {"wire": text}, said("done"))
    reply = await exchange.reply()
    assert reply["result"]["isError"] is True
    assert "invalid" in texts(reply)[0]


# Framing

REPLY = ['{"jsonrpc":"2.0",', '"id":$id,', '"result":{"content":[{"type":"text","text":"a\u2028b\\fc"}]}}']
CR, LF, CRLF = "\r", "\n", "\r\n"


def event(end, *between, parts=tuple(REPLY)):
    """One event whose lines end so, with other lines between its lines of data."""
    lines = [f"data: {part}" for part in parts]
    return end.join([lines[0], *between, *lines[1:]]) + end + end


STREAMS = {
    "CR": event(CR),
    "LF": event(LF),
    "CRLF": event(CRLF),
    "comments between": event(CRLF, ":comment", ": comment"),
    "unknown fields between": event(LF, "foo: bar", "retry: soon", "data-x: 1"),
    "an empty event and an id before": f": hello{LF}{LF}id: 1{LF}data{LF}{LF}{event(CR)}",
    "in one line": event(LF, parts=("".join(REPLY),)),
}


@pytest.mark.parametrize("case", STREAMS)
@pytest.mark.parametrize(("era", "server"), [("handshake", "hs-http"), ("stateless", "sl-http")])
@conversation
async def test_an_event_stream_is_cut_where_the_specification_says(everything, era, server, case):
    """CR, LF and CRLF end a line, U+2028 and form feed do not; data lines are joined, comments are nothing. A reader
    with a Unicode line splitter sees other messages than its peer."""
    client = await connect(everything, era, server)
    exchange = await client.play("act", {"raw": STREAMS[case]}, {"hang_up": True})
    assert texts(await exchange.reply()) == ["a\u2028b\x0cc"]


@pytest.mark.parametrize("revision", ["2025-11-25", STATELESS])
@conversation
async def test_bad_lines_on_a_pipe_are_refused_and_the_pipe_lives_on(
    everything, revision, unique, pipe_config
):
    """The front for clients that launch a command. A naive forwarder is the pipe itself."""
    server = "sl-http" if revision == STATELESS else "hs-stdio"
    record = everything.record(server)
    since = record.mark()
    command = [*KEEPGATE, "stdio", "--config", str(pipe_config)]
    async with Pipe.start(
        *command, log=pipe_config.with_suffix(".log"), env=clean_env(pipe_config.parent)
    ) as client:
        meta = {}
        if revision == STATELESS:
            meta = (await connect(everything, "stateless", server)).enveloped({})["_meta"]
            assert "result" in await client.call("server/discover", {"_meta": meta})
        else:
            await client.initialize(revision)
        name = f"{server}_act"
        call = {"name": name, "arguments": {"steps": [{"note": unique}]}, "_meta": meta}
        whole = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call}
        for spoil in ("utf-16 with BOM", "invalid utf-8", "NaN", "cut short", "far too deep"):
            body = encode(whole).replace(encode(name), b'"act"')
            client.write(UNREADABLE[spoil](body).replace(b"\n", b" "))
            assert (await client.message())["error"]["code"] in (-32700, -32600), spoil
        client.write(encode(whole).replace(b'"id": 5', b'"id": 5, "id": 6'))
        assert (await client.message())["error"]["code"] == -32700
        for bad in (None, True, 1.5):
            client.send({**whole, "id": bad})
            assert (await client.message())["error"]["code"] == -32600
        client.send({key: value for key, value in whole.items() if key != "id"})
        client.send([whole])
        assert (await client.message())["error"]["code"] == -32600
        call["arguments"] = {"steps": [said("alive")]}
        assert texts(await client.call("tools/call", call)) == ["alive"]
        assert unique not in record.notes(since)


# What nobody may be made to fetch


@eras
@conversation
async def test_nothing_that_a_server_points_to_is_fetched(everything, era, server, unique):
    """`$ref`s, icons and links of a server lead wherever it wants. A naive validator resolves them."""
    client, record = await connect(everything, era, server), everything.record(server)
    trap = everything.upstreams["hs-http"].entry["url"].replace("/mcp", f"/{unique}")
    schema = {"type": "object", "properties": {"a": {"$ref": trap}}, "$schema": trap, "$id": trap}
    table = everything.upstreams[server].table.lists
    tool = {
        "name": unique,
        "inputSchema": schema,
        "outputSchema": {**schema, "$ref": trap},
        "icons": [{"src": trap}],
    }
    foreign = {"name": f"{unique}f", "inputSchema": {"type": "object", "properties": {"a": {"$ref": trap}}}}
    tools = [*table["tools/list"], tool, foreign]
    await (await client.play("act", {"set": {"lists": {**table, "tools/list": tools}}})).reply()
    listed: list[dict] = []
    async with asyncio.timeout(20):  # a list that was fetched before is good for as long as its server said
        while foreign not in listed:
            await asyncio.sleep(0.2)
            listed = (await client.call("tools/list"))["result"]["tools"]
    assert tool in listed
    links = [{"type": "resource_link", "name": "x", "uri": trap}]
    steps = {"steps": [{"reply": {"content": links, "structuredContent": {"a": {}}}}], "a": {}}
    assert (await client.tool(unique, steps))["result"]["content"] == links
    refused = (await client.tool(f"{unique}f", steps))["result"]
    assert refused["isError"]
    assert "which is not fetched" in refused["content"][0]["text"]
    await (await client.play("act", {"set": {"lists": table}})).reply()
    await client.call("tools/list")
    seen = [e["path"] for e in everything.record("hs-http").all() if e["event"] == "http"]
    assert f"/{unique}" not in seen
    assert record.mark()
