"""Writes what was measured into docs/detection.md, between two markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench import about
from bench.detection import corpora, opened
from bench.detection.measure import NAIVE, Measured, total
from bench.detection.stats import Share, percent, shown

PAGE = about.ROOT / "docs" / "detection.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SECURE = "security documentation"
CHECKSUMMED = ("CREDIT_CARD", "IBAN_CODE")
NAMES = {
    "tool": "tool definitions",
    "tool_output": "results and documents",
    "prompt": "prompts",
    "text": "secrets, private data",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def per_source(shares: Mapping[tuple[str, str], Mapping[str, Share]]) -> str:
    """One table: sources down, contenders across."""
    names = list(dict.fromkeys(name for by_name in shares.values() for name in by_name))
    rows = [
        [
            NAMES[kind],
            source,
            *(shown(by_name[name]) if name == "keepgate" else cell(by_name.get(name)) for name in names),
        ]
        for (source, kind), by_name in sorted(shares.items(), key=lambda each: (each[0][1], each[0][0]))
    ]
    return table(["kind", "source", *(f"{name}, %" for name in names)], rows)


def cell(found: Share | None) -> str:
    return percent(found.value) if found is not None else "–"


def met(found: Share, aim: float, *, least: bool) -> str:
    if not found.of:
        return "not measured"
    good = found.value >= aim if least else found.value <= aim or (found.of < 300 and found.hits <= 1)
    return "yes" if good else "**no**"


def aims(out: Measured) -> str:
    """The table of what is aimed for."""
    harmless = {key: by_name["keepgate"] for key, by_name in out.harmless.items()}
    benign = [(source, each) for (source, kind), each in harmless.items() if kind == "tool"]
    collected = [(source, each) for source, each in benign if not source.startswith(corpora.OWN)]
    worst = max(
        collected,
        key=lambda each: each[1].value if each[1].of >= 300 or each[1].hits > 1 else 0,
        default=("", Share(0, 0)),
    )
    context = [(source, each) for source, each in out.context.items()]
    attacks = {source for source, kind in out.attacks if kind == "tool"}
    own = [each for source, each in context if source in attacks and source.startswith(corpora.OWN)]
    theirs = [each for source, each in context if source in attacks and not source.startswith(corpora.OWN)]
    no_harm = [
        each for source, each in context if source not in attacks and not source.startswith(corpora.OWN)
    ]
    evasion = [
        (name, each) for name, kinds in out.evasion.items() for each in [sum(kinds.values(), Share(0, 0))]
    ]
    least = min(evasion, key=lambda each: each[1].value, default=("", Share(0, 0)))
    secrets = [each for name, each in out.formats.items() if name.startswith("secrets")]
    formats = Share(sum(each.hits > 0 for each in secrets), len(secrets))
    people = sum(
        (each for name, each in out.formats.items() if name.split(": ")[-1].startswith(CHECKSUMMED)),
        Share(0, 0),
    )
    nothing = Share(0, 0)
    lines = [
        ("poisoned definitions, text alone: collected", total(out.attacks, "tool", own=False), 0.85, True),
        ("poisoned definitions, text alone: our own", total(out.attacks, "tool", own=True), 0.85, True),
        ("poisoned definitions, other servers known: collected", sum(theirs, nothing), 0.95, True),
        ("poisoned definitions, other servers known: our own", sum(own, nothing), 0.95, True),
        ("harmless definitions flagged, all collected", sum((each for _, each in collected), nothing), 0.003, False),
        (f"harmless definitions flagged, the worst corpus ({worst[0]})", worst[1], 0.01, False),
        ("harmless definitions flagged, other servers known", sum(no_harm, nothing), 0.003, False),
        ("results that bear instructions: collected", total(out.attacks, "tool_output", own=False), 0.95, True),
        ("results that bear instructions: our own", total(out.attacks, "tool_output", own=True), 0.95, True),
        ("real results flagged", harmless.get(("real servers: results", "tool_output"), nothing), 0.001, False),
        ("documentation flagged", harmless.get(("documentation", "tool_output"), nothing), 0.01, False),
        ("security documentation flagged", harmless.get((SECURE, "tool_output"), nothing), 0.05, False),
        (f"the evasion found least ({least[0]}), of what is found in plain form", least[1], 0.9, True),
        ("formats of secrets", formats, 0.95, True),
        ("look-alikes of secrets flagged", harmless.get(("secrets_benign_synth", "text"), nothing), 0.005, False),
        ("private data with check digits", people, 0.95, True),
    ]  # fmt: skip
    rows = [
        [
            name,
            ("≥ " if at_least else "≤ ") + f"{percent(aim)} %",
            shown(found),
            met(found, aim, least=at_least),
        ]
        for name, found, aim, at_least in lines
    ]
    return table(["what", "aim", "measured, %", "met"], rows)


def evasion(out: Measured) -> str:
    rows = [
        [name, *(shown(kinds[kind]) for kind in ("tool", "tool_output"))]
        for name, kinds in out.evasion.items()
    ]
    return table(["written in another way", "definitions, % of plain", "results, % of plain"], rows)


def missed(out: Measured) -> str:
    gone = [
        f"{name.partition(': ')[2]} ({each.hits} of {each.of})"
        for name, each in out.formats.items()
        if each.hits < each.of
    ]
    return "Not always found: " + (", ".join(gone) or "none") + "."


def latency(out: Measured) -> str:
    rows = [
        [what, sizes, str(count), f"{half:.2f}", f"{most:.2f}"]
        for what, sizes, count, half, most in out.latency
    ]
    return table(["text", "characters", "items", "p50 ms", "p99 ms"], rows)


def section(out: Measured) -> str:
    apart = ", ".join((*opened.ORDINARY, *opened.NEEDS_CONTEXT))
    context = [[source, shown(each)] for source, each in sorted(out.context.items())]
    marked = [[source, shown(each)] for source, each in sorted(out.marked.items())]
    return "\n\n".join(
        [
            f"{about.now()}, commit {about.build()}; {about.machine()}.",
            "### Aims", aims(out),
            f"Not counted in these lines, but listed below: {apart}.",
            "### Attacks: share found", per_source(out.attacks),
            "### Harmless: share flagged", per_source(out.harmless),
            "### Tool definitions beside nine other servers",
            table(["source", "flagged, %"], context),
            "### Evasion", evasion(out),
            "### Secrets and private data", missed(out),
            "### Marked for the model", table(["harmless source", "marked, %"], marked),
            "### Time of one check", latency(out),
            f"`{NAIVE}` are in `bench/detection/naive.py`. Shares are in percent with Wilson's 95 % interval.",
        ]
    )  # fmt: skip


def write(out: Measured) -> None:
    """Replace what stands between the markers."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE}: the markers are gone: {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{section(out)}\n\n{END}{after}")
