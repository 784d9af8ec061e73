"""One principal's session, stream, state and cursor are invisible to another; what one may not use does not exist."""

import contextlib
import json

import pytest

from tests.e2e.client import Exchange, Handshake, Modern, conversation, encode
from tests.e2e.gate import gate_before
from tests.e2e.naive import naive_proxy
from tests.e2e.talk import call_body, connect, nothing_came, progress, said, texts
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http

handshake = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
eras = pytest.mark.parametrize(("era", "server"), [("handshake", "hs-http"), ("stateless", "sl-http")])


async def as_(guarded, name, era="handshake", server="hs-http", **options):
    return await connect(guarded, era, server, key=guarded.keys[name], **options)


# Who is it?

PATHS = [("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/sse"), ("POST", "/messages")]
KEYS = [None, "Bearer wrong", "Bearer kg_", "Basic YTpi", "Bearer ", "known, cut"]
CHALLENGED = [("POST", "/mcp", key) for key in KEYS] + [
    (*path, key) for path in PATHS[1:] for key in KEYS[:2]
]
"""Fewer wrong keys than one address may try."""


@pytest.mark.parametrize(("method", "path", "presented"), CHALLENGED)
@conversation
async def test_without_a_valid_key_every_method_is_challenged(guarded, method, path, presented):
    """A session id never authenticates. A naive forwarder checks the first request of a session and trusts its id."""
    alice = await as_(guarded, "alice")
    if presented == "known, cut":
        presented = f"Bearer {guarded.keys['alice'][:-1]}"
    headers = {**alice.headers(), "Authorization": presented}
    body = encode(call_body(alice, "stolen"))
    exchange = await Exchange.open(guarded.origin + path, method, headers, body if method == "POST" else b"")
    assert await exchange.head() == 401
    assert exchange.headers["www-authenticate"].startswith("Bearer")
    await exchange.close()
    await nothing_came(alice, guarded.record("hs-http"), "stolen")


@handshake
@conversation
async def test_a_session_of_another_principal_is_an_unknown_session(guarded, server, unique):
    """A naive forwarder lets in whoever knows the id."""
    alice = await as_(guarded, "alice", server=server)
    other = await as_(guarded, "holes", server=server)
    own = other.session
    replies = {}
    for kind, session in (("another's", alice.session), ("unknown", "x" * len(alice.session))):
        other.session = session
        exchange = await other.post(call_body(other, unique))
        replies[kind] = (await exchange.head(), await exchange.body())
        listening = await other.listen()
        resuming = await other.listen("x.1")
        assert (listening.status, resuming.status, await other.end()) == (404, 404, 404)
        assert await other.notify("notifications/cancelled", {"requestId": 1}) == replies[kind]
        assert await other.answer(1, result={}) == 404
    assert replies["another's"] == replies["unknown"]
    assert replies["unknown"][0] == 404
    other.session = own
    await nothing_came(other, guarded.record(server), unique)
    assert "result" in await alice.call("ping"), "alice's session lives on"


@conversation
async def test_a_naive_forwarder_serves_whoever_knows_the_session_id(guarded, unique):
    async with naive_proxy(guarded.upstreams["hs-http"].entry["url"]) as url:
        alice = await Handshake(url, key="alice").initialize()
        mallory = Handshake(url, key="mallory", session=alice.session)
        assert texts(await (await mallory.play("act", {"note": unique}, said("served"))).reply()) == [
            "served"
        ]


@conversation
async def test_a_session_belongs_to_its_endpoint(guarded):
    """An id got at one server's own path opens no other path."""
    alice = await as_(guarded, "alice")
    for path in ("/mcp", "/mcp/hs-stdio", "/mcp/sl-http"):
        elsewhere = Handshake(guarded.origin + path, key=alice.key, session=alice.session)
        exchange = await elsewhere.post(call_body(alice, "elsewhere"))
        assert await exchange.head() == 404
    unknown = Handshake(guarded.origin + "/mcp/nosuch", key=alice.key, session=alice.session)
    assert await (await unknown.post(call_body(alice, "elsewhere"))).head() == 404


@conversation
async def test_an_ended_session_is_an_unknown_session(guarded):
    alice = await as_(guarded, "alice")
    assert await alice.end() == 200
    assert await (await alice.post(call_body(alice, "ended"))).head() == 404
    assert (await alice.listen()).status == 404
    assert await alice.end() == 404


@conversation
async def test_ids_of_sessions_and_events_cannot_be_guessed(guarded):
    """At least 128 random bits each. The SDK's example store counts events from 1."""
    ids, events = set(), set()
    for _ in range(3):
        alice = await as_(guarded, "alice")
        ids.add(alice.session)
        exchange = await alice.play("act", progress(1), _meta={"progressToken": 1})
        event = await exchange.event()
        events.add(event.id.partition(".")[0])
    assert len(ids) == len(events) == 3
    assert all(len(each) >= 43 and each.isascii() and each.isprintable() for each in ids)
    assert all(len(each) >= 32 for each in events)


# Streams


@handshake
@conversation
async def test_an_event_id_of_another_session_resumes_nothing(guarded, server, unique):
    """A naive store keys streams by request id and shares them: session B resumed A's stream with A's event id."""
    alice = await as_(guarded, "alice", server=server)
    again = await as_(guarded, "alice", server=server)
    other = await as_(guarded, "holes", server=server)
    exchange = await alice.play(
        "act", progress(1), {"hold": unique}, said("for alice"), request_id=1, _meta={"progressToken": 1}
    )
    event = await exchange.event()
    while not event.data:
        event = await exchange.event()
    await exchange.close()
    stream, _, number = event.id.partition(".")
    foreign = {
        event.id,
        f"{stream}.0",
        stream,
        f"{stream}.",
        f"{stream}.-1",
        "",
        "1",
        "0",
        ".",
        "../x",
        f".{number}",
    }
    for client in (again, other):
        for each in foreign:
            resumed = await client.listen(each)
            assert resumed.status in (400, 404), each
            await resumed.close()
    guarded.record(server).open_gate(unique)
    resumed = await alice.listen(event.id)
    assert texts(await resumed.until(lambda m: "result" in m)) == ["for alice"]


@conversation
async def test_what_a_server_says_outside_a_call_reaches_its_own_session_only(guarded, unique):
    """A naive forwarder with one connection to the server spreads it to everybody."""
    alice, other = await as_(guarded, "alice"), await as_(guarded, "holes")
    hers, his = await alice.listen(), await other.listen()
    word = {"method": "notifications/message", "params": {"level": "info", "data": "for alice"}}
    own = {"method": "notifications/message", "params": {"level": "info", "data": "own"}}
    await (await alice.play("act", {"push": word})).reply()
    await (await other.play("act", {"push": own})).reply()
    assert (await hers.message())["params"]["data"] == "for alice"
    assert (await his.message())["params"]["data"] == "own"


# State and cursors


@pytest.fixture
def asks_for_input(unique):
    """The steps of a call that asks for input once and carries state."""
    form = {"mode": "form", "message": "m", "requestedSchema": {"type": "object", "properties": {}}}
    question = {"method": "elicitation/create", "params": form}
    asking = {"inputRequests": {"q": question}, "requestState": f"state of {unique}"}
    return [{"input": asking}, {"note": f"{unique} ran"}]


@conversation
async def test_request_state_opens_only_for_whom_and_what_it_was_given(guarded, asks_for_input, unique):
    """A naive forwarder hands out the server's own state: whoever has it can go on with somebody else's call."""
    form = {"capabilities": {"elicitation": {"form": {}}}}
    alice = await as_(guarded, "alice", "stateless", "sl-http", **form)
    other = await as_(guarded, "holes", "stateless", "sl-http", **form)
    record, since = guarded.record("sl-http"), guarded.record("sl-http").mark()
    arguments = {"steps": asks_for_input}
    asked = (await alice.tool("act", arguments))["result"]
    assert asked["resultType"] == "input_required"
    state = asked["requestState"]
    assert unique not in state
    answers = {"inputResponses": {"q": {"action": "accept", "content": {}}}}
    changed = state[:-2] + ("AA" if state[-2:] != "AA" else "BB")
    wrong = [
        (other, "act", arguments, state),
        (alice, "open", arguments, state),
        (alice, "act", {"steps": [*asks_for_input, {"note": "more"}]}, state),
        (alice, "act", arguments, changed),
        (alice, "act", arguments, f"state of {unique}"),
        (alice, "act", arguments, state + "="),
        (alice, "act", arguments, ""),
        (alice, "act", arguments, None),
        (alice, "act", arguments, {"a": 1}),
    ]
    for client, name, given, handle in wrong:
        reply = await client.tool(name, given, requestState=handle, **answers)
        assert reply["error"]["code"] == -32602, (name, handle)
    await nothing_came(alice, record, f"{unique} ran", since)
    reply = await alice.tool("act", arguments, requestState=state, **answers)
    assert reply["result"]["resultType"] == "complete"
    received = next(m for m in record.messages("tools/call", since) if "requestState" in m["params"])
    assert received["params"]["requestState"] == f"state of {unique}"
    assert received["params"]["inputResponses"] == answers["inputResponses"]


# Credentials


@eras
@conversation
async def test_nothing_of_the_callers_credentials_reaches_the_server(guarded, era, server, unique):
    """A naive forwarder passes headers on: the server gets a token that opens the gateway."""
    client = await as_(guarded, "alice", era, server)
    record = guarded.record(server)
    secret = f"cookie-{unique}"
    extra = {"Cookie": f"session={secret}", "Proxy-Authorization": f"Basic {secret}", "X-Api-Key": secret}
    extra |= {
        "Forwarded": f"for={secret}",
        "X-Forwarded-For": secret,
        "Origin": None,
        "Mcp-Param-Other": secret,
    }
    since = record.mark()
    params = {"name": "act", "arguments": {"steps": [{"note": unique}]}}
    reply = await (await client.start("tools/call", params, extra=extra)).reply()
    assert "result" in reply
    requests = [event for event in record.all()[since:] if event["event"] == "http"]
    assert requests
    for event in requests:
        headers = dict(event["headers"])
        assert headers["authorization"] == "Bearer the-servers-own"
        assert headers["x-configured"] == "yes"
        assert len(headers) == len(event["headers"]), "a header twice"
    whole = "\n".join(json.dumps(event) for event in record.all())
    for hidden in (guarded.keys["alice"], secret, client.session if era == "handshake" else secret):
        assert hidden not in whole


@conversation
async def test_a_naive_forwarder_hands_the_token_on(guarded, unique):
    record = guarded.record("hs-http")
    async with naive_proxy(guarded.upstreams["hs-http"].entry["url"]) as url:
        await Handshake(url, key=f"token-{unique}").initialize()
    assert f"token-{unique}" in json.dumps(record.all())


REBINDING = {
    "foreign host": {"Host": "evil.example"},
    "host with our port": {"Host": "evil.example:{port}"},
    "look-alike host": {"Host": "localhost.evil.example:{port}"},
    "foreign origin": {"Origin": "https://evil.example"},
    "null origin": {"Origin": "null"},
    "other port": {"Origin": "http://127.0.0.1:1"},
    "look-alike origin": {"Origin": "http://127.0.0.1:{port}.evil.example"},
}


@pytest.mark.parametrize("case", REBINDING)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@conversation
async def test_a_web_page_from_elsewhere_is_forbidden(everything, case, method, unique):
    """DNS rebinding: a naive forwarder on loopback serves any page that the user's browser opens."""
    client = await connect(everything, "handshake", "hs-http")
    port = everything.origin.rpartition(":")[2]
    extra = {name: value.replace("{port}", port) for name, value in REBINDING[case].items()}
    body = encode(call_body(client, unique)) if method == "POST" else b""
    exchange = await Exchange.open(client.url, method, client.headers(extra), body)
    assert await exchange.head() == 403
    assert "access-control-allow-origin" not in exchange.headers
    await exchange.close()
    await nothing_came(client, everything.record("hs-http"), unique)


# What a principal may not use does not exist

HIDDEN = {
    "tool": ("tools/call", lambda word: {"name": word, "arguments": {}}),
    "prompt": ("prompts/get", lambda word: {"name": word}),
    "resource": ("resources/read", lambda word: {"uri": f"e2e://{word}"}),
    "templated resource": ("resources/read", lambda word: {"uri": f"e2e://{word}/1"}),
    "completion of a prompt": (
        "completion/complete",
        lambda word: {"ref": {"type": "ref/prompt", "name": word}, "argument": {"name": "a", "value": ""}},
    ),
    "completion of a template": (
        "completion/complete",
        lambda word: {
            "ref": {"type": "ref/resource", "uri": f"e2e://{word}/{{x}}"},
            "argument": {"name": "x", "value": ""},
        },
    ),
    "subscription": ("resources/subscribe", lambda word: {"uri": f"e2e://{word}"}),
    "end of a subscription": ("resources/unsubscribe", lambda word: {"uri": f"e2e://{word}"}),
}


async def raw_answer(client, method, params, request_id):
    """Status, headers but the date, and the bytes of the body."""
    exchange = await client.start(method, params, request_id)
    status, body = await exchange.head(), await exchange.body()
    return status, {k: v for k, v in exchange.headers.items() if k != "date"}, body


CASES = [
    (era, server, kind)
    for era, server in (("handshake", "hs-http"), ("handshake", "hs-stdio"), ("stateless", "sl-http"))
    for kind in HIDDEN
    if not (era == "stateless" and "subscription" in kind)
]


@pytest.mark.parametrize("role", ["listed", "holes"])
@pytest.mark.parametrize("path", ["alone", "among others"])
@pytest.mark.parametrize(("era", "server", "kind"), CASES)
@conversation
async def test_what_is_hidden_answers_as_what_is_unknown_byte_for_byte(
    guarded, era, server, kind, path, role
):
    """A naive forwarder says `forbidden`, and so that it exists. `absent` is as long as `secret`, for equal lengths."""
    method, params = HIDDEN[kind]
    options = {"key": guarded.keys[role]}
    client = await connect(guarded, era, server, **options)
    prefix = ""
    if path == "among others":
        client = await (Handshake if era == "handshake" else Modern)(guarded.url, **options).initialize()
        prefix = (
            f"{server}_"
            if method in ("tools/call", "prompts/get") or kind == "completion of a prompt"
            else ""
        )
    record = guarded.record(server)
    since = record.mark()
    secret, absent = [
        await raw_answer(client, method, params(prefix + word), 7) for word in ("secret", "absent")
    ]
    assert "error" in json.loads(secret[2])
    assert secret == (*absent[:2], absent[2].replace(b"absent", b"secret"))
    assert not [m for m in record.messages(method, since) if "secret" in json.dumps(m["params"])]


@pytest.mark.parametrize("role", ["listed", "holes"])
@eras
@conversation
async def test_what_is_hidden_is_not_listed_anywhere(guarded, era, server, role):
    """Not in lists, not in what completion offers, not in what `initialize` says."""
    client = await as_(guarded, role, era, server)
    for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        reply = await client.call(method)
        text = json.dumps(reply)
        assert "secret" not in text
        assert "open" in text
    alice = await as_(guarded, "alice", era, server)
    assert "secret" in json.dumps(await alice.call("tools/list")), "one principal's list is not another's"


@handshake
@conversation
async def test_updates_of_a_hidden_resource_are_not_delivered(guarded, server):
    """Nor of one that was not subscribed to. A naive forwarder passes on whatever the server sends."""
    client = await as_(guarded, "listed", server=server)
    standing = await client.listen()
    assert "result" in await client.call("resources/subscribe", {"uri": "e2e://open"})
    assert "error" in await client.call("resources/subscribe", {"uri": "e2e://secret"})
    updates = [
        {"push": {"method": "notifications/resources/updated", "params": {"uri": f"e2e://{word}"}}}
        for word in ("secret", "open/1", "open")
    ]
    await (await client.play("act", *updates)).reply()
    assert (await standing.message())["params"]["uri"] == "e2e://open"
    assert "result" in await client.call("resources/unsubscribe", {"uri": "e2e://open"})
    await (await client.play("act", *updates)).reply()
    last = {"method": "notifications/tools/list_changed"}
    await (await client.play("act", {"push": last})).reply()
    assert (await standing.message())["method"] == last["method"]


@conversation
async def test_a_listen_honours_only_what_the_listener_may_read(guarded):
    """A naive forwarder passes the filter on and the hidden resource's updates back."""
    client = await as_(guarded, "listed", "stateless", "sl-http")
    record = guarded.record("sl-http")
    since = record.mark()
    listening = await client.listen(
        request_id="l-1", resourceSubscriptions=["e2e://open", "e2e://secret", "e2e://absent"]
    )
    ack = await listening.message()
    assert ack["params"]["notifications"] == {"resourceSubscriptions": ["e2e://open"]}
    asked = await record.wait_message("subscriptions/listen", since)
    assert asked["params"]["notifications"] == {"resourceSubscriptions": ["e2e://open"]}
    updates = [
        {
            "push": {
                "method": "notifications/resources/updated",
                "params": {
                    "uri": f"e2e://{word}",
                    "_meta": {"io.modelcontextprotocol/subscriptionId": "$subscription"},
                },
            }
        }
        for word in ("secret", "open/1", "open")
    ]
    await (await client.play("act", *updates)).reply()
    update = await listening.message()
    assert update["params"]["uri"] == "e2e://open"
    assert update["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "l-1"


# What a principal may use up


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """Few requests, two calls at a time, one listen; for each of two principals."""
    directory = tmp_path_factory.mktemp("narrow")
    limits = {"requests_per_second": 0.01, "burst": 12, "concurrent_calls": 2, "subscriptions": 1}
    everyone = {"roles": {"all": {"allow": ["*/*"]}}, "grants": []}
    everyone["grants"] = [{"to": f"key:{name}", "role": "all"} for name in ("alice", "bob", "carol")]
    identity = {"anonymous": False}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(over_http(directory, "sl-http", Table(era="stateless")))
        keys = ["alice", "bob", "carol"]
        yield stack.enter_context(
            gate_before(directory, [server], keys=keys, access=everyone, identity=identity, limits=limits)
        )


@conversation
async def test_one_principals_excess_is_no_others_loss(narrow, unique):
    """Rates and calls in flight are counted for each principal, unknown names and malformed requests included."""
    alice, bob = [await as_(narrow, name, "stateless", "sl-http") for name in ("alice", "bob")]
    running = [await alice.play("act", {"note": f"{unique}-{n}"}, {"hold": unique}) for n in range(2)]
    for n in range(2):
        await narrow.record("sl-http").wait_note(f"{unique}-{n}")
    third = (await alice.tool("act"))["result"]
    assert third["isError"] is True
    assert "too many calls in flight" in third["content"][0]["text"]
    narrow.record("sl-http").open_gate(unique)
    for exchange in running:
        assert "result" in await exchange.reply()
    refused = None
    for n in range(12):
        reply = await (alice.tool(f"guess-{n}") if n % 2 else alice.call("resources/read", {"uri": 7}))
        if reply.get("error", {}).get("code") == -31002 or reply.get("result", {}).get("isError"):
            refused = reply
    assert refused is not None, "guessing is not free"
    limited = await alice.call("prompts/list")
    assert limited["error"]["code"] == -31002
    assert limited["error"]["data"]["retryAfter"] > 0
    assert "result" in await bob.call("prompts/list")


@conversation
async def test_a_principal_may_keep_only_so_many_listens_open(narrow):
    carol = await as_(narrow, "carol", "stateless", "sl-http")
    listening = await carol.listen(toolsListChanged=True)
    assert (await listening.message())["method"] == "notifications/subscriptions/acknowledged"
    more = await carol.call("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    assert more["error"]["code"] == -31002
