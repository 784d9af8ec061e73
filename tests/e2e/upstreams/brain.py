"""What a server of ours says: replies from the table, plays step by step. Knows both eras, no transport."""

import asyncio
import copy
import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from tests.e2e.upstreams.record import Recorder

Json = Any
STATELESS = "2026-07-28"
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
META = "io.modelcontextprotocol/"

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
GATE_SECONDS = 30.0


@dataclass
class Table:
    """What a server offers and answers; the JSON file has these keys."""

    era: str = "handshake"
    revisions: list[str] = field(default_factory=lambda: list(HANDSHAKE))
    info: Json = field(default_factory=lambda: {"name": "upstream", "version": "1"})
    capabilities: Json = field(default_factory=lambda: {"tools": {"listChanged": True}})
    hello: Json = field(default_factory=dict)
    """More fields of the initialize or discover result."""
    lists: dict[str, list[Json]] = field(default_factory=dict)
    extras: dict[str, Json] = field(default_factory=dict)
    """List method to more fields of each page."""
    page: int = 0
    """Items in a page; 0 for all."""
    results: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Method to name (or URI, or completion reference) to result."""
    errors: dict[str, dict[str, Json]] = field(default_factory=dict)
    brain: str = "plain"
    """`tasks` for the server of `task_brain`."""
    stream: bool = False
    """Answer every request over HTTP with an event stream."""

    @classmethod
    def read(cls, path: Path) -> "Table":
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(self.__dict__))
        return path


class Voice(Protocol):
    """How to answer one request."""

    async def send(self, message: Json) -> None:
        """Something that belongs to the request, ahead of its reply."""

    async def wire(self, data: bytes) -> None:
        """Exactly these bytes, as one event or line."""

    async def raw(self, data: bytes) -> None:
        """Exactly these bytes, over HTTP as part of an event stream."""

    async def reply(self, message: Json) -> None:
        """The reply."""

    async def hang_up(self) -> None:
        """End without a reply."""


class Ears:
    """What a session, or all stateless callers together, share: who can be told something, who is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, asyncio.Future[Json]] = {}
        self.running: dict[tuple[type, Json], asyncio.Event] = {}
        self.listens: dict[int, tuple[Json, Voice]] = {}
        self.watching: dict[int, tuple[Json, Voice, list[Json]]] = {}
        """Listens for tasks."""
        self.push: Any = None
        """async callable: send on the standing stream or pipe."""


class EndedError(Exception):
    """The play is over without a reply of ours."""


_ids = count(1)


class Brain:
    """One server process."""

    def __init__(self, table: Table, recorder: Recorder) -> None:
        self.table = table
        self.recorder = recorder
        self.failed: set[str] = set()

    @property
    def stateless(self) -> bool:
        return self.table.era == "stateless"

    def refuses(self, headers: dict[str, str], message: Json) -> Json:
        """An error object for a request whose headers are wrong; this one takes all."""
        return None

    async def take(self, message: Json, ears: Ears, voice: Voice) -> None:
        """Serve one received message."""
        self.recorder.note("message", message=message)
        method = message.get("method")
        if method is None:
            future = ears.asked.pop(str(message.get("id")), None)
            if future is not None and not future.done():
                future.set_result(message)
        elif "id" not in message:
            if method == "notifications/cancelled":
                wanted = message.get("params", {}).get("requestId")
                cancelled = ears.running.get((type(wanted), wanted))
                if cancelled is not None:
                    cancelled.set()
        else:
            await self._request(message, ears, voice)

    async def _request(self, message: Json, ears: Ears, voice: Voice) -> None:
        key = (type(message["id"]), message["id"])
        cancelled = ears.running.setdefault(key, asyncio.Event())
        try:
            params = message.get("params") or {}
            steps = (params.get("arguments") or {}).get("steps") or (params.get("_meta") or {}).get(
                "e2e/steps"
            )
            if message["method"] == "subscriptions/listen" and self.stateless:
                await self._listen(message, ears, voice, cancelled)
            elif steps:
                await Play(self, message, ears, voice, cancelled).run(steps)
            else:
                await voice.reply(self.answer(message))
        except EndedError:
            return
        finally:
            ears.running.pop(key, None)

    async def _listen(self, message: Json, ears: Ears, voice: Voice, cancelled: asyncio.Event) -> None:
        number = next(_ids)
        ack = {
            "_meta": {META + "subscriptionId": message["id"]},
            "notifications": message["params"]["notifications"],
        }
        await voice.send(
            {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": ack}
        )
        ears.listens[number] = (message["id"], voice)
        ears.watching[number] = (message["id"], voice, message["params"]["notifications"].get("taskIds", []))
        self.recorder.note("listening", id=message["id"])
        try:
            await cancelled.wait()
        finally:
            del ears.listens[number]
            del ears.watching[number]

    def answer(self, message: Json) -> Json:
        """The reply from the table."""
        outcome = self._outcome(message["method"], message.get("params") or {})
        return {"jsonrpc": "2.0", "id": message["id"], **outcome}

    def _outcome(self, method: str, params: Json) -> Json:
        table = self.table
        if method == ("server/discover" if self.stateless else "initialize"):
            return {"result": self._hello(params)}
        if method in LISTS:
            return {"result": self.finish(method, self._page(method, params.get("cursor")))}
        if not self.stateless and method in ("ping", "logging/setLevel"):
            return {"result": {}}
        if not self.stateless and method in ("resources/subscribe", "resources/unsubscribe"):
            if params.get("uri") in table.results.get("resources/read", {}):
                return {"result": {}}
            return {"error": {"code": -32002, "message": "no such thing", "data": {"uri": params.get("uri")}}}
        if method in NAMES or method == "completion/complete":
            ref = params.get("ref", {})
            name = params.get(NAMES.get(method, ""), ref.get("name", ref.get("uri")))
            error = table.errors.get(method, {}).get(name)
            if error is not None:
                return {"error": error}
            result = table.results.get(method, {}).get(name)
            if result is not None:
                return {"result": self.finish(method, result)}
            return {
                "error": {"code": -32602, "message": f"the server knows no {name}", "data": {"uri": name}}
            }
        return {"error": {"code": -32601, "message": "Method not found"}}

    def _hello(self, params: Json) -> Json:
        table = self.table
        if self.stateless:
            hello = {"supportedVersions": [STATELESS], "capabilities": table.capabilities, **table.hello}
            hello["_meta"] = {META + "serverInfo": table.info, **table.hello.get("_meta", {})}
            return {"ttlMs": 1000, "cacheScope": "public", "resultType": "complete", **hello}
        asked = params.get("protocolVersion")
        version = asked if asked in table.revisions else table.revisions[-1]
        hello = {"protocolVersion": version, "capabilities": table.capabilities, "serverInfo": table.info}
        return {**hello, **table.hello}

    def _page(self, method: str, cursor: Json) -> Json:
        items = self.table.lists.get(method, [])
        start = int(cursor.removeprefix("at ")) if cursor is not None else 0
        size = self.table.page or len(items) or 1
        page = {LISTS[method]: items[start : start + size], **self.table.extras.get(method, {})}
        if start + size < len(items):
            page["nextCursor"] = f"at {start + size}"
        return page

    def finish(self, method: str, result: Json) -> Json:
        """Add what the stateless era demands of every result, unless the table says otherwise."""
        if not self.stateless:
            return result
        out = {"resultType": "complete", **result}
        if method in LISTS or method == "resources/read":
            out = {"ttlMs": 5000, "cacheScope": "public", **out}
        return out


class Play:
    """Plays the steps of one request, then replies."""

    def __init__(
        self, brain: Brain, message: Json, ears: Ears, voice: Voice, cancelled: asyncio.Event
    ) -> None:
        self.brain = brain
        self.message = message
        self.ears = ears
        self.voice = voice
        self.cancelled = cancelled
        self.params = message.get("params") or {}
        self.stubborn = False
        self.final: Json = None

    async def run(self, steps: Json) -> None:
        for step in steps:
            ((verb, value),) = step.items()
            await getattr(self, f"do_{verb}")(value)
        if self.final is None:
            default = {"content": [{"type": "text", "text": "done"}]}
            self.final = {"result": self.brain.finish(self.message["method"], default)}
        await self.voice.reply({"jsonrpc": "2.0", "id": self.message["id"], **self.final})

    def filled(self, value: Json, subscription: Json = None) -> Json:
        """A copy with `$id`, `$token` and `$subscription` put in."""
        known = {
            "$id": self.message["id"],
            "$token": (self.params.get("_meta") or {}).get("progressToken"),
            "$subscription": subscription,
        }
        if isinstance(value, dict):
            return {key: self.filled(item, subscription) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, subscription) for item in value]
        return known.get(value, value) if isinstance(value, str) else value

    async def do_note(self, text: str) -> None:
        """Say in the record that the call is being executed."""
        self.brain.recorder.note("note", text=text)

    async def do_send(self, message: Json) -> None:
        """A message on the stream of this request."""
        await self.voice.send({"jsonrpc": "2.0", **self.filled(message)})

    async def do_wire(self, text: str) -> None:
        """Bytes on the stream of this request."""
        await self.voice.wire(self.filled(text).encode("utf-8", "surrogatepass"))

    async def do_raw(self, text: str) -> None:
        """Bytes on the stream of this request, event stream syntax included; the id of this request for `$id`."""
        await self.voice.raw(text.replace("$id", json.dumps(self.message["id"])).encode())

    async def do_beat(self, message: Json) -> None:
        """Send the message again and again until cancelled."""
        while not self.cancelled.is_set():
            await self.do_send(message)
            await asyncio.sleep(0.02)
        self.brain.recorder.note("note", text="the beat was stopped")
        raise EndedError

    async def do_push(self, message: Json) -> None:
        """A message outside any request: on every open listen, or on the session's standing stream or pipe."""
        if self.brain.stateless:
            for subscription, voice in list(self.ears.listens.values()):
                await voice.send({"jsonrpc": "2.0", **self.filled(message, subscription)})
        else:
            await self.ears.push({"jsonrpc": "2.0", **self.filled(message)})

    async def do_ask(self, message: Json) -> None:
        """A request to the client, and wait for its answer, which is recorded like any message."""
        request_id = message.get("id", f"asked-{next(_ids)}")
        future = self.ears.asked[str(request_id)] = asyncio.get_running_loop().create_future()
        await self.voice.send({"jsonrpc": "2.0", "id": request_id, **self.filled(message)})
        answer = await asyncio.wait_for(future, GATE_SECONDS)
        self.brain.recorder.note("answer", answer=answer)

    async def do_asks(self, messages: Json) -> None:
        """Several requests to the client at the same time, then wait for all answers."""
        futures = []
        for message in messages:
            request_id = message.get("id", f"asked-{next(_ids)}")
            futures.append(asyncio.get_running_loop().create_future())
            self.ears.asked[str(request_id)] = futures[-1]
            await self.voice.send({"jsonrpc": "2.0", "id": request_id, **self.filled(message)})
        await asyncio.wait_for(asyncio.gather(*futures), GATE_SECONDS)

    async def do_ask_and_send(self, value: Json) -> None:
        """A request to the client, messages while it is open, then wait for the answer."""
        question, *messages = value
        request_id = question.get("id", f"asked-{next(_ids)}")
        future = self.ears.asked[str(request_id)] = asyncio.get_running_loop().create_future()
        for message in [{"id": request_id, **question}, *messages]:
            await self.do_send(message)
        await asyncio.wait_for(future, GATE_SECONDS)

    async def do_fail_once(self, value: Json) -> None:
        """Fail with this error, but only the first time that this name comes."""
        if value["name"] not in self.brain.failed:
            self.brain.failed.add(value["name"])
            self.final = {"error": value["error"]}
            await self.voice.reply({"jsonrpc": "2.0", "id": self.message["id"], **self.final})
            raise EndedError

    async def do_tell(self, message: Json) -> None:
        """A request outside any request; nobody waits for the answer."""
        await self.do_push({"id": f"told-{next(_ids)}", **message})

    async def do_hold(self, name: str) -> None:
        """Wait at a gate, or until cancelled."""
        gate, waited = self.brain.recorder.gate(name), 0.0
        while not gate.exists():
            if self.cancelled.is_set() and not self.stubborn:
                self.brain.recorder.note("note", text=f"cancelled at {name}")
                raise EndedError
            if waited > GATE_SECONDS:
                raise EndedError
            await asyncio.sleep(0.01)
            waited += 0.01

    async def do_stubborn(self, value: bool) -> None:
        """Go on and reply although cancelled."""
        self.stubborn = value

    async def do_set(self, changes: Json) -> None:
        """Change the table."""
        for key, value in copy.deepcopy(changes).items():
            current = getattr(self.brain.table, key)
            if isinstance(current, dict):
                current.update(value)
            else:
                setattr(self.brain.table, key, value)

    async def do_input(self, result: Json) -> None:
        """Stateless era: ask for input, unless this is the retry that brings it."""
        if "inputResponses" not in self.params and "requestState" not in self.params:
            result = {"resultType": "input_required", **result}
            await self.voice.reply({"jsonrpc": "2.0", "id": self.message["id"], "result": result})
            raise EndedError

    async def do_foreign(self, message: Json) -> None:
        """A reply to some other request, on this request's stream."""
        await self.voice.send({"jsonrpc": "2.0", **self.filled(message)})

    async def do_reply(self, result: Json) -> None:
        """What to answer in the end."""
        self.final = {"result": self.brain.finish(self.message["method"], self.filled(result))}

    async def do_error(self, error: Json) -> None:
        """Fail in the end."""
        self.final = {"error": error}

    async def do_hang_up(self, _: Json) -> None:
        """End the answer without a reply."""
        await self.voice.hang_up()
        raise EndedError

    async def do_die(self, _: Json) -> None:
        """End the process, now."""
        import os

        os._exit(3)
