"""`keepgate audit prove` and `verify-proof`: evidence that leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.audit.shared import open_log
from keepgate.cli.keys import Config
from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.audit.receipt import Proven

_LONGEST = 64 * 1024 * 1024


def prove(
    decision: Annotated[str, typer.Argument(metavar="ID", help="A decision id, or `<writer>/<seq>`.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else stdout.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Write a file that proves, without the log, that it holds the records of a decision. Needs no secret key."""
    from keepgate.audit.receipt import document
    from keepgate.stores.audit.proving import Prover

    log = open_log(config, names=False)
    log.index.catch_up()
    found = document(Prover(log.settings.state, log.index).decision(decision))
    if output is None:
        typer.echo(found.decode(), nl=False)
        return
    try:
        output.write_bytes(found)
    except OSError as error:
        fail(f"cannot write `{output}`: {error.strerror}")


def verify_proof(
    file: Annotated[Path, typer.Argument(help="What `keepgate audit prove` wrote.")],
    key: Annotated[
        list[str],
        typer.Option(
            help="Verifier key of the log, or a file that holds one, that you have from elsewhere. May be repeated.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - how typer wants the default of a list
) -> None:
    """Check a proof. Needs nothing but the file, and the key of the log from a place that you trust.

    Exit code 0: proven. 1: not. 3: sound, but the file itself names the key, so it is not known whose log it is.
    """
    from keepgate.audit.checkpoint import EvidenceError
    from keepgate.audit.receipt import verify_document

    try:
        with file.open("rb") as stream:
            data = stream.read(_LONGEST)
        proven = verify_document(data, [_key(each) for each in key])
    except OSError as error:
        fail(f"cannot read `{safe(str(file))}`: {error.strerror}", 2)
    except EvidenceError as error:
        typer.echo(f"FAIL      {safe(error.public)}")
        typer.echo("verdict: fail")
        raise typer.Exit(1) from None
    for each in proven:
        typer.echo(_shown(each))
    for found in sorted({each.key for each in proven}):
        typer.echo(f"key       {safe(found)}")
    if not all(each.pinned for each in proven):
        typer.echo(
            "unknown   whose log it is: the key is the one that the file names; compare it, or give --key"
        )
        typer.echo("verdict: unknown")
        raise typer.Exit(3)
    typer.echo("verdict: pass")


def _key(text: str) -> str:
    path = Path(text)
    return path.read_text().strip() if path.is_file() else text


def _shown(proven: Proven) -> str:
    record, signed = proven.record, proven.checkpoint
    said = (record.get(key, "") for key in ("time", "kind", "method", "server", "name"))
    verdict = record.get("verdict")
    effect = verdict.get("effect", "") if isinstance(verdict, dict) else ""
    what = " ".join(str(each) for each in (*said, effect) if each)
    return safe(f"record    {signed.origin} {record['seq']} of {signed.size}: {what}".replace("\n", " "))
