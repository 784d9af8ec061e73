"""From launch entries to servers as `keepgate.yaml` says them: one server per distinct launch, secrets as references.

What cannot be taken over faithfully, or only with a secret in plain text, is left out with the reason. Pure: the
environment and the home directory are given.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from keepgate.clients.formats import ENTRY, is_secret, secret_address, secret_args
from keepgate.model.upstream import LaunchEntry

MAX_ID = 40


class NotTakenError(ValueError):
    """An entry that has to stay out. The text says why, without secrets."""


@dataclass(slots=True)
class Server:
    """One server to be. `config` is what stands under its id; values are texts or `{"secret": "..."}`.

    `secrets` are the values to store by name; `missing` tells of those that only a person knows.
    """

    id: str
    config: dict[str, Any]
    entries: list[LaunchEntry]
    secrets: dict[str, str]
    missing: dict[str, str]
    notes: list[str]

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients that had it, each once."""
        return tuple(dict.fromkeys(entry.origin.client for entry in self.entries))


@dataclass(slots=True)
class Adoption:
    """What is taken over, what waits for a secret, and what is left out and why."""

    servers: list[Server] = field(default_factory=list)
    waiting: list[Server] = field(default_factory=list)
    left: list[tuple[LaunchEntry, str]] = field(default_factory=list)

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of all servers that are taken over."""
        return {name: value for server in self.servers for name, value in server.secrets.items()}


def adopt(entries: Iterable[LaunchEntry], *, home: Path, env: Mapping[str, str]) -> Adoption:
    """Take over what can be taken over, in the order given."""
    out = Adoption()
    known: dict[tuple[Any, ...], Server] = {}
    for entry in entries:
        if why := _reason(entry):
            out.left.append((entry, why))
            continue
        if server := known.get(_launch(entry)):
            server.entries.append(entry)
            continue
        name = _free_id(entry, {server.id for server in known.values()})
        builder = _Builder(name, _Expander(entry, home, env))
        try:
            config = builder.config(entry)
        except NotTakenError as error:
            out.left.append((entry, str(error)))
            continue
        server = Server(name, config, [entry], builder.secrets, builder.missing, builder.notes)
        known[_launch(entry)] = server
        (out.waiting if server.missing else out.servers).append(server)
    return out


def same_server(config: Mapping[str, Any], argv: tuple[str, ...], url: str) -> bool:
    """True if an adopted configuration starts or reaches what is configured as `argv` and `url` already."""
    return tuple(config.get("command", ())) == argv and config.get("url", "") == url


@dataclass(slots=True)
class _Expander:
    """Replaces what is known of `${...}`; collects what is not. Each client has its own set of names."""

    entry: LaunchEntry
    home: Path
    env: Mapping[str, str]
    unknown: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the client would start the server: the project, else the home directory."""
        scope, _, path = self.entry.origin.scope.partition(" ")
        if path:
            return Path(path)
        if scope == "project":
            folder = Path(self.entry.origin.file).parent
            return folder.parent if folder.name in (".cursor", ".vscode") else folder
        return self.home

    def expand(self, text: str) -> str:
        """`text` with every known reference replaced."""
        out, rest = "", text
        while "${" in rest:
            head, _, tail = rest.partition("${")
            name, closed, rest = tail.partition("}")
            if not closed:
                return out + head + "${" + name
            out += head + self._value(name)
        return out + rest

    def variable(self, text: str) -> str:
        """The name in a text that is nothing but a reference to a variable; else empty."""
        name = text[2:-1].removeprefix("env:") if text.startswith("${") and text.endswith("}") else ""
        plain = name.replace("_", "a")
        fits = plain.isascii() and plain.isalnum() and not plain[:1].isdigit()
        return name if fits and self._is_variable(text[2:-1]) else ""

    def _is_variable(self, name: str) -> bool:
        return name.startswith("env:") or self.entry.origin.client == "claude-code"

    def _value(self, name: str) -> str:
        fixed = {
            "userHome": str(self.home),
            "workspaceFolder": str(self.folder),
            "workspaceFolderBasename": self.folder.name,
            "pathSeparator": "/",
            "/": "/",
        }
        if name in fixed and self.entry.origin.client != "claude-code":
            return fixed[name]
        variable, fallback, default = name.removeprefix("env:").partition(":-")
        if self._is_variable(name):
            value = self.env.get(variable, default if fallback else None)
            if value is not None:
                return value
        self.unknown.append(f"${{{name}}}")
        return f"${{{name}}}"


@dataclass(slots=True)
class _Builder:
    """Builds the configuration of one server."""

    id: str
    expander: _Expander
    secrets: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def config(self, entry: LaunchEntry) -> dict[str, Any]:
        """Raises NotTakenError."""
        return self._remote(entry) if entry.url else self._local(entry)

    def _local(self, entry: LaunchEntry) -> dict[str, Any]:
        command = [self._plain(word, "its command line") for word in entry.argv]
        if secret_args(entry):
            self.notes.append("an argument looks like a secret: other users of this machine can see it")
        if entry.env_file:
            self.notes.append("its `envFile` is not read: set what it sets under `env`")
        out: dict[str, Any] = {"command": command}
        out["cwd"] = str(self.expander.folder / self._plain(entry.cwd, "its `cwd`"))
        if entry.env:
            out["env"] = {name: self._value(name, value) for name, value in entry.env.items()}
        return out

    def _remote(self, entry: LaunchEntry) -> dict[str, Any]:
        url = self._plain(entry.url, "its address")
        headers = dict(entry.headers)
        try:
            parts = urlsplit(url)
        except ValueError:
            raise NotTakenError("its address is not valid") from None
        credentials, at, host = parts.netloc.rpartition("@")
        if at:
            token = base64.b64encode(unquote(credentials).encode()).decode()
            headers.setdefault("Authorization", f"Basic {token}")
            url = urlunsplit(parts._replace(netloc=host))
        if secret_address(url):
            raise NotTakenError(
                "its address carries a secret in the query: use a header if the server takes one"
            )
        out: dict[str, Any] = {"url": url}
        if headers:
            # Every header value is sealed: most are credentials, and few others matter to a reader.
            out["headers"] = {name: self._value(name, value, sealed=True) for name, value in headers.items()}
        return out

    def _plain(self, text: str, where: str) -> str:
        """A text that has to stand in plain: no reference may stay open in it, and none may bring in a secret."""
        expanded = self.expander.expand(text)
        if self.expander.unknown:
            raise NotTakenError(f"`{self.expander.unknown[0]}` in {where} is known to the client only")
        if expanded != text and is_secret("", expanded):
            raise NotTakenError(f"a variable in {where} holds a secret: hand it over in `env`")
        return expanded

    def _value(self, name: str, text: str, *, sealed: bool = False) -> str | dict[str, str]:
        variable = self.expander.variable(text)
        if variable in self.expander.env:
            return {"secret": f"env:{variable}"}
        expanded = self.expander.expand(text)
        key = f"{self.id}.{''.join(c if c.isascii() and (c.isalnum() or c in '_-') else '_' for c in name)}"
        if self.expander.unknown:
            self.missing[key] = f"the value of `{name}` with `{self.expander.unknown[0]}` filled in"
            self.expander.unknown.clear()
            return {"secret": f"store:{key}"}
        # The configuration has no control characters: a value of several lines goes to the store as well.
        if not expanded or (not sealed and expanded.isprintable() and not is_secret(name, expanded)):
            return expanded
        self.secrets[key] = expanded
        return {"secret": f"store:{key}"}


def _reason(entry: LaunchEntry) -> str:
    """Why an entry is no server to take over; empty if it is one."""
    if entry.disabled:
        return "disabled in the client"
    # Whatever it leads to by now: keepgate in front of itself would go round in circles.
    return "keepgate's own entry" if entry.name == ENTRY else ""


def _launch(entry: LaunchEntry) -> tuple[Any, ...]:
    """Equal for entries that start or reach the same with the same rights."""
    scope = "" if entry.origin.scope == "user" else f"{entry.origin.scope} {entry.origin.file}"
    env, headers = (tuple(sorted(table.items())) for table in (entry.env, entry.headers))
    return entry.argv, entry.url, env, headers, entry.cwd, entry.env_file, scope


def _free_id(entry: LaunchEntry, taken: set[str]) -> str:
    """The entry's name as an id; with the client, then a number, if another server has it."""
    words = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in entry.name.lower())
    stem = words.strip("-_")[:MAX_ID].rstrip("-_") or "server"
    names = (stem, f"{stem}-{entry.origin.client}", *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)
