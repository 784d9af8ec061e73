"""One file, whosever it is: its servers, its settings, and what is odd about it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keepgate.clients.formats import UnreadableError, read_bytes, to_text
from keepgate.clients.wide.containers import containers
from keepgate.clients.wide.dialects import Parsed, UnparsedError, dialect_of, parse
from keepgate.clients.wide.servers import Source, case_variants, servers
from keepgate.clients.wide.settings import settings
from keepgate.model.scan import ClientSetting, ConfiguredServer, Location, Oddity


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says."""

    source: Source
    servers: tuple[ConfiguredServer, ...] = ()
    settings: tuple[ClientSetting, ...] = ()
    oddities: tuple[Oddity, ...] = ()


def read_file(path: Path, client: str, scope: str, shown: str = "") -> Reading | None:
    """Read a file; None if there is none. `shown` is how it is called."""
    source = Source(client, scope, shown or str(path))
    try:
        data = read_bytes(path)
        if data is None:
            return None
        text = to_text(data)
    except UnreadableError as error:
        return _unread(source, "too-large" if "larger" in str(error) else "unreadable", str(error))
    return read_text(text, source, dialect_of(path.name), _writable(path))


def read_text(text: str, source: Source, dialect: str, writable: str = "") -> Reading:
    """Read the text of a file."""
    if not text.strip("\ufeff \t\r\n"):
        return Reading(source)
    try:
        parsed = parse(text, dialect)
    except UnparsedError as error:
        return _unread(source, "unreadable", error.reason, error.line, error.column)
    found = [*servers(parsed, source), *containers(parsed, source)]
    odd = [each for each in found if isinstance(each, Oddity)]
    entries = tuple(each for each in found if isinstance(each, ConfiguredServer))
    odd += _duplicates(parsed, source, entries)
    odd += case_variants(parsed, source)
    if writable and entries:
        odd.append(Oddity("writable", writable, Location(source.file, 1, 1), source.file, inside=True))
    return Reading(source, entries, tuple(settings(parsed, source)), tuple(odd))


def _unread(source: Source, kind: str, text: str, line: int = 0, column: int = 0) -> Reading:
    return Reading(source, oddities=(Oddity(kind, text, Location(source.file, line, column), source.file),))


def _duplicates(parsed: Parsed, source: Source, entries: tuple[ConfiguredServer, ...]) -> Iterator[Oddity]:
    """Keys that stand twice; inside a server, or a server itself, where it may be meant to hide one from a reader."""
    names = {server.spots[""]: server.entry.name for server in entries}
    starts = sorted((place, name) for place, name in names.items())
    for offset in parsed.duplicates[:100]:
        place = parsed.lines.place(offset)
        within = [name for start, name in starts if start <= place]
        yield Oddity(
            "duplicate-key",
            "the key stands twice; most clients take the last",
            Location(source.file, *place),
            within[-1] if within else source.file,
            inside=bool(within),
        )


def _writable(path: Path) -> str:
    """Who else may write to a file, "" if nobody."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if os.name == "nt":
        return ""
    return "every user may write to it" if mode & stat.S_IWOTH else ""
