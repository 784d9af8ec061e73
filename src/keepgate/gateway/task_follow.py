"""A task of a stateless server followed to its end for a handshake client, which gets the outcome as a plain reply.

Only where the server can answer in no other way: it has refused the call for want of the extension, so it has not run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from keepgate.gateway.background import Background
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks

SHORTEST, LONGEST, USUAL = 0.1, 5.0, 1.0
"""Seconds between two looks, whatever the server says, and if it says nothing."""
MAX_QUESTIONS: Final = 64
"""That one task may ask, in all."""

AskServer = Callable[[str, dict[str, Any]], Awaitable[Message]]
"""Send a `tasks/*` request: method and params besides the envelope. Raises UpstreamError."""
AskClient = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Put input requests to the client: by key, to answers by key. Raises UpstreamError."""


async def follow(
    made: dict[str, Any], server: AskServer, client: AskClient, seconds: float, background: Background
) -> Message:
    """The outcome of a task that was just made: a result or an error. Raises UpstreamError.

    Given up after `seconds`, or when the caller is cancelled: then the server is told to cancel it.
    """
    named = {"taskId": tasks.read(made).id}
    try:
        async with asyncio.timeout(seconds):
            return await _followed(made, named, server, client)
    except TimeoutError:
        _ = background.spawn(_cancel(server, named))
        raise UpstreamError("timeout", f"the server's task did not end within {seconds:g} s") from None
    except (asyncio.CancelledError, UpstreamError):
        _ = background.spawn(_cancel(server, named))
        raise


async def _followed(
    task: dict[str, Any], named: dict[str, Any], server: AskServer, client: AskClient
) -> Message:
    answered: set[str] = set()
    while True:
        state = tasks.read(task)
        if state.id != named["taskId"]:
            raise UpstreamError("protocol", "the server answered with another task")
        if state.status == "completed":
            return _outcome("result", task)
        if state.status == "failed":
            return _outcome("error", task)
        if state.status == "cancelled":
            raise UpstreamError("cancelled", "the server cancelled its task")
        if state.status == "input_required":
            await _answer(task.get("inputRequests", {}), answered, named, server, client)
        pause = USUAL if state.poll is None else state.poll / 1000
        await asyncio.sleep(min(max(pause, SHORTEST), LONGEST))
        reply = await server("tasks/get", named)
        if reply.kind is not Kind.RESULT:
            raise UpstreamError(
                "protocol", "the server lost its task", f"it said: {reply.body['error']['message'][:200]}"
            )
        task = reply.body["result"]


def _outcome(kind: str, task: dict[str, Any]) -> Message:
    """Raises UpstreamError if there is none."""
    found = task.get(kind)
    if not isinstance(found, dict) or (
        kind == "error" and not (type(found.get("code")) is int and isinstance(found.get("message"), str))
    ):
        raise UpstreamError("protocol", f"the server's task has ended without its `{kind}`")
    body = {"jsonrpc": "2.0", "id": 0, kind: found}
    return Message(Kind.RESULT if kind == "result" else Kind.ERROR, body)


async def _answer(
    questions: Any, answered: set[str], named: dict[str, Any], server: AskServer, client: AskClient
) -> None:
    """Each question once: keys are never used again in one task."""
    if not isinstance(questions, dict):
        raise UpstreamError("protocol", "the server's `inputRequests` are malformed")
    new = {key: question for key, question in questions.items() if key not in answered}
    if not new:
        return
    answered.update(new)
    if len(answered) > MAX_QUESTIONS:
        raise UpstreamError("protocol", f"the server's task asked more than {MAX_QUESTIONS} questions")
    answers = await client(new)
    reply = await server("tasks/update", {**named, "inputResponses": answers})
    if reply.kind is not Kind.RESULT:
        raise UpstreamError("protocol", "the server did not take the answers to its task's questions")


async def _cancel(server: AskServer, named: dict[str, Any]) -> None:
    try:
        await server("tasks/cancel", named)
    except UpstreamError:
        return


def refused(reply: Message) -> bool:
    """Whether a server has refused a call because it can only answer it with a task."""
    return (
        reply.kind is Kind.ERROR
        and reply.body["error"]["code"] == jsonrpc.MISSING_CAPABILITY
        and tasks.needs_extension(reply.body["error"])
    )
