"""What is to be scanned, read: a whole machine, a directory, a file. Nothing is run, resolved or fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keepgate.clients.formats import Machine
from keepgate.clients.wide import places
from keepgate.clients.wide.dialects import dialect_of
from keepgate.clients.wide.read import Reading, read_file, read_text
from keepgate.clients.wide.servers import Source
from keepgate.clients.wide.table import ROWS
from keepgate.compose.scan.part import failed
from keepgate.model.scan import ClientSetting, ConfiguredServer, Coverage, Oddity
from keepgate.scanner import tree
from keepgate.scanner.kinds import Kind, kind_of

MAX_KEPT: Final = 256 * 1024 * 1024
"""Characters of all texts together."""
_FULL: Final = Coverage(
    "further files", checked=False, why=f"more than {MAX_KEPT // 1024 // 1024} MiB of text: scan a part of it"
)
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Text:
    """A file that is looked at as text. `shown` is how findings call it."""

    kind: Kind
    shown: str
    text: str
    root: str = ""
    """The directory given, for what is told relative to it."""


@dataclass(slots=True)
class Collected:
    """Everything that was found."""

    servers: list[ConfiguredServer] = field(default_factory=list)
    settings: list[ClientSetting] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    archives: list[Path] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    files: int = 0
    size: int = 0
    """Characters of the texts."""

    def keep(self, text: Text) -> None:
        """A text, as long as there is room: what comes later is one gap, however many they are."""
        if self.size + len(text.text) <= MAX_KEPT:
            self.size += len(text.text)
            self.texts.append(text)
        elif _FULL not in self.coverage:
            self.coverage.append(_FULL)

    def take(self, reading: Reading) -> None:
        """What one configuration says."""
        self.files += 1
        self.servers += reading.servers
        self.settings += reading.settings
        self.oddities += reading.oddities
        for odd in reading.oddities:
            if odd.kind in ("unreadable", "too-large"):
                self.coverage.append(Coverage(f"the file {reading.source.file}", checked=False, why=odd.text))


def machine(found: Collected, where: Machine, progress: Progress) -> None:
    """The configurations, skills and instructions of a user and of the project around the working directory."""
    clients: set[str] = set()
    for spot in places.configurations(where):
        progress(f"reading {spot.path}")
        with _kept(found, str(spot.path)):
            reading = read_file(spot.path, spot.client, spot.scope)
            if reading is not None:
                clients.add(spot.client)
                found.take(reading)
    for spot in places.instructions(where):
        _text(found, spot.path, str(spot.path), Kind.INSTRUCTIONS)
    absent = len({row.id for row in ROWS} - clients)
    found.coverage.append(
        Coverage(f"configurations of {len(clients)} clients", checked=True, why=", ".join(sorted(clients)))
    )
    found.coverage.append(
        Coverage(f"{absent} other known clients", checked=True, why="no configuration of theirs is there")
    )


def target(found: Collected, path: Path, progress: Progress) -> bool:
    """A file or a directory as it was given; False if there is nothing to look at."""
    if path.is_dir():
        return _directory(found, path, progress)
    if not path.is_file():
        return False
    data = tree.read(path.resolve() if path.is_symlink() else path, tree.MAX_BYTES * 4)
    if data is None:
        reading = read_file(path, client_of(path), "project", str(path))
        if reading is not None:
            found.take(reading)
        return reading is not None
    sort(found, path, str(path), data, named=True)
    return True


def _directory(found: Collected, root: Path, progress: Progress) -> bool:
    inside = tree.Tree(root, dependencies="node_modules" in root.parts)
    before = found.files + len(found.texts) + len(found.archives)
    for path in inside.files():
        progress(f"reading {path}")
        shown = str(path)
        if kind_of(shown, b"") is Kind.ARCHIVE:
            found.archives.append(path)
            continue
        if not _may_matter(path):
            continue
        data = tree.read(path.resolve() if path.is_symlink() else path)
        if data is None:
            reading = (
                read_file(path, client_of(path), "project", shown)
                if path.suffix in (".json", ".toml", ".yaml", ".yml")
                else None
            )
            if reading is not None and reading.oddities:
                found.take(reading)
            else:
                found.coverage.append(
                    Coverage(
                        f"the file {shown}",
                        checked=False,
                        why=f"larger than {tree.MAX_BYTES // 1024 // 1024} MiB",
                    )
                )
            continue
        sort(found, path, shown, data, root=str(root))
    for why, number in inside.left_out.items():
        found.coverage.append(Coverage(f"{number} in {root}", checked=False, why=why))
    return found.files + len(found.texts) + len(found.archives) > before


def _may_matter(path: Path) -> bool:
    return kind_of(str(path), b'"mcpServers" "name" "description" "tools" image: mcp') is not Kind.OTHER


def sort(  # noqa: PLR0913 # a file is all of these
    found: Collected,
    path: Path,
    shown: str,
    data: bytes,
    *,
    named: bool = False,
    root: str = "",
    inside: bool = False,
) -> None:
    """Take in one file by its kind; `inside` an archive, where it is no file of this machine."""
    kind = kind_of(shown, data, named=named)
    if kind in (Kind.OTHER, Kind.LISTING) and _read_by_name(path):
        kind = Kind.CONFIGURATION  # whatever it says, and in whatever way
    with _kept(found, shown):
        _sorted(found, path, shown, data, kind, root, inside=inside)


@contextmanager
def _kept(found: Collected, shown: str) -> Iterator[None]:
    """A file that something fails over is a gap, and ends the reading of no other."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever an outsider wrote, the other files are looked at
        found.coverage.append(failed(f"the file {shown}", error))


def _sorted(  # noqa: PLR0913 # as above
    found: Collected, path: Path, shown: str, data: bytes, kind: Kind, root: str, *, inside: bool
) -> None:
    if kind is Kind.CONFIGURATION:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = tree.text(data)
        name = path.name if dialect_of(path.name) != "json" or path.suffix else "x.json"
        found.take(
            read_text(
                text,
                Source(client_of(path), "project", shown),
                dialect_of(name),
                "" if inside else _writable(path),
            )
        )
    elif kind is Kind.ARCHIVE and inside:
        found.coverage.append(Coverage(f"the archive {shown}", checked=False, why="an archive in an archive"))
    elif kind is Kind.ARCHIVE:
        found.archives.append(path)
    elif kind is not Kind.OTHER:
        found.keep(Text(kind, shown, tree.text(data), root))


def _writable(path: Path) -> str:
    try:
        return "every user may write to it" if path.stat().st_mode & 0o002 else ""
    except OSError:
        return ""


def _text(found: Collected, path: Path, shown: str, kind: Kind) -> None:
    data = tree.read(path)
    if data is None:
        found.coverage.append(
            Coverage(f"the file {shown}", checked=False, why="it cannot be read or is too large")
        )
    else:
        found.keep(Text(kind, shown, tree.text(data)))


def client_of(path: Path) -> str:
    """Whose file it is, by the end of its path."""
    text = path.as_posix()
    for row in ROWS:
        for pattern in (*row.project, *row.user):
            end = pattern.rpartition("}")[2].lstrip("~").lstrip("/")
            if "*" not in end and "/" in end and text.endswith("/" + end):
                return row.id
    names = {
        each.rpartition("/")[2]: row.id
        for row in ROWS
        for each in (*row.project, *row.user)
        if "*" not in each
    }
    return (
        names.get(path.name, "any")
        if path.name not in ("settings.json", "mcp.json", "config.json")
        else "any"
    )


def _read_by_name(path: Path) -> bool:
    """A file that some client reads where it is: its content may not speak the words that others are told by."""
    text = "/" + path.as_posix()
    return any(
        path.name.startswith(head) and text.endswith(tail) and text[: -len(path.name)].endswith(folder)
        for folder, head, tail in _BY_NAME
    )


def _pattern(pattern: str) -> tuple[str, str, str]:
    folder, _, name = pattern.rpartition("/")
    head, star, tail = name.partition("*")
    return (f"/{folder}/" if folder else "/", head, tail if star else "/" + name)


_BY_NAME: Final = tuple(
    _pattern(each) for row in ROWS for each in row.project if "/" in each or each.startswith(".")
)


def clients_of(found: Collected) -> Iterator[str]:
    """The clients that have servers."""
    yield from dict.fromkeys(server.entry.origin.client for server in found.servers)
