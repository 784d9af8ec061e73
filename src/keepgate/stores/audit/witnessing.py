"""Asking a witness to sign the newest checkpoint of each log: it does so only if the log goes on from what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from keepgate.audit.checkpoint import Checkpoint, EvidenceError
from keepgate.audit.cosignature import WitnessKey, cosigned, submission
from keepgate.model.errors import KeepgateError
from keepgate.stores.audit.proving import Prover
from keepgate.stores.files import replace

WITNESSED: Final = ".witnessed"
"""Suffix of the file in a writer's directory that holds what a witness signed last, by the hash of its key."""

Post = Callable[[str, bytes], tuple[int, bytes]]
"""URL and body to status and body of the answer. Raises KeepgateError."""


class Answer(StrEnum):
    """What a witness says of a log."""

    SIGNED = "signed"
    MISSING = "missing"
    """It has seen more records than there are."""
    FORKED = "forked"
    """What it has seen is not the beginning of this."""
    UNKNOWN = "unknown"
    """It does not answer, or does not know the log."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What a witness said of the log of one writer. `note` is the checkpoint with its signature, if it signed."""

    writer: str
    witness: str
    answer: Answer
    text: str
    note: bytes = b""


class Witness:
    """One witness: the address that it takes checkpoints at, and its key."""

    def __init__(self, url: str, key: WitnessKey, post: Post) -> None:
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._key = key
        self._post = post

    def ask(self, prover: Prover, directory: Path) -> Witnessed:
        """Have the newest checkpoint of a writer signed. Raises LocalError, OSError."""
        try:
            answer, text, note = self._ask(prover, directory)
        except EvidenceError as error:
            answer, text, note = Answer.UNKNOWN, error.public, b""
        except KeepgateError as error:
            answer, text, note = Answer.UNKNOWN, f"it cannot be asked: {error.public}", b""
        if note:
            replace(directory / f"{self._key.hash.hex()}{WITNESSED}", note + b"\n")
        return Witnessed(directory.name, self._key.name, answer, text, note)

    def _ask(self, prover: Prover, directory: Path) -> tuple[Answer, str, bytes]:
        note, checkpoint, _ = prover.newest(directory.name)
        seen, status = self._seen(directory), 0
        for _ in range(3):  # it says what it has seen, and another process may be faster
            if seen > checkpoint.size:
                return (
                    Answer.MISSING,
                    f"it has seen {seen} records, and {checkpoint.size} are signed here",
                    b"",
                )
            path = prover.extension(directory.name, seen, checkpoint) if seen else []
            status, body = self._post(self._url, submission(seen, path, note))
            if status == 200:
                return self._signed(note, checkpoint, body)
            if status == 422:
                return (
                    Answer.FORKED,
                    f"what it has seen, {seen} records, is not the beginning of this log",
                    b"",
                )
            if status != 409:
                break
            told = _size(body)
            if told == seen:  # the same size, and another root
                return Answer.FORKED, f"it has seen {seen} records, and they are others", b""
            seen = told
        what = {404: "it does not know this log", 403: "it does not accept the key of this log"}
        return Answer.UNKNOWN, what.get(status, f"it answered with status {status}"), b""

    def _signed(self, note: bytes, checkpoint: Checkpoint, body: bytes) -> tuple[Answer, str, bytes]:
        found = cosigned(note, body)
        _, time = self._key.verify(found)
        return Answer.SIGNED, f"it signed {checkpoint.size} records at {time}", found

    def _seen(self, directory: Path) -> int:
        """What it has seen as far as we remember. It corrects that if it is wrong, so nothing depends on it."""
        path = directory / f"{self._key.hash.hex()}{WITNESSED}"
        try:
            return self._key.verify(path.read_bytes().rstrip(b"\n") + b"\n")[0].size
        except (EvidenceError, OSError):
            return 0


def _size(body: bytes) -> int:
    text = body.strip()
    if not text.isdigit() or len(text) > 19:
        raise EvidenceError("audit-witness", "the witness answered with no size")
    return int(text)
