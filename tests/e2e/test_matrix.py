"""Any client reaches any server: each feature in each pairing of client era and server era, over HTTP and stdio.

`FEATURES` is the whole matrix. A cell is a test that is run, or says why it cannot be; docs/compatibility.md shows it,
and is compared: KEEPGATE_WRITE_DOCS=1 writes it.
"""

import os
from pathlib import Path

import pytest

from tests.e2e import catalogue
from tests.e2e.client import FRONTS, META, conversation
from tests.e2e.survey import DECLARED, QUESTIONS
from tests.e2e.talk import progress, said, texts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- matrix: written by tests/e2e/test_matrix.py -->", "<!-- end of matrix -->"
URI = catalogue.RESOURCE["uri"]
LEVEL = META + "logLevel"


class Cell:
    """One feature between one client and one server."""

    def __init__(self, gate, era, server, word):
        self.gate = gate
        self.era = era
        self.server = server
        self.word = word
        self.record = gate.record(server)
        self.client = FRONTS[era](gate.mount(server), capabilities=DECLARED)

    @property
    def old_client(self):
        return self.era == "handshake"

    @property
    def old_server(self):
        return self.server.startswith("hs")

    def stamp(self):
        """How a server of its era marks what belongs to a listen."""
        return {} if self.old_server else {"_meta": {META + "subscriptionId": "$subscription"}}

    async def talk(self, *steps, **params):
        """A call that plays steps; everything up to its reply."""
        return await (await self.client.play("act", *steps, **params)).messages()

    async def listening(self, **wanted):
        """A stream of what belongs to no call."""
        if not self.old_client:
            stream = await self.client.listen(**wanted)
            assert (await stream.message())["params"]["notifications"] == wanted
            return stream
        stream = await self.client.listen()
        for uri in wanted.get("resourceSubscriptions", []):
            assert (await self.client.call("resources/subscribe", {"uri": uri}))["result"] == {}
        return stream


async def tools(cell):
    listed = (await cell.client.call("tools/list"))["result"]["tools"]
    assert "full" in [tool["name"] for tool in listed]
    assert (await cell.client.tool("full", {"name": "x", "count": 2}))["result"]["structuredContent"]
    assert cell.record.messages("tools/call")[-1]["params"]["arguments"] == {"name": "x", "count": 2}


async def resources(cell):
    assert URI in [each["uri"] for each in (await cell.client.call("resources/list"))["result"]["resources"]]
    assert (await cell.client.call("resources/templates/list"))["result"]["resourceTemplates"]
    assert (await cell.client.call("resources/read", {"uri": URI}))["result"]["contents"]
    missing = (await cell.client.call("resources/read", {"uri": "e2e://nowhere"}))["error"]["code"]
    assert missing == (-32002 if cell.old_client else -32602), "in the client's own words"


async def prompts(cell):
    assert "full" in [each["name"] for each in (await cell.client.call("prompts/list"))["result"]["prompts"]]
    assert (await cell.client.call("prompts/get", {"name": "full", "arguments": {}}))["result"]["messages"]


async def completion(cell):
    params = {"ref": {"type": "ref/prompt", "name": "full"}, "argument": {"name": "who", "value": "z"}}
    assert (await cell.client.call("completion/complete", params))["result"]["completion"]["values"]


async def question(cell, name):
    """The server asks, the client answers; both arrive."""
    method, params, answer = QUESTIONS[name]
    steps = [
        {"ask": {"method": method, "params": params}}
        if cell.old_server
        else {"input": {"inputRequests": {"k": {"method": method, "params": params}}}},
        said("on"),
    ]
    since = cell.record.mark()
    if cell.old_client:
        exchange = await cell.client.play("act", *steps)
        asked = await exchange.until(lambda m: m.get("method") == method)
        await cell.client.answer(asked["id"], result=answer)
        reply = await exchange.until(lambda m: "result" in m)
    else:
        result = (await cell.client.tool("act", {"steps": steps}))["result"]
        ((key, asked),) = result["inputRequests"].items()
        assert asked["method"] == method
        retry = {"inputResponses": {key: answer}}
        if "requestState" in result:
            retry["requestState"] = result["requestState"]
        reply = await cell.client.tool("act", {"steps": steps}, **retry)
    assert asked["params"] == params
    assert texts(reply) == ["on"]
    if cell.old_server:
        heard = (await cell.record.wait(lambda e: e["event"] == "answer", since))["answer"]["result"]
    else:
        heard = cell.record.messages("tools/call", since)[-1]["params"]["inputResponses"]["k"]
    assert heard == answer


async def form(cell):
    await question(cell, "form")


async def url(cell):
    await question(cell, "url")


async def sampling(cell):
    await question(cell, "sampling")


async def roots(cell):
    await question(cell, "roots")


async def url_completed(cell):
    """The client hears that what it was sent to do is done."""
    where = {"mode": "url", "url": "https://example.com", "message": "m"}
    if cell.old_server:
        done = {"method": "notifications/elicitation/complete", "params": {"elicitationId": "e"}}
        ask = {"method": "elicitation/create", "params": {**where, "elicitationId": "e"}}
        steps = [{"ask": ask}, {"send": done}, said("on")]
    else:
        steps = [
            {"input": {"inputRequests": {"k": {"method": "elicitation/create", "params": where}}}},
            said("on"),
        ]
    exchange = await cell.client.play("act", *steps)
    asked = await exchange.until(lambda m: m.get("method") == "elicitation/create")
    await cell.client.answer(asked["id"], result={"action": "accept"})
    done, reply = await exchange.messages()
    assert done["method"] == "notifications/elicitation/complete"
    assert done["params"] == {"elicitationId": asked["params"]["elicitationId"]}
    assert texts(reply) == ["on"]


async def url_first(cell):
    """-32042: the call fails until a person has been somewhere."""
    where = {"mode": "url", "url": "https://example.com", "message": "m", "elicitationId": "e"}
    error = {"code": -32042, "message": "m", "data": {"elicitations": [where]}}
    steps = [{"fail_once": {"name": cell.word, "error": error}}, said("on")]
    first = await cell.client.tool("act", {"steps": steps})
    if cell.old_client:
        assert first["error"] == error
        second = await cell.client.tool("act", {"steps": steps})
    else:
        ((key, asked),) = first["result"]["inputRequests"].items()
        assert asked == {"method": "elicitation/create", "params": where}
        retry = {
            "inputResponses": {key: {"action": "accept"}},
            "requestState": first["result"]["requestState"],
        }
        second = await cell.client.tool("act", {"steps": steps}, **retry)
    assert texts(second) == ["on"]


async def progressing(cell):
    heard = await cell.talk(progress(1), progress(2), said("on"), _meta={"progressToken": cell.word})
    assert [(m["params"]["progress"], m["params"]["progressToken"]) for m in heard[:-1]] == [
        (1, cell.word),
        (2, cell.word),
    ]


async def cancellation(cell):
    """Each side in its own manner."""
    since = cell.record.mark()
    exchange = await cell.client.play("act", {"note": cell.word}, {"hold": cell.word}, request_id=cell.word)
    await cell.record.wait_note(cell.word, since)
    if cell.old_client:
        await cell.client.notify("notifications/cancelled", {"requestId": cell.word})
    else:
        await exchange.close()
    if cell.server == "sl-http":
        await cell.record.wait(lambda e: e["event"] == "disconnect" and e["method"] == "tools/call", since)
    else:
        await cell.record.wait_note(f"cancelled at {cell.word}", since)


async def disconnection(cell):
    """In the handshake era a lost connection cancels nothing."""
    since = cell.record.mark()
    exchange = await cell.client.play(
        "act", {"note": cell.word}, {"hold": cell.word}, {"note": f"{cell.word} on"}
    )
    await cell.record.wait_note(cell.word, since)
    await exchange.close()
    assert "result" in await cell.client.tool("app")
    cell.record.open_gate(cell.word)
    await cell.record.wait_note(f"{cell.word} on", since)


async def logging(cell):
    """The client's level reaches the server; what the server says reaches the client."""
    say = {"send": {"method": "notifications/message", "params": {"level": "error", "data": cell.word}}}
    since = cell.record.mark()
    meta = {}
    if cell.old_client:
        assert (await cell.client.call("logging/setLevel", {"level": "warning"}))["result"] == {}
    else:
        meta = {LEVEL: "warning"}
        cell.client.info = {"name": cell.word}  # so that no other test has set the level before
    heard = await cell.talk(say, said("on"), _meta=meta)
    assert [m["params"]["data"] for m in heard if m.get("method") == "notifications/message"] == [cell.word]
    if cell.old_server:
        assert cell.record.messages("logging/setLevel", since)[-1]["params"]["level"] == "warning"
    else:
        assert cell.record.messages("tools/call", since)[-1]["params"]["_meta"][LEVEL] == "warning"


async def subscriptions(cell):
    stream = await cell.listening(resourceSubscriptions=[URI])
    updated = {"method": "notifications/resources/updated", "params": {"uri": URI, **cell.stamp()}}
    await cell.talk({"push": updated})
    message = await stream.until(lambda m: m["method"] == updated["method"])
    assert message["params"]["uri"] == URI


async def list_changes(cell):
    flags = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
    stream = await cell.listening(**flags)
    if cell.old_client:  # answered when the server has heard of it, and so of what the session wants to hear
        await cell.client.call("resources/subscribe", {"uri": URI})
    for word in ("tools", "prompts", "resources"):
        method = f"notifications/{word}/list_changed"
        await cell.talk({"push": {"method": method, "params": cell.stamp()}})
        await stream.until(lambda m, method=method: m["method"] == method)


async def roots_changed(cell):
    since = cell.record.mark()
    await cell.client.notify("notifications/roots/list_changed")
    await cell.record.wait_message("notifications/roots/list_changed", since)


async def ping(cell):
    """Answered by keepgate for either side."""
    assert (await cell.client.call("ping"))["result"] == {}


async def no_ping(cell):
    assert (await cell.client.call("ping"))["error"]["code"] == -32601


async def server_ping(cell):
    heard = await cell.talk({"ask": {"method": "ping", "id": cell.word}}, said("on"))
    assert texts(heard[-1]) == ["on"]
    assert next(m for m in cell.record.messages() if m.get("id") == cell.word)["result"] == {}


async def unasked(cell):
    """A question of a server outside any call."""
    stream = await cell.client.listen()
    await cell.talk({"tell": {"method": "roots/list", "id": cell.word}}, said("on"))
    asked = await stream.until(lambda m: m["method"] == "roots/list")
    await cell.client.answer(asked["id"], result={"roots": []})
    await cell.record.wait(lambda e: e["event"] == "message" and e["message"].get("id") == cell.word)


async def resumption(cell):
    """A stream that was cut goes on where it ended."""
    exchange = await cell.client.play(
        "act", progress(1), {"hold": cell.word}, said("on"), _meta={"progressToken": 1}
    )
    event = await exchange.event()
    while not event.data:
        event = await exchange.event()
    await exchange.close()
    cell.record.open_gate(cell.word)
    again = await cell.client.listen(event.id)
    assert texts(await again.until(lambda m: "result" in m)) == ["on"]


PAIRINGS = [
    (client, server) for client in ("handshake", "stateless") for server in ("handshake", "stateless")
]
HH, HS, SH, SS = PAIRINGS

NO_PING = "2026-07-28 has no `ping`: a client's is answered -32601, and servers have none"
NO_LEVEL = "2026-07-28 has no `notifications/elicitation/complete`; a retry tells the server's answer"
NO_32042 = "2026-07-28 has no -32042: its servers answer `input_required` with an elicitation"
NO_ROOTS_CHANGED = (
    "2026-07-28 has no `notifications/roots/list_changed`: roots are asked for when they are needed"
)
LOST = "2026-07-28: a lost connection is the cancellation"
OUTSIDE = "2026-07-28 has no questions outside calls; a handshake server's are refused"
ON_A_PIPE = "over HTTP only: a pipe does not say what is outside a call"
NO_RESUMPTION = "2026-07-28 has no resumption: a client that loses its stream has cancelled"
NO_CLIENT_TASKS = "only 2025-11-25 has tasks that a client executes for its server"


class Elsewhere(str):
    """A cell that another file tests."""

    __slots__ = ()


TASKS = Elsewhere("`tests/e2e/test_tasks.py`, and the scenarios of the official suite")
WAITED_FOR = Elsewhere(
    "not as tasks: a call that its server can answer only with a task is waited for "
    "(`tests/e2e/test_tasks_bridged.py`)"
)
EXTENDED = Elsewhere(
    "as tasks of the extension, without `notifications/tasks`; for a client that does not declare it, waited for "
    "where the tool can only be a task (`tests/e2e/test_tasks_bridged.py`)"
)

FEATURES = {
    "tools": dict.fromkeys(PAIRINGS, tools),
    "resources, templates": dict.fromkeys(PAIRINGS, resources),
    "prompts": dict.fromkeys(PAIRINGS, prompts),
    "completion": dict.fromkeys(PAIRINGS, completion),
    "elicitation: form": dict.fromkeys(PAIRINGS, form),
    "elicitation: URL": dict.fromkeys(PAIRINGS, url),
    "elicitation: URL, its completion": {HH: url_completed, HS: url_completed, SH: NO_LEVEL, SS: NO_LEVEL},
    "elicitation: URL, before a call can be made (-32042)": {
        HH: url_first,
        HS: NO_32042,
        SH: url_first,
        SS: NO_32042,
    },
    "sampling": dict.fromkeys(PAIRINGS, sampling),
    "roots": dict.fromkeys(PAIRINGS, roots),
    "roots changed": {HH: roots_changed, HS: NO_ROOTS_CHANGED, SH: NO_ROOTS_CHANGED, SS: NO_ROOTS_CHANGED},
    "progress": dict.fromkeys(PAIRINGS, progressing),
    "cancellation": dict.fromkeys(PAIRINGS, cancellation),
    "a lost connection cancels nothing": {HH: disconnection, HS: disconnection, SH: LOST, SS: LOST},
    "logging, its level": dict.fromkeys(PAIRINGS, logging),
    "subscriptions": dict.fromkeys(PAIRINGS, subscriptions),
    "list changes": dict.fromkeys(PAIRINGS, list_changes),
    "ping by the client": {HH: ping, HS: ping, SH: NO_PING, SS: NO_PING},
    "ping by the server": {HH: server_ping, HS: NO_PING, SH: server_ping, SS: NO_PING},
    "questions outside any call": {HH: unasked, HS: OUTSIDE, SH: OUTSIDE, SS: OUTSIDE},
    "resumption of event streams": {HH: resumption, HS: resumption, SH: NO_RESUMPTION, SS: NO_RESUMPTION},
    "tasks": {HH: TASKS, HS: WAITED_FOR, SH: EXTENDED, SS: TASKS},
    "tasks of the client": {HH: TASKS, HS: NO_CLIENT_TASKS, SH: NO_CLIENT_TASKS, SS: NO_CLIENT_TASKS},
}

SERVERS = {"handshake": ("hs-http", "hs-stdio"), "stateless": ("sl-http", "sl-stdio")}
SKIPPED = {("questions outside any call", "hs-stdio")}
"""Said in `ON_A_PIPE`."""

CELLS = [
    pytest.param(test, era, server, id=f"{feature}-{era}-{server}".replace(" ", "_"))
    for feature, row in FEATURES.items()
    for (era, server_era), test in row.items()
    if callable(test)
    for server in SERVERS[server_era]
    if (feature, server) not in SKIPPED
]


def test_every_cell_is_tested_or_explained():
    for feature, row in FEATURES.items():
        assert list(row) == PAIRINGS, feature
        assert all(callable(cell) or len(cell) > 20 for cell in row.values()), feature


@pytest.mark.parametrize(("test", "era", "server"), CELLS)
@conversation
async def test_it_works(everything, test, era, server, unique):
    cell = Cell(everything, era, server, unique)
    await cell.client.initialize()
    await test(cell)


@pytest.mark.parametrize("server", ["hs-http", "hs-stdio", "sl-http", "sl-stdio"])
@conversation
async def test_what_a_stateless_client_cannot_say_is_answered_so(everything, server, unique):
    await no_ping(Cell(everything, "stateless", server, unique))


@conversation
async def test_a_question_outside_any_call_of_a_stateless_client_is_refused(everything, unique):
    cell = Cell(everything, "stateless", "hs-http", unique)
    hold = await cell.client.play("act", {"note": unique}, {"hold": unique})
    await cell.record.wait_note(unique)  # so that the question cannot be of one call
    await cell.talk({"tell": {"method": "roots/list", "id": f"{unique}-q"}}, said("on"))
    answer = await cell.record.wait(
        lambda e: e["event"] == "message" and e["message"].get("id") == f"{unique}-q"
    )
    assert "error" in answer["message"]
    cell.record.open_gate(unique)
    await hold.reply()


def table():
    notes = {}
    lines = [
        "| | " + " | ".join(f"{client} client, {server} server" for client, server in PAIRINGS) + " |",
        "|---|" + "---|" * len(PAIRINGS),
    ]
    for feature, row in FEATURES.items():
        cells = []
        for cell in row.values():
            sign = "yes" if callable(cell) or isinstance(cell, Elsewhere) else "–"
            note = "" if callable(cell) else f" ({notes.setdefault(cell, chr(97 + len(notes)))})"
            cells.append(sign + note)
        if any(name == feature for name, _ in SKIPPED):
            cells[0] += f" ({notes.setdefault(ON_A_PIPE, chr(97 + len(notes)))})"
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"- ({letter}) {why}" for why, letter in notes.items())])


def test_the_page_shows_the_matrix():
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    now = f"\n\n{table()}\n\n"
    if os.environ.get("KEEPGATE_WRITE_DOCS"):
        PAGE.write_text(f"{before}{BEGIN}{now}{END}{after}")
        return
    assert shown == now, "run with KEEPGATE_WRITE_DOCS=1"
