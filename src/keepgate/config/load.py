"""Finds, reads and validates the configuration file. The only part that touches the disk, and it only reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from os.path import normpath
from pathlib import Path

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from keepgate.config import check
from keepgate.config.explain import ENTRY_FORMS, problem, raise_for
from keepgate.config.reference import adapter, json_schema
from keepgate.config.sections.server import Server, UpstreamTls
from keepgate.config.settings import Document, Settings
from keepgate.config.tree import MAX_BYTES, Tree
from keepgate.config.tree import parse as parse_yaml
from keepgate.model.errors import ConfigError
from keepgate.policy.source import Source


def load(path: Path | None, *, env: Mapping[str, str]) -> Settings:
    """Read `path`, else `$KEEPGATE_CONFIG`, else `./keepgate.yaml`, else the user's own.

    Raises ConfigError: with file, line and column for every mistake in the file, or saying where it was looked for.
    """
    file = _locate(path, env)
    settings = parse(_text(file), file=file, env=env)
    notes = [
        f"{each}: others may change this file, and it says {what}: chmod go-w"
        for each, what in (
            (file, "which programs run"),
            *((path, "what is allowed") for path in settings.access.policies if path.exists()),
        )
        if each.stat().st_mode & 0o022
    ]
    return replace(settings, warnings=(*notes, *settings.warnings))


def read_tree(file: Path) -> Tree:
    """A YAML file with the place of everything in it. Raises ConfigError."""
    return parse_yaml(_text(file), str(file))


def stamp(file: Path) -> tuple[int, ...]:
    """What changes with the content of a file; empty while there is none."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def parse(text: str, *, file: Path, env: Mapping[str, str]) -> Settings:
    """The settings that `text` stands for if it were the content of `file`. Raises ConfigError as `load` does."""
    tree = parse_yaml(text, str(file))
    try:
        document = adapter().validate_json(orjson.dumps(tree.value), strict=True)
    except ValidationError as error:
        schema = json_schema()
        raise_for(problem(each, tree, schema) for each in _meant(error, tree))
        raise
    raise_for((tree.where(where), what) for where, what in check.problems(document))
    notes = tuple(f"{tree.where(where)}: {what}" for where, what in check.warnings(document))
    return _settle(document, file.absolute(), notes, env)


def _meant(error: ValidationError, tree: Tree) -> Iterator[ErrorDetails]:
    """The errors, of an entry that can have two forms only those of the form that was written."""
    for each in error.errors(include_url=False, include_input=False):
        form = each["loc"][5] if len(each["loc"]) > 5 and each["loc"][0] == "access" else ""
        if form in ENTRY_FORMS:
            written = tree.value
            for part in each["loc"][:5]:
                written = written[part]
            if isinstance(written, dict) != (form == "Conditional"):
                continue
        yield each


def read_policies(settings: Settings) -> tuple[Source, ...]:
    """The files of Cedar policies, as they are now. Raises ConfigError."""
    names = [(path, os.path.relpath(path, settings.file.parent)) for path in settings.access.policies]
    return tuple(
        Source(name if not name.startswith("..") else str(path), _text(path)) for path, name in names
    )


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ConfigError(f"the file is larger than {MAX_BYTES} bytes", where=str(file))
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8", where=str(file)) from error


def _settle(document: Document, file: Path, warnings: tuple[str, ...], env: Mapping[str, str]) -> Settings:
    """Work out the defaults that depend on the machine; relative paths start at the file."""
    home = file.parent
    state = (
        home / document.state
        if document.state
        else _user_dir(env, "XDG_STATE_HOME", ".local/state") / "keepgate"
    )
    tls = document.tls and replace(
        document.tls,
        cert=home / document.tls.cert,
        key=home / document.tls.key,
        client_ca=document.tls.client_ca and home / document.tls.client_ca,
    )
    issuers = {
        name: replace(issuer, ca=issuer.ca and home / issuer.ca)
        for name, issuer in document.identity.issuers.items()
    }
    kms = document.vault.kms
    if kms is not None:
        kms = replace(kms, ca=kms.ca and home / kms.ca)
    audit = replace(
        document.audit,
        witnesses=tuple(replace(each, ca=each.ca and home / each.ca) for each in document.audit.witnesses),
        exports={
            name: replace(each, ca=each.ca and home / each.ca)
            for name, each in document.audit.exports.items()
        },
    )
    given = {each.name: getattr(document, each.name) for each in fields(document)}
    return Settings(
        **given
        | {
            "file": file,
            "state": state,
            "database": state / document.storage.removeprefix("sqlite:///"),
            "tls": tls,
            "lock": replace(document.lock, file=document.lock.file and home / document.lock.file),
            "identity": replace(document.identity, issuers=issuers),
            "audit": audit,
            "vault": replace(document.vault, kms=kms),
            "servers": {name: _server(name, server, home, env) for name, server in document.servers.items()},
            "warnings": warnings,
            "access": replace(
                document.access, policies=tuple(home / each for each in document.access.policies)
            ),
        }
    )


def _server(name: str, server: Server, home: Path, env: Mapping[str, str]) -> Server:
    box = server.sandbox
    return replace(
        server,
        sandbox=replace(box, read=_paths(box.read, home, env), write=_paths(box.write, home, env)),
        prefix=server.prefix.replace("{server}", name),
        cwd=home / server.cwd,
        tls=UpstreamTls(**{key: given and home / given for key, given in asdict(server.tls).items()}),
    )


def _paths(given: Iterable[Path], home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Absolute and without `..`; `~` is the user's home directory."""
    user = env.get("HOME", "~")
    expanded = (Path(user, *path.parts[1:]) if path.parts[:1] == ("~",) else path for path in given)
    return tuple(Path(normpath(home / path)) for path in expanded)


def _locate(path: Path | None, env: Mapping[str, str]) -> Path:
    if path is None and env.get("KEEPGATE_CONFIG"):
        path = Path(env["KEEPGATE_CONFIG"])
    if path is not None:
        return path
    candidates = (
        Path("keepgate.yaml"),
        _user_dir(env, "XDG_CONFIG_HOME", ".config") / "keepgate" / "keepgate.yaml",
    )
    for candidate in candidates:
        if candidate.is_file():
            if candidate.stat().st_uid not in (0, os.getuid()):
                raise ConfigError(
                    f"`{candidate}` belongs to another user, and says which programs run: name it with `--config` "
                    "if that is meant"
                )
            return candidate
    looked = " and ".join(f"`{candidate}`" for candidate in candidates)
    raise ConfigError(
        f"no configuration found at {looked}: `keepgate up` writes one, `--config` names another"
    )


def _user_dir(env: Mapping[str, str], variable: str, fallback: str) -> Path:
    """An XDG base directory; a relative one is ignored, as the XDG specification demands."""
    given = Path(env.get(variable, ""))
    if given.is_absolute():
        return given
    if not env.get("HOME"):
        raise ConfigError(f"neither `{variable}` nor `HOME` is set: name the directory in the configuration")
    return Path(env["HOME"]) / fallback
