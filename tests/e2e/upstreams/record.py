"""The record: one JSON object a line, appended at once, by any number of processes."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class Recorder:
    """The server's side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, event: str, **fields: Any) -> None:
        """Append one event. Bytes are written as Latin-1 text, which loses nothing."""
        line = {"event": event, "pid": os.getpid()} | {
            key: value.decode("latin-1") if isinstance(value, bytes) else value
            for key, value in fields.items()
        }
        os.write(self._fd, json.dumps(line).encode() + b"\n")

    def gate(self, name: str) -> Path:
        """The file whose existence opens a gate that a play holds at."""
        return self.path.with_name(f"{self.path.name}.gate-{name}")


class Record:
    """The test's side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: list[Event] = []
        self._read = 0

    def all(self) -> list[Event]:
        """Everything so far."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read += len(whole) + len(newline)
            self._events += [json.loads(line) for line in whole.split(b"\n") if line]
        return self._events

    def mark(self) -> int:
        """A place in the record, to look only at what comes later."""
        return len(self.all())

    def messages(self, method: str | None = None, since: int = 0) -> list[Any]:
        """The JSON-RPC messages that were received, all or those of one method."""
        found = [event["message"] for event in self.all()[since:] if event["event"] == "message"]
        return [m for m in found if method is None or (isinstance(m, dict) and m.get("method") == method)]

    def notes(self, since: int = 0) -> list[str]:
        """What plays have noted: proof that a call was executed."""
        return [event["text"] for event in self.all()[since:] if event["event"] == "note"]

    async def wait(self, wanted: Callable[[Event], bool], since: int = 0, patience: float = 10.0) -> Event:
        """The first event that fits, now or later."""
        import asyncio

        deadline = time.monotonic() + patience
        while True:
            for event in self.all()[since:]:
                if wanted(event):
                    return event
            if time.monotonic() > deadline:
                tail = "\n".join(map(str, self.all()[since:][-12:]))
                raise AssertionError(f"the server recorded nothing that fits within {patience} s:\n{tail}")
            await asyncio.sleep(0.01)

    async def wait_note(self, text: str, since: int = 0) -> Event:
        """Until a play has noted this text."""
        return await self.wait(lambda event: event["event"] == "note" and event["text"] == text, since)

    async def wait_message(self, method: str, since: int = 0) -> Any:
        """Until a message of this method has come; the message."""

        def fits(event: Event) -> bool:
            return event["event"] == "message" and event["message"].get("method") == method

        return (await self.wait(fits, since))["message"]

    def open_gate(self, name: str) -> None:
        """Let what holds at this gate go on."""
        self.path.with_name(f"{self.path.name}.gate-{name}").touch()
