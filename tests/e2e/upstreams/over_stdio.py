"""A server of ours on stdio: one JSON object a line.

With `bare_cr` a lone CR ends a line as well, as with the official Python SDK's server, whose text streams translate
all newlines: the trap of CR smuggling.
"""

import asyncio
import json
import sys
from typing import Any

from tests.e2e.upstreams.brain import Brain, Ears
from tests.e2e.upstreams.record import Recorder


class PipeVoice:
    """Everything goes to one pipe."""

    async def send(self, message: Any) -> None:
        await self.wire(json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    async def wire(self, data: bytes) -> None:
        sys.stdout.buffer.write(data + b"\n")
        sys.stdout.buffer.flush()

    async def raw(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    async def reply(self, message: Any) -> None:
        await self.send(message)

    async def hang_up(self) -> None: ...


async def serve(brain: Brain, recorder: Recorder, *, bare_cr: bool) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 25)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    recorder.note("started", argv=sys.argv)
    ears, voice, tasks = Ears(), PipeVoice(), set()
    ears.push = voice.send
    while line := await reader.readline():
        recorder.note("line", body=line)
        for piece in line.replace(b"\r", b"\n").split(b"\n") if bare_cr else [line]:
            try:
                message = json.loads(piece) if piece.strip() else None
            except ValueError:
                recorder.note("garbage", body=piece)
                continue
            if isinstance(message, dict):
                task = asyncio.ensure_future(brain.take(message, ears, voice))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
    recorder.note("ended")
