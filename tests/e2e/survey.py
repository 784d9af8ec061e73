"""Sends everything there is through keepgate, both ways, and notes what was sent beside what arrived."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.e2e import catalogue
from tests.e2e.catalogue import ODD, block, meta, unknown
from tests.e2e.client import META, STATELESS, Handshake, Modern, conversation
from tests.e2e.compare import differences, without
from tests.e2e.upstreams.brain import HANDSHAKE, LISTS

Json = Any
NEVER = object()
"""What should have arrived and did not."""


@dataclass(frozen=True)
class Pairing:
    """A client at a revision, and a server of the upstreams of `everything`."""

    revision: str
    server: str

    @property
    def client_era(self) -> str:
        return "stateless" if self.revision == STATELESS else "handshake"

    @property
    def server_era(self) -> str:
        return "stateless" if self.server.startswith("sl") else "handshake"

    @property
    def eras(self) -> str:
        return f"{self.client_era} client, {self.server_era} server"

    @property
    def same(self) -> bool:
        return self.client_era == self.server_era

    def __str__(self) -> str:
        return f"{self.revision}-{self.server}"


PAIRINGS = [
    *(Pairing(revision, server) for revision in HANDSHAKE for server in ("hs-http", "hs-stdio")),
    *(Pairing(STATELESS, server) for server in ("sl-http", "sl-stdio")),
    *(Pairing("2025-11-25", server) for server in ("sl-http", "sl-stdio")),
    *(Pairing(STATELESS, server) for server in ("hs-http", "hs-stdio")),
]


@dataclass
class Survey:
    """One pairing: for each thing what was sent and what arrived."""

    pairing: Pairing
    seen: dict[str, tuple[Json, Json]] = field(default_factory=dict)

    def note(self, thing: str, sent: Json, got: Json) -> None:
        assert thing not in self.seen, thing
        self.seen[thing] = (sent, got)

    def changes(self, thing: str) -> list[str]:
        """How the two differ."""
        sent, got = self.seen[thing]
        return ["never arrived"] if got is NEVER else list(differences(sent, got))


REQUEST_META = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=opaque",
    "example.com/request": {"odd": ODD},
}
FORM = {
    "message": "Who are you?",
    "requestedSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name", "minLength": 1, "default": "x", "format": "email"},
            "kind": {"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]},
            "many": {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}, "maxItems": 2},
            "count": {"type": "integer", "maximum": 9},
        },
        "required": ["name"],
    },
    **meta("form"),
    **unknown("form"),
}
QUESTIONS = {
    "sampling": (
        "sampling/createMessage",
        {
            "messages": [
                {"role": "user", "content": block("text", text="hello"), **unknown("sampling message")}
            ],
            "modelPreferences": {"hints": [{"name": "m", "x": 1}], "costPriority": 0.1, "speedPriority": 1.0},
            "systemPrompt": "s",
            "includeContext": "none",
            "temperature": 0.5,
            "maxTokens": 100,
            "stopSequences": ["\n"],
            "metadata": {"odd": ODD},
            "tools": [catalogue.TOOL],
            "toolChoice": {"mode": "auto", "x": 1},
            **meta("sampling"),
            **unknown("sampling"),
        },
        {
            "role": "assistant",
            "model": "m",
            "stopReason": "endTurn",
            "content": block("text", text="hi"),
            **meta("sampling answer"),
            **unknown("sampling answer"),
        },
    ),
    "roots": (
        "roots/list",
        {**meta("roots"), **unknown("roots")},
        {
            "roots": [{"uri": "file:///tmp/x y", "name": "n", **meta("root"), **unknown("root")}],
            **meta("roots answer"),
            **unknown("roots answer"),
        },
    ),
    "form": (
        "elicitation/create",
        FORM,
        {
            "action": "accept",
            "content": {"name": "x", "odd": ODD},
            **meta("form answer"),
            **unknown("answer"),
        },
    ),
    "url": (
        "elicitation/create",
        {
            "mode": "url",
            "elicitationId": "e-1",
            "url": "https://example.com/?a=b#c",
            "message": "m",
            **unknown("url"),
        },
        {"action": "decline", **meta("url answer")},
    ),
}
DECLARED = {
    "roots": {"listChanged": True},
    "sampling": {"tools": {}, "context": {}},
    "elicitation": {"form": {}, "url": {}},
    "experimental": {"example.com/client": {"odd": ODD}},
    "extensions": {"example.com/extension": {"odd": ODD}},
}
SINCE = {"form": "2025-06-18", "url": "2025-11-25"}
"""Questions that older revisions do not have."""


def asked_in(revision: str) -> Iterator[str]:
    return (name for name in QUESTIONS if revision >= SINCE.get(name, ""))


NOTIFICATIONS = {
    "log message": ("notifications/message", {"level": "info", "logger": "l", "data": {"odd": ODD}}),
    "list of tools changed": ("notifications/tools/list_changed", {}),
    "list of prompts changed": ("notifications/prompts/list_changed", {}),
    "list of resources changed": ("notifications/resources/list_changed", {}),
    "resource updated": ("notifications/resources/updated", {"uri": catalogue.RESOURCE["uri"], "title": "t"}),
}


async def survey(gate: Any, pairing: Pairing) -> Survey:
    """Everything, once."""
    found = Survey(pairing)
    url, record = gate.mount(pairing.server), gate.record(pairing.server)
    client: Any
    if pairing.client_era == "stateless":
        client = Modern(url, capabilities=DECLARED, info=catalogue.INFO)
    else:
        client = Handshake(url, revision=pairing.revision, capabilities=DECLARED)
    since = record.mark()
    await hello(found, client, record, since)
    await lists(found, client, record)
    await results(found, client, record)
    await errors(found, client)
    await progress(found, client)
    if pairing.client_era == "handshake":
        await questions(found, client, record)
    elif pairing.same:
        await inputs(found, client, record)
    else:
        await parked(found, client, record)
    await notifications(found, client, record)
    if not pairing.same:
        await log(found, client)
    return found


async def hello(found: Survey, client: Any, record: Any, since: int) -> None:
    table = catalogue.full(found.pairing.server_era)
    sent = {**table.hello, "capabilities": table.capabilities}
    if found.pairing.client_era == "stateless":
        got = (await client.call("server/discover"))["result"]
        if found.pairing.same:
            info = {META + "serverInfo": table.info, **table.hello["_meta"]}
            sent |= {"supportedVersions": [STATELESS], "resultType": "complete", "_meta": info}
            sent |= {"ttlMs": 1000, "cacheScope": "public"}
        else:
            sent |= {"serverInfo": table.info, "protocolVersion": "2025-11-25"}
        found.note("what the server says of itself", sent, got)
        return
    more = {"clientInfo": catalogue.INFO, **meta("initialize"), **unknown("initialize")}
    await client.initialize(**more)
    if found.pairing.same:
        sent |= {"serverInfo": table.info, "protocolVersion": found.pairing.revision}
        told = {"protocolVersion": found.pairing.revision, "capabilities": DECLARED, **more}
        received = (await record.wait_message("initialize", since))["params"]
        found.note("what the client says of itself", told, received)
    else:
        sent |= {"supportedVersions": [STATELESS], "resultType": "complete"}
        sent |= {"_meta": {META + "serverInfo": table.info, **table.hello["_meta"]}}
        sent |= {"ttlMs": 1000, "cacheScope": "public"}
    found.note("what the server says of itself", sent, client.hello)


LISTED = {
    "tools/list": "tool",
    "prompts/list": "prompt",
    "resources/list": "resource",
    "resources/templates/list": "resource template",
}


def own_meta(found: Survey, client: Any, more: Json = None) -> Json:
    """The `_meta` that the client sends: ours, and the envelope where there is one."""
    own = {**REQUEST_META, **(more or {})}
    return client.enveloped({"_meta": own})["_meta"] if found.pairing.client_era == "stateless" else own


def arrived(found: Survey, client: Any, params: Json) -> Json:
    """Params as they should reach the server: over the bridge the envelope comes and goes."""
    if found.pairing.client_era == "stateless":
        whole = client.enveloped(params)
        return whole if found.pairing.same else bare(whole)
    return params


ENVELOPE = [META + name for name in ("protocolVersion", "clientCapabilities", "clientInfo")]


def bare(params: Json) -> Json:
    """Without the envelope."""
    kept = {key: value for key, value in params.get("_meta", {}).items() if key not in ENVELOPE}
    return {**params, "_meta": kept}


def heard(found: Survey, params: Json) -> Json:
    """Params as the server got them, without an envelope that the bridge has added; it is looked at on its own."""
    if found.pairing.client_era == "handshake" and found.pairing.server_era == "stateless":
        return bare(params)
    return params


async def lists(found: Survey, client: Any, record: Any) -> None:
    table = catalogue.full(found.pairing.server_era)
    stateless = found.pairing.server_era == "stateless"
    for method, word in LISTED.items():
        since = record.mark()
        params = {"_meta": REQUEST_META}
        result = (await client.call(method, params))["result"]
        sent = {LISTS[method]: table.lists[method], **table.extras[method]}
        if stateless:
            sent |= {"resultType": "complete", "ttlMs": 5000, "cacheScope": "public"}
        first, rest = sent[LISTS[method]][0], sent[LISTS[method]][1:]
        got = result[LISTS[method]]
        found.note(f"{word} with everything", first, got[0] if got else NEVER)
        names = [item["name"] for item in rest]
        others = {item["name"]: item for item in got[1:]}
        found.note(f"{word}: the others", {item["name"]: item for item in rest}, others)
        assert [name for name in others if name in names] == list(others), "the order is the server's"
        found.note(f"list of {word}s", without(sent, LISTS[method]), without(result, LISTS[method]))
        received = await record.wait_message(method, since)
        found.note(
            f"request for a list of {word}s", arrived(found, client, params), heard(found, received["params"])
        )


CALLS = {
    "tool": ("tools/call", {"name": "full", "arguments": {"x-odd": ODD, "name": "x", "count": 2}}),
    "failed tool": ("tools/call", {"name": "app", "arguments": {}}),
    "tool with any structure": ("tools/call", {"name": "array", "arguments": {}}),
    "prompt": ("prompts/get", {"name": "full", "arguments": {"who": ODD["text"], "bare": ""}}),
    "resource": ("resources/read", {"uri": catalogue.RESOURCE["uri"]}),
    "resource of a template": ("resources/read", {"uri": "e2e://items/7?q=a"}),
    "completion for a prompt": (
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "full", "title": "t", **unknown("ref")},
            "argument": {"name": "who", "value": "z", **unknown("argument")},
            "context": {"arguments": {"bare": "x"}, **unknown("context")},
        },
    ),
    "completion for a template": (
        "completion/complete",
        {
            "ref": {"type": "ref/resource", "uri": catalogue.TEMPLATE["uriTemplate"]},
            "argument": {"name": "id", "value": ""},
        },
    ),
}


async def results(found: Survey, client: Any, record: Any) -> None:
    table = catalogue.full(found.pairing.server_era)
    for thing, (method, params) in CALLS.items():
        name = params.get("name") or params.get("uri") or params["ref"].get("name") or params["ref"]["uri"]
        sent = table.results[method].get(name)
        if sent is None:
            continue  # only servers of 2026-07-28 have it
        if found.pairing.server_era == "stateless":
            sent = {"resultType": "complete", **sent}
            if method == "resources/read":
                sent |= {"ttlMs": 5000, "cacheScope": "public"}
        since = record.mark()
        whole = {**params, **unknown(method), "_meta": REQUEST_META}
        reply = await client.call(method, whole)
        found.note(f"result: {thing}", sent, reply.get("result", NEVER))
        received = (await record.wait_message(method, since))["params"]
        found.note(f"request: {thing}", arrived(found, client, whole), heard(found, received))
        if thing == "tool":
            declared(found, received, record)


def declared(found: Survey, received: Json, record: Any) -> None:
    """What the server of a call knows of the client."""
    sent = {"clientCapabilities": DECLARED, "clientInfo": catalogue.INFO}
    if found.pairing.server_era == "stateless":
        told = {key: received["_meta"].get(META + key) for key in sent}
    elif not found.pairing.same:
        hellos = [m["params"] for m in record.messages("initialize")]
        own = [hello for hello in hellos if hello["clientInfo"] == catalogue.INFO][-1]
        told = {"clientCapabilities": own["capabilities"], "clientInfo": own["clientInfo"]}
    else:
        return  # the whole of `initialize` was compared
    found.note("what the client says of itself", sent, told)


async def errors(found: Survey, client: Any) -> None:
    reply = await client.call("prompts/get", {"name": "bare"})
    found.note("error of a prompt", catalogue.ERROR, reply.get("error", NEVER))
    reply = await client.call("resources/read", {"uri": "e2e://bare"})
    found.note("error of a resource", catalogue.ERROR, reply.get("error", NEVER))
    if found.pairing.server_era == "handshake":
        reply = await (await client.play("act", {"error": catalogue.URL_ERROR})).reply()
        if found.pairing.same:
            found.note("error that needs a person", catalogue.URL_ERROR, reply.get("error", NEVER))
        else:
            (elicitation,) = catalogue.URL_ERROR["data"]["elicitations"]
            (asked,) = reply["result"]["inputRequests"].values()
            found.note("question: error that needs a person", elicitation, asked["params"])


async def progress(found: Survey, client: Any) -> None:
    for token in ("token", 7, ""):
        params = {
            "progressToken": token,
            "progress": 0.5,
            "total": 2.0,
            "message": "\u2028",
            **unknown("progress"),
        }
        params |= meta("progress")
        step = {"send": {"method": "notifications/progress", "params": {**params, "progressToken": "$token"}}}
        exchange = await client.play("act", step, _meta={"progressToken": token})
        first = (await exchange.messages())[0]
        found.note(f"progress with token {token!r}", params, first.get("params", NEVER))


async def questions(found: Survey, client: Handshake, record: Any) -> None:
    """Handshake clients: the server asks, or (over the bridge) needs input."""
    for name in asked_in(found.pairing.revision):
        method, params, answer = QUESTIONS[name]
        since = record.mark()
        if found.pairing.same:
            step = {"ask": {"method": method, "params": params, **unknown("request")}}
            sent = {"method": method, "params": params, **unknown("request")}
        else:
            sent = {"method": method, "params": params, **unknown("request")}
            step = {"input": {"inputRequests": {"k": sent}}}
        exchange = await client.play("act", step)
        asked = await exchange.until(lambda m, method=method: m.get("method") == method)
        found.note(f"question: {name}", sent, without(asked, "id", "jsonrpc"))
        await client.answer(asked["id"], result=answer)
        assert "result" in await exchange.reply()
        found.note(f"answer: {name}", answer, await answered(record, since, same=found.pairing.same))
    if found.pairing.same:
        since = record.mark()
        exchange = await client.play("act", {"ask": {"method": "roots/list"}})
        asked = await exchange.until(lambda m: "method" in m)
        refusal = {"code": -1, "message": "no \u00fc", "data": {"odd": ODD}, **unknown("refusal")}
        await client.answer(asked["id"], error=refusal)
        await exchange.reply()
        event = await record.wait(lambda e: e["event"] == "answer", since)
        found.note("answer: refusal", refusal, event["answer"]["error"])


async def answered(record: Any, since: int, *, same: bool) -> Json:
    if same:
        event = await record.wait(lambda e: e["event"] == "answer", since)
        return event["answer"].get("result", NEVER)
    retry = await record.wait(
        lambda e: e["event"] == "message" and "inputResponses" in e["message"].get("params", {}), since
    )
    return retry["message"]["params"]["inputResponses"]["k"]


async def inputs(found: Survey, client: Modern, record: Any) -> None:
    """Stateless clients of stateless servers: the same questions as input."""
    for name, (method, params, answer) in QUESTIONS.items():
        request = {"method": method, "params": params, **unknown("request")}
        step = {"input": {"inputRequests": {"k": request}, **meta("input"), **unknown("input")}}
        sent = {
            "inputRequests": {"k": request},
            "resultType": "input_required",
            **meta("input"),
            **unknown("input"),
        }
        asked = (await client.tool("act", {"steps": [step]}))["result"]
        found.note(f"question: {name}", sent, asked)
        since = record.mark()
        assert "result" in await client.tool("act", {"steps": [step]}, inputResponses={"k": answer})
        found.note(f"answer: {name}", answer, await answered(record, since, same=False))


async def parked(found: Survey, client: Modern, record: Any) -> None:
    """Stateless clients of handshake servers: what the server asks comes as `input_required`."""
    for name, (method, params, answer) in QUESTIONS.items():
        sent = {"method": method, "params": params, **unknown("request")}
        steps = [{"ask": sent}]
        asked = (await client.tool("act", {"steps": steps}))["result"]
        ((key, request),) = asked["inputRequests"].items()
        found.note(f"question: {name}", sent, request)
        since = record.mark()
        retry = {"inputResponses": {key: answer}, "requestState": asked["requestState"]}
        assert "result" in await client.tool("act", {"steps": steps}, **retry)
        found.note(f"answer: {name}", answer, await answered(record, since, same=True))


async def notifications(found: Survey, client: Any, record: Any) -> None:
    """Outside any call: on the standing stream, or on a listen."""
    stateless = found.pairing.client_era == "stateless"
    own = {META + "subscriptionId": "$subscription"} if found.pairing.server_era == "stateless" else {}
    stamp = {META + "subscriptionId": "listen-\u00fc"} if stateless else {}
    stream = await (listening if stateless else subscribed)(found, client, record)
    for thing, (method, params) in NOTIFICATIONS.items():
        whole = {**params, **unknown(method), "_meta": meta("n")["_meta"]}
        place, mark, expected = "push", own, stamp
        if thing == "log message" and not found.pairing.same:
            continue  # it belongs to a request there: see `log`
        if thing == "log message" and stateless:
            place, mark, expected = "send", {}, {}  # in 2026-07-28 it belongs to a request
        sent = {**whole, "_meta": {**whole["_meta"], **mark}}
        exchange = await client.play(
            "act", {place: {"method": method, "params": sent, **unknown("notification")}}
        )
        if place == "send" or found.pairing.server == "hs-stdio":
            message = await either(exchange, stream, method)
        else:
            await exchange.reply()
            message = await stream.until(lambda m, method=method: m.get("method") == method)
        arrives = {**whole, "_meta": {**whole["_meta"], **expected}}
        sent = {"method": method, "params": arrives, **unknown("notification")}
        found.note(f"notification: {thing}", sent, without(message, "jsonrpc"))


def heeds(event: Json) -> bool:
    """A server has taken the subscription to the resource, in the manner of its era."""
    message = event.get("message", {})
    wanted = message.get("params", {}).get("notifications", {}).get("resourceSubscriptions", [])
    return message.get("method") == "resources/subscribe" or catalogue.RESOURCE["uri"] in wanted


async def listening(found: Survey, client: Any, record: Any) -> Any:
    """A stateless client's listen for everything."""
    uri = catalogue.RESOURCE["uri"]
    flags = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
    since = record.mark()
    stream = await client.listen("listen-\u00fc", resourceSubscriptions=[uri], **flags)
    await record.wait(heeds, since)
    sent = {"notifications": {**flags, "resourceSubscriptions": [uri]}}
    sent |= {"_meta": {META + "subscriptionId": "listen-\u00fc"}}
    found.note("acknowledgement of a listen", sent, (await stream.message())["params"])
    return stream


async def subscribed(found: Survey, client: Any, record: Any) -> Any:
    """A handshake client's standing stream, and all that a client may say about what it wants to hear."""
    stream = await client.listen()
    since = record.mark()
    whole = {"uri": catalogue.RESOURCE["uri"], "_meta": REQUEST_META}
    assert "result" in await client.call("resources/subscribe", whole)
    if not found.pairing.same:
        await record.wait(heeds, since)
        return stream
    found.note(
        "request: subscribe", whole, (await record.wait_message("resources/subscribe", since))["params"]
    )
    whole = {"level": "debug", "_meta": REQUEST_META, **unknown("level")}
    assert "result" in await client.call("logging/setLevel", whole)
    found.note("request: log level", whole, (await record.wait_message("logging/setLevel", since))["params"])
    changed = {"_meta": REQUEST_META, **unknown("roots")}
    await client.notify("notifications/roots/list_changed", changed)
    received = await record.wait_message("notifications/roots/list_changed", since)
    found.note("notification: roots changed", changed, received["params"])
    return stream


async def log(found: Survey, client: Any) -> None:
    """Over the bridge: of a call."""
    method, params = NOTIFICATIONS["log message"]
    sent = {"method": method, "params": {**params, **meta("n"), **unknown(method)}, **unknown("notification")}
    exchange = await client.play("act", {"send": sent}, _meta={META + "logLevel": "info"})
    got = [m for m in await exchange.messages() if m.get("method") == method]
    found.note("notification: log message", sent, without(got[0], "jsonrpc") if got else NEVER)


async def either(exchange: Any, stream: Any, method: str) -> Json:
    """On a pipe nothing says whether a notification belongs to the running call: keepgate may put it on its stream."""
    for message in await exchange.messages():
        if message.get("method") == method:
            return message
    return await stream.until(lambda m: m.get("method") == method)


_done: dict[tuple[int, Pairing], Survey] = {}


def survey_of(gate: Any, pairing: Pairing) -> Survey:
    """The survey of a pairing, made once."""
    key = (id(gate), pairing)
    if key not in _done:

        async def run() -> None:
            _done[key] = await survey(gate, pairing)

        conversation(run)()
    return _done[key]
