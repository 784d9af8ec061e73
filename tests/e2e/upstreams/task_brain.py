"""A server with the tools that the conformance suite's task scenarios name, in both eras.

    greet               never a task                slow_compute        sleeps, as a task or not
    failing_job         only as a task: isError     protocol_error_job  ends with a JSON-RPC error
    confirm_delete      asks one question           multi_input         asks two at once
    test_tool_with_task 2026-07-28: asks before it makes the task
    outsource           2025-11-25: has its client sample as a task of the client's, and reports
    play                as any tool of these servers: `steps`; as a task as well

2025-11-25: `params.task` makes a task. 2026-07-28: every call that declares the extension does, but `greet`.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.e2e.upstreams.brain import META, NAMES, Brain, Ears, EndedError, Json, Play, Table, Voice
from tests.e2e.upstreams.record import Recorder

EXTENSION = META + "tasks"
RELATED = META + "related-task"
POLL_MS = 100
TTL_MS = 600_000
NAMED = {**NAMES, "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId"}

SUPPORT = {
    "greet": "forbidden",
    "slow_compute": "optional",
    "failing_job": "required",
    "protocol_error_job": "optional",
    "confirm_delete": "optional",
    "multi_input": "optional",
    "test_tool_with_task": "required",
    "outsource": "optional",
    "play": "optional",
}
ENDED = ("completed", "failed", "cancelled")


class RefusalError(Exception):
    """A JSON-RPC error to answer with."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


def tool(name: str) -> Json:
    return {"name": name, "inputSchema": {"type": "object"}, "execution": {"taskSupport": SUPPORT[name]}}


def table(era: str, **changes: Any) -> Table:
    """What this server offers."""
    names = [
        name for name in SUPPORT if name != ("outsource" if era == "stateless" else "test_tool_with_task")
    ]
    own = {"tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}}
    capabilities = {"tools": {}, **({"extensions": {EXTENSION: {}}} if era == "stateless" else own)}
    return Table(
        era=era,
        brain="tasks",
        capabilities=capabilities,
        lists={"tools/list": [tool(name) for name in names]},
        **changes,
    )


def text(words: str, **more: Json) -> Json:
    return {"content": [{"type": "text", "text": words}], **more}


def now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass
class Task:
    """One task."""

    id: str
    ttl: int | None
    status: str = "working"
    message: str | None = None
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)
    outcome: Json = None
    """`{result: ...}` or `{error: ...}`"""
    questions: dict[str, Json] = field(default_factory=dict)
    answers: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    token: Json = None
    work: asyncio.Task[None] | None = None


class TaskBrain(Brain):
    """One server process with tasks."""

    def __init__(self, table: Table, recorder: Recorder) -> None:
        super().__init__(table, recorder)
        self.tasks: dict[str, Task] = {}

    def refuses(self, headers: dict[str, str], message: Json) -> Json:
        """2026-07-28: what the headers say must be what the body says; an error object or None."""
        method = message["method"]
        if not self.stateless:
            return None
        named = (message.get("params") or {}).get(NAMED.get(method, ""))
        if headers.get("mcp-method") != method or (named is not None and headers.get("mcp-name") != named):
            return {"code": -32020, "message": "header mismatch"}
        return None

    async def _request(self, message: Json, ears: Ears, voice: Voice) -> None:
        method = message["method"]
        if method != "tools/call" and not method.startswith("tasks/"):
            await super()._request(message, ears, voice)
            return
        try:
            result = await self.serve(method, message, ears, voice)
            reply = {"result": {"resultType": "complete", **result} if self.stateless else result}
        except RefusalError as refusal:
            reply = {"error": refusal.error}
        except EndedError:
            return
        await voice.reply({"jsonrpc": "2.0", "id": message["id"], **reply})

    async def serve(self, method: str, message: Json, ears: Ears, voice: Voice) -> Json:
        params = message.get("params") or {}
        if method == "tools/call":
            return await self.call(message, ears, voice)
        if method not in (
            ("tasks/get", "tasks/update", "tasks/cancel")
            if self.stateless
            else ("tasks/get", "tasks/result", "tasks/list", "tasks/cancel")
        ):
            raise RefusalError(-32601, "Method not found")
        if self.stateless and not self.declared(params):
            needed = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
            raise RefusalError(-32021, "Missing required client capability", needed)
        if method == "tasks/list":
            return self.listed(params)
        task = self.tasks.get(params.get("taskId"))
        if task is None:
            raise RefusalError(-32602, "Failed to retrieve task: Task not found")
        act = getattr(self, f"do_{method.removeprefix('tasks/')}")
        return await act(task, params, ears, voice)

    def declared(self, params: Json) -> bool:
        capabilities = (params.get("_meta") or {}).get(META + "clientCapabilities") or {}
        return EXTENSION in (capabilities.get("extensions") or {})

    def listed(self, params: Json) -> Json:
        size = self.table.page or 1000
        start = int(params.get("cursor", "at 0").removeprefix("at "))
        page = [self.shown(task) for task in list(self.tasks.values())[start : start + size]]
        more = {"nextCursor": f"at {start + size}"} if start + size < len(self.tasks) else {}
        return {"tasks": page, **more}

    # Calls

    async def call(self, message: Json, ears: Ears, voice: Voice) -> Json:
        params = message["params"]
        name, arguments = params["name"], params.get("arguments") or {}
        if name not in {item["name"] for item in self.table.lists["tools/list"]}:
            raise RefusalError(-32602, f"Unknown tool: {name}")
        support = SUPPORT.get(name, "optional")
        if self.stateless:
            as_task = self.declared(params) and support != "forbidden"
            if not as_task and (support == "required" or name in ("confirm_delete", "multi_input")):
                needed = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
                raise RefusalError(-32021, "Missing required client capability", needed)
        else:
            as_task = "task" in params
            if (support == "required") != as_task and support != "optional":
                raise RefusalError(-32601, f"taskSupport of {name} is {support}")
        if name == "test_tool_with_task" and "inputResponses" not in params:
            question = self.question("user_name", "Who are you?")
            return {"resultType": "input_required", "inputRequests": {"user_name": question}}
        if not as_task:
            if arguments.get("steps"):
                await Play(self, message, ears, voice, asyncio.Event()).run(arguments["steps"])
                raise EndedError
            outcome = await self.work(name, params, None, ears, voice)
            if "error" in outcome:
                raise RefusalError(outcome["error"]["code"], outcome["error"]["message"])
            return outcome["result"]
        return self.create(name, params, ears)

    def create(self, name: str, params: Json, ears: Ears) -> Json:
        """A task for this call, and what to answer it with."""
        ttl = (params.get("task") or {}).get("ttl", TTL_MS)
        task = Task(secrets.token_hex(16), self.table.extras.get("ttl", ttl))
        task.token = (params.get("_meta") or {}).get("progressToken")
        self.tasks[task.id] = task
        self.recorder.note("task", id=task.id, tool=name)
        task.work = asyncio.ensure_future(self.run(task, name, params, ears))
        if self.stateless:
            return {**self.shown(task), "resultType": "task"}
        return {"task": self.shown(task), "x-e2e": 1}

    async def run(self, task: Task, name: str, params: Json, ears: Ears) -> None:
        try:
            outcome = await self.work(name, params, task, ears, None)
        except asyncio.CancelledError:
            return
        failed = "error" in outcome or (not self.stateless and outcome["result"].get("isError"))
        await self.turn(task, "failed" if failed else "completed", ears, outcome)

    async def turn(self, task: Task, status: str, ears: Ears, outcome: Json = None) -> None:
        """A new status, told to whoever listens."""
        if task.status in ENDED:
            return
        task.status, task.updated, task.outcome = status, now(), outcome
        task.news.set()
        if status in ENDED:
            task.done.set()
        if self.stateless:
            method, params = "notifications/tasks", self.detailed(task)
        else:
            method, params = "notifications/tasks/status", self.shown(task)
        for subscription, voice, wanted in list(ears.watching.values()):
            if task.id in wanted:
                meta = {"_meta": {META + "subscriptionId": subscription}}
                await voice.send({"jsonrpc": "2.0", "method": method, "params": {**params, **meta}})
        if not self.stateless and ears.push is not None:
            await ears.push({"jsonrpc": "2.0", "method": method, "params": params})

    async def work(self, name: str, params: Json, task: Task | None, ears: Ears, voice: Voice | None) -> Json:
        """What the tools do."""
        arguments = params.get("arguments") or {}
        if name == "greet":
            return {"result": text(f"Hello, {arguments.get('name', 'nobody')}!")}
        if name == "slow_compute":
            if task is not None and task.token is not None:
                meta = {"_meta": {RELATED: {"taskId": task.id}}}
                told = {"progressToken": task.token, "progress": 1, **meta}
                await asyncio.sleep(0.05)
                await ears.push({"jsonrpc": "2.0", "method": "notifications/progress", "params": told})
            await asyncio.sleep(arguments.get("seconds", 0))
            result = text(f"computed {arguments.get('label', '')}", **arguments.get("more", {}))
            return {"result": result}
        if name == "failing_job":
            await asyncio.sleep(arguments.get("seconds", 0.3))
            return {"result": text("the job failed", isError=True)}
        if name == "protocol_error_job":
            return {"error": {"code": -32603, "message": "the server broke"}}
        if name == "outsource":
            return {"result": text(await self.outsource(arguments, ears))}
        if name == "test_tool_with_task":
            given = params["inputResponses"]["user_name"]["content"]["name"]
            return {"result": text(f"Hello, {given}!")}
        if name == "play":
            gate = self.recorder.gate(arguments["gate"])
            while not gate.exists():
                await asyncio.sleep(0.01)
            return {"result": arguments.get("result", text("played"))}
        keys = ["confirm"] if name == "confirm_delete" else ["first", "second"]
        answers = await self.ask(task, keys, ears, voice)
        yes = all(answer.get("action") == "accept" for answer in answers)
        return {"result": text("deleted" if yes else "kept")}

    # Questions

    def question(self, key: str, message: str) -> Json:
        schema = {"type": "object", "properties": {key: {"type": "boolean"}}}
        params = {"message": message, "requestedSchema": schema}
        return {"method": "elicitation/create", "params": {**params, "mode": "form"}}

    async def ask(self, task: Task | None, keys: list[str], ears: Ears, voice: Voice | None) -> list[Json]:
        questions = {key: self.question(key, f"{key}?") for key in keys}
        if task is None:
            assert voice is not None
            return [await self.put(question, None, ears, voice) for question in questions.values()]
        loop = asyncio.get_running_loop()
        task.questions = questions
        task.answers = {key: loop.create_future() for key in keys}
        await self.turn(task, "input_required", ears)
        answers = [await future for future in task.answers.values()]
        await self.turn(task, "working", ears)
        return answers

    async def put(self, question: Json, task_id: str | None, ears: Ears, voice: Voice) -> Json:
        """2025-11-25: ask the client on the stream of a request; its result."""
        asked = f"q-{secrets.token_hex(4)}"
        future = ears.asked[asked] = asyncio.get_running_loop().create_future()
        params = question["params"]
        if task_id is not None:
            params = {**params, "_meta": {RELATED: {"taskId": task_id}}}
        await voice.send({"jsonrpc": "2.0", "id": asked, "method": question["method"], "params": params})
        answer = await asyncio.wait_for(future, 30)
        self.recorder.note("answer", answer=answer)
        return answer.get("result", {})

    async def outsource(self, arguments: Json, ears: Ears) -> str:
        """2025-11-25: the client's own tasks: sample as a task, poll, fetch; in words what came of it."""

        async def asks(method: str, params: Json) -> Json:
            asked = f"o-{secrets.token_hex(4)}"
            future = ears.asked[asked] = asyncio.get_running_loop().create_future()
            await ears.push({"jsonrpc": "2.0", "id": asked, "method": method, "params": params})
            answer = await asyncio.wait_for(future, 30)
            self.recorder.note("outsourced", method=method, params=params, answer=answer)
            return answer

        sample = {"messages": [], "maxTokens": 1, "task": {"ttl": 1000}, **arguments.get("sample", {})}
        made = await asks("sampling/createMessage", sample)
        if "error" in made or "task" not in made["result"]:
            return f"no task: {made}"
        task_id = arguments.get("instead", made["result"]["task"]["taskId"])
        for method in arguments.get("methods", ["tasks/get", "tasks/result"]):
            answer = await asks(method, {} if method == "tasks/list" else {"taskId": task_id})
        return f"got {answer.get('result', answer.get('error'))}"

    # tasks/*

    def shown(self, task: Task) -> Json:
        ttl, poll = ("ttlMs", "pollIntervalMs") if self.stateless else ("ttl", "pollInterval")
        out = {"taskId": task.id, "status": task.status, ttl: task.ttl, poll: POLL_MS, "x-e2e": {"a": [1]}}
        out |= {"createdAt": task.created, "lastUpdatedAt": task.updated}
        return out | ({} if task.message is None else {"statusMessage": task.message})

    def detailed(self, task: Task) -> Json:
        out = self.shown(task)
        if task.status == "input_required":
            out["inputRequests"] = task.questions
        return {**out, **(task.outcome or {})}

    async def do_get(self, task: Task, params: Json, ears: Ears, voice: Voice) -> Json:
        return self.detailed(task) if self.stateless else self.shown(task)

    async def do_update(self, task: Task, params: Json, ears: Ears, voice: Voice) -> Json:
        for key, answer in params["inputResponses"].items():
            future = task.answers.get(key)
            if future is not None and not future.done():
                task.questions.pop(key)
                future.set_result(answer)
        await asyncio.sleep(0.01)
        return {}

    async def do_cancel(self, task: Task, params: Json, ears: Ears, voice: Voice) -> Json:
        self.recorder.note("cancel", id=task.id)
        if task.status in ENDED:
            if self.stateless:
                return {}
            raise RefusalError(-32602, f"Cannot cancel task: already in terminal status '{task.status}'")
        if task.work is not None:
            task.work.cancel()
        await self.turn(task, "cancelled", ears, {"error": {"code": -32800, "message": "cancelled"}})
        if self.stateless:
            task.outcome = None
            return {}
        return self.shown(task)

    async def do_result(self, task: Task, params: Json, ears: Ears, voice: Voice) -> Json:
        """2025-11-25: blocks; meanwhile what the task asks is asked here."""
        self.recorder.note("waiting", id=task.id)
        while not task.done.is_set():
            task.news.clear()
            for key, question in list(task.questions.items()):
                task.questions.pop(key)
                task.answers[key].set_result(await self.put(question, task.id, ears, voice))
            if not task.done.is_set():
                await task.news.wait()
        if "error" in task.outcome:
            error = task.outcome["error"]
            raise RefusalError(error["code"], error["message"])
        result = task.outcome["result"]
        return {**result, "_meta": {**result.get("_meta", {}), RELATED: {"taskId": task.id}}}
