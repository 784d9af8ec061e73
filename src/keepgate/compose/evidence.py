"""What is kept of the log elsewhere: witnesses and Git repositories of a configuration, asked and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from urllib.parse import urlsplit

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.cosignature import WitnessKey
from keepgate.config import Settings
from keepgate.config.sections.audit import Witness as WitnessSettings
from keepgate.model.errors import KeepgateError
from keepgate.stores.audit.files import audit_directory, writers
from keepgate.stores.audit.git_anchor import GitAnchor
from keepgate.stores.audit.index import Index
from keepgate.stores.audit.proving import Prover
from keepgate.stores.audit.witnessing import Answer, Witness, Witnessed
from keepgate.transports.fetch import Fetcher
from keepgate.transports.http_rules import is_loopback


@dataclass(slots=True)
class Elsewhere:
    """What is known elsewhere of the logs here."""

    notes: dict[str, list[bytes]] = field(default_factory=dict)
    """Signed checkpoints by writer."""
    witnessed: list[Witnessed] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """What could not be asked, and why."""


def ask_witnesses(settings: Settings) -> Elsewhere:
    """Have every configured witness sign the newest checkpoint of every writer. Raises LocalError, OSError."""
    found = Elsewhere()
    prover = _prover(settings)
    for given in settings.audit.witnesses:
        witness = Witness(given.url, WitnessKey.parse(given.key), partial(_post, given))
        for directory in writers(audit_directory(settings.state)):
            answer = witness.ask(prover, directory)
            found.witnessed.append(answer)
            if answer.answer is Answer.SIGNED:
                found.notes.setdefault(directory.name, []).append(answer.note)
    return found


def read_git(settings: Settings) -> Elsewhere:
    """The checkpoints that the configured Git repositories hold."""
    found = Elsewhere()
    for anchor in git_anchors(settings):
        try:
            for writer, notes in anchor.kept().items():
                found.notes.setdefault(writer, []).extend(notes)
        except KeepgateError as error:
            found.unknown.append(error.public)
    return found


def keep_in_git(settings: Settings) -> Iterator[str]:
    """Keep the newest checkpoints in every configured Git repository; a line on each. Raises LocalError, OSError."""
    prover = _prover(settings)
    newest = {}
    for directory in writers(audit_directory(settings.state)):
        try:
            newest[directory.name] = prover.newest(directory.name)[0]
        except EvidenceError:
            continue  # nothing is signed yet
    for anchor in git_anchors(settings):
        done = "kept" if anchor.keep(newest) else "has all already"
        yield f"{anchor.remote}: {done}"


def git_anchors(settings: Settings) -> list[GitAnchor]:
    """Those of the configuration."""
    home = settings.state / "anchors"
    return [
        GitAnchor(home / f"{sha256(each.remote.encode()).hexdigest()[:16]}.git", each.remote, each.branch)
        for each in settings.audit.git
    ]


def _prover(settings: Settings) -> Prover:
    index = Index(settings.database, settings.state)
    index.catch_up()
    return Prover(settings.state, index)


def _post(given: WitnessSettings, url: str, body: bytes) -> tuple[int, bytes]:
    local = is_loopback(urlsplit(given.url).hostname or "")
    fetch = Fetcher(private=given.private_network, local=local, ca=str(given.ca) if given.ca else None)
    answer = asyncio.run(fetch.ask(url, body, {"Content-Type": "text/plain; charset=utf-8", "Accept": "*/*"}))
    return answer.status, answer.body
