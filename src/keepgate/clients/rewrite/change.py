"""Plan what happens to each file, show it, do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache, partial
from pathlib import Path
from typing import Any

from keepgate.clients.formats import (
    Client,
    JsoncError,
    Machine,
    Place,
    UnreadableError,
    containers,
    masked,
    printable,
    read,
    scan,
    to_text,
)
from keepgate.clients.rewrite import disk, texts
from keepgate.clients.rewrite.disk import RefusedError
from keepgate.clients.rewrite.ledger import Ledger, Record, digest
from keepgate.model.upstream import LaunchEntry

MakeEntry = Callable[[], dict[str, Any]]
"""Makes our entry, and with it a key: called only when one is going to be written."""
Ours = Callable[[LaunchEntry], bool]
"""Tells whether an entry already leads to us and may stay as it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one file. `refused` says why nothing does; `after` None removes the file."""

    client: str
    path: Path
    before: bytes | None = None
    after: bytes | None = None
    record: Record | None = None
    undo: bool = False
    notes: tuple[str, ...] = ()
    refused: str = ""

    def diff(self) -> str:
        """The change as a unified diff with secrets masked and everything made printable."""
        old, new = (_shown(data) for data in (self.before, self.after))
        lines = unified_diff(old, new, str(self.path), str(self.path), lineterm="", n=2)
        return "\n".join(printable(line.rstrip("\r").replace("\t", "    ")) for line in lines)


class Rewriter:
    """Installs and uninstalls in the files of one machine."""

    def __init__(self, machine: Machine, ledger: Ledger) -> None:
        self.machine = machine
        self.ledger = ledger
        self._planned: dict[Path, bytes | None] = {}
        """What a file will hold after the changes planned so far."""

    def install(self, client: Client, make: MakeEntry, ours: Ours, *, project: bool = False) -> list[Change]:
        """Plan to put one entry in the place of this client's servers.

        `project` also empties the files of the current project. Our entry is never written there: they are shared, and
        the user's own file covers them.
        """
        places = [
            place for place in dict.fromkeys(client.places(self.machine)) if project or place.scope == "user"
        ]
        first = client.anchor(self.machine)
        # One key for all files of a client: an entry that is already ours is used again.
        known = [entry for place in places if (entry := self._present(client, place, ours))]
        once = cache(lambda: known[0] if known else make())

        def plan(place: Place) -> Change | None:
            return self._install(client, place, once, ours, wanted=place == first)

        changes = [self._guard(client.id, place.path, partial(plan, place)) for place in places]
        return [change for change in changes if change]

    def uninstall(self, clients: frozenset[str]) -> Iterator[Change]:
        """Plan to undo every install of these clients, newest first."""
        for record in reversed(self.ledger.records()):
            if record.client in clients:
                change = self._guard(record.client, Path(record.path), partial(self._uninstall, record))
                if change:
                    yield change

    def apply(self, change: Change) -> None:
        """Do it. Raises RefusedError, and then nothing was changed."""
        assert change.record is not None
        path = Path(change.record.target)
        with self.ledger.locked():
            if change.undo:
                self._write(path, change)
                self.ledger.drop(change.record, keep_backup=bool(change.notes))
                return
            # The way back exists before the first step.
            record = self.ledger.add(change.record, change.before)
            try:
                self._write(path, change)
            except RefusedError:
                self.ledger.drop(record)
                raise

    def _write(self, path: Path, change: Change) -> None:
        if change.after == change.before:
            return
        if change.after is None:
            disk.remove(path, change.before or b"")
        else:
            disk.replace(path, change.after, change.before)

    def _guard(self, client: str, path: Path, plan: Callable[[], Change | None]) -> Change | None:
        try:
            return plan()
        except (RefusedError, UnreadableError) as error:
            return Change(client, path, refused=str(error))
        except JsoncError as error:
            return Change(client, path, refused=f"not valid JSON: {error}")
        except ValueError as error:
            return Change(client, path, refused=str(error))

    def _now(self, place: Path) -> tuple[Path, bytes | None]:
        path = disk.target(place, (self.machine.home, *self.machine.projects))
        return path, self._planned[path] if path in self._planned else disk.current(path)

    def _present(self, client: Client, place: Place, ours: Ours) -> dict[str, Any] | None:
        """Our entry in a file, as it is written there."""
        try:
            text = to_text(self._now(place.path)[1] or b"")
            entries = [entry for entry in read(client, place, text).entries if ours(entry)]
            node = scan(text).find((*place.keys[0], entries[0].name)) if entries else None
        except (RefusedError, UnreadableError):
            return None  # said when the file is planned
        return node.plain() if node else None

    def _install(
        self, client: Client, place: Place, make: MakeEntry, ours: Ours, *, wanted: bool
    ) -> Change | None:
        path, before = self._now(place.path)
        if before is None and not wanted:
            return None
        text = to_text(before or b"")
        if not text.strip("\ufeff \t\r\n"):
            text = texts.EMPTY
        emptied = [keys for keys, node in containers(scan(text), place) if node.members]
        anchor = place.keys[0] if place.anchor and (wanted or emptied) else None
        left = read(client, place, text).entries
        if anchor is None and not emptied:
            return None
        if emptied == [anchor] and len(left) == 1 and ours(left[0]):
            return None
        entry = make() if anchor is not None else {}
        after = texts.install(text, emptied, anchor, entry).encode()
        self._planned[path] = after
        record = Record(
            client.id,
            str(place.path),
            str(path),
            before=digest(before) if before is not None else "",
            after=digest(after),
            backup="",
            containers=(*emptied, *([anchor] if anchor is not None and anchor not in emptied else [])),
            mark={key: entry[key] for key in ("url", "command") if key in entry},
        )
        notes = ("others can read this file, which holds a key: chmod 600",) if entry and _open(path) else ()
        return Change(client.id, place.path, before, after, record, notes=notes)

    def _uninstall(self, record: Record) -> Change:
        path, now = self._now(Path(record.path))
        former = self.ledger.backup(record)
        restored = former if record.before else None
        notes: list[str] = []
        if now is None:
            after = None
            if restored is not None:
                notes = ["the file is gone by now: it is not made anew"]
        elif digest(now) in (record.before, record.after):
            after = restored if digest(now) == record.after else now
        else:
            before = to_text(former) if former.strip(b"\xef\xbb\xbf \t\r\n") else texts.EMPTY
            text, notes = texts.uninstall(to_text(now), before, record.containers, record.mark)
            after = None if restored is None and text.strip() == "{}" else text.encode()
        self._planned[path] = after
        return Change(record.client, Path(record.path), now, after, record, undo=True, notes=tuple(notes))


def _open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o044)


def _shown(data: bytes | None) -> list[str]:
    return masked(data.decode("utf-8", "replace")).split("\n") if data else []
