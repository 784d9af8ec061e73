"""What goes through keepgate arrives as it was sent, unknown fields included, but for what is written down here.

Each pairing is surveyed once (survey.py). `CHANGES` is the whole list of what may differ, with the reason; anything
else is a failure, and so is an entry that nothing needs. docs/compatibility.md shows the outcome, and is compared too:
KEEPGATE_WRITE_DOCS=1 writes it.
"""

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.e2e import catalogue
from tests.e2e.client import STATELESS, Modern, Pipe, conversation
from tests.e2e.compare import differences
from tests.e2e.survey import PAIRINGS, survey_of
from tests.support.processes import KEEPGATE, clean_env

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- fidelity: written by tests/e2e/test_fidelity.py -->", "<!-- end of fidelity -->"

PRIVATE = "`cacheScope` is always `private`: what one principal may see another may not"
NOW = "`ttlMs` of `server/discover` is 0: the answer depends on what the principal may use now"
ERA = (
    "what only one era has comes or goes: `resultType`, `ttlMs`, `cacheScope`, `serverInfo` in `_meta`, "
    "`supportedVersions`, `protocolVersion`"
)
OBJECTS = (
    "`structuredContent` and `outputSchema` that are no objects are left out: the handshake era has none"
)
FORM = "`_meta` and unknown fields of the other era's hello are left out, since it is told in another form"
SHARED = "`_meta` of a list request is not sent on: the list is fetched once for all callers, and kept"
ROOTS = "`roots.listChanged` is not declared to the server: a stateless client has no way to say that they changed"

HELLO = "what the server says of itself"
SERVER_INFO = "/_meta/io.modelcontextprotocol/serverInfo"

CHANGES = {
    "handshake client, handshake server": [],
    "stateless client, stateless server": [
        (HELLO, "/ttlMs", NOW),
        (HELLO, "/cacheScope", PRIVATE),
        ("list of *", "/cacheScope", PRIVATE),
        ("result: resource*", "/cacheScope", PRIVATE),
        ("request for a list of *", "/_meta/*", SHARED),
    ],
    "handshake client, stateless server": [
        *(("*", f"/{key}", ERA) for key in ("resultType", "ttlMs", "cacheScope")),
        *((HELLO, f"/{key}", ERA) for key in ("supportedVersions", "protocolVersion", "serverInfo")),
        (HELLO, "/_meta", FORM),
        (HELLO, "/x-e2e", FORM),
        ("tool: the others", "/array/outputSchema", OBJECTS),
        ("result: tool with any structure", "/structuredContent", OBJECTS),
    ],
    "stateless client, handshake server": [
        *(("*", f"/{key}", ERA) for key in ("resultType", "ttlMs", "cacheScope")),
        *((HELLO, f"/{key}", ERA) for key in ("supportedVersions", "protocolVersion", "serverInfo")),
        ("*", SERVER_INFO, ERA),
        ("result: failed tool", "/_meta", ERA),
        *(
            (HELLO, f"/_meta/{key}", FORM)
            for key in ("example.com/at", "example.com/deep", "com.example.flag")
        ),
        (HELLO, "/x-e2e", FORM),
        ("what the client says of itself", "/clientCapabilities/roots/listChanged", ROOTS),
        ("request for a list *", "/_meta", SHARED),
    ],
}


def reason(pairing, thing, change):
    """Why this change is right, or None."""
    pointer = change.partition(": ")[0]
    for pattern, at, why in CHANGES[pairing.eras]:
        if fnmatchcase(thing, pattern) and fnmatchcase(pointer, at):
            return pattern, at, why
    return None


def unexplained(survey, *patterns):
    return [
        f"{thing}{change}"
        for thing in survey.seen
        if any(fnmatchcase(thing, pattern) for pattern in patterns)
        for change in survey.changes(thing)
        if reason(survey.pairing, thing, change) is None
    ]


ROWS = {
    "what a server says of itself": [HELLO],
    "what a client says of itself, its capabilities": ["what the client says of itself"],
    "tools: title, icons, annotations, execution, JSON Schema 2020-12, outputSchema, `_meta`": [
        "tool with*",
        "tool: *",
    ],
    "prompts, resources, templates: title, icons, size, annotations, `_meta`": [
        *(
            f"{word}{rest}"
            for word in ("prompt", "resource", "resource template")
            for rest in (" with*", ": *")
        )
    ],
    "lists: other fields of the result": ["list of *s"],
    "tool results: text, image, audio, links, embedded resources, structuredContent, `_meta`": [
        "result: tool*",
        "result: failed tool",
    ],
    "prompt and resource results, completions": [
        "result: prompt",
        "result: resource*",
        "result: completion*",
    ],
    "errors with their data": ["error *"],
    "params of requests, `_meta`, trace context": ["request*"],
    "progress, under the client's own token": ["progress *"],
    "log messages": ["notification: log message"],
    "list changes, resource updates, subscriptions": [
        "notification: list*",
        "notification: resource*",
        "ack*",
    ],
    "changed roots": ["notification: roots*"],
    "questions to the client and their answers: sampling, roots, elicitation": ["question: *", "answer: *"],
}


def test_every_thing_has_its_row(everything):
    seen = {thing for pairing in PAIRINGS for thing in survey_of(everything, pairing).seen}
    patterns = [pattern for row in ROWS.values() for pattern in row]
    assert not [thing for thing in seen if not any(fnmatchcase(thing, pattern) for pattern in patterns)]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("pairing", PAIRINGS, ids=str)
def test_it_arrives_as_it_was_sent(everything, pairing, row):
    assert not unexplained(survey_of(everything, pairing), *ROWS[row])


@pytest.mark.parametrize("eras", CHANGES)
def test_every_change_that_is_written_down_still_happens(everything, eras):
    """What is not needed any more must go, or it would hide a loss one day."""
    used = {
        reason(pairing, thing, change)
        for pairing in PAIRINGS
        if pairing.eras == eras
        for thing in survey_of(everything, pairing).seen
        for change in survey_of(everything, pairing).changes(thing)
    }
    assert not [entry for entry in CHANGES[eras] if entry not in used]


def test_same_era_pairings_carry_every_row(everything):
    """An empty cell would look like a loss, or hide one."""
    for pairing in PAIRINGS:
        if pairing.same:
            seen = survey_of(everything, pairing).seen
            empty = [
                row
                for row, patterns in ROWS.items()
                if not any(fnmatchcase(thing, pattern) for thing in seen for pattern in patterns)
            ]
            assert empty == (["changed roots"] if pairing.client_era == "stateless" else [])


LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


@pytest.mark.parametrize(
    ("asked", "heard"), [(None, []), ("warning", LEVELS[3:]), ("debug", LEVELS), ("loud", [])]
)
@pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
@conversation
async def test_over_the_bridge_a_call_hears_only_the_log_levels_it_asked_for(
    everything, server, asked, heard
):
    """In 2026-07-28 a request without a level must get no log messages; a handshake server knows nothing of that."""
    client = Modern(everything.mount(server))
    logs = [
        {"send": {"method": "notifications/message", "params": {"level": level, "data": "x"}}}
        for level in LEVELS
    ]
    meta = {} if asked is None else {"io.modelcontextprotocol/logLevel": asked}
    messages = await (await client.play("act", *logs, _meta=meta)).messages()
    assert [m["params"]["level"] for m in messages[:-1]] == heard


# The front for clients that launch a command


@pytest.mark.parametrize(("revision", "server"), [("2025-11-25", "hs-http"), (STATELESS, "sl-stdio")])
@conversation
async def test_the_stdio_front_changes_no_more_than_the_other(everything, pipe_config, revision, server):
    command = [*KEEPGATE, "stdio", "--server", server, "--config", str(pipe_config)]
    log = pipe_config.with_suffix(".log")
    async with Pipe.start(*command, log=log, env=clean_env(pipe_config.parent)) as client:
        meta, expected = {}, catalogue.RESULT
        if revision == STATELESS:
            meta = Modern("").enveloped({})["_meta"]
            expected = {"resultType": "complete", **expected}
        else:
            await client.initialize(revision)
        listed = (await client.call("tools/list", {"_meta": meta}))["result"]["tools"]
        assert not list(differences(catalogue.TOOL, listed[0]))
        call = {
            "name": "full",
            "arguments": {"x-odd": catalogue.ODD, "name": "x", "count": 2},
            "_meta": {**meta, "progressToken": "t"},
        }
        result = (await client.call("tools/call", call))["result"]
        assert not list(differences(expected, result))
        sent = everything.record(server).messages("tools/call")[-1]["params"]
        assert not list(differences(call["arguments"], sent["arguments"]))


# The page


def cell(everything, eras, patterns, notes):
    """`same`, `same but` with numbers of notes, or a dash where the bridge carries nothing."""
    found, carried = [], False
    for pairing in PAIRINGS:
        if pairing.eras != eras:
            continue
        survey = survey_of(everything, pairing)
        for thing in survey.seen:
            if any(fnmatchcase(thing, pattern) for pattern in patterns):
                carried = True
                found += [reason(pairing, thing, change)[2] for change in survey.changes(thing)]
    for why in found:
        notes.setdefault(why, len(notes) + 1)
    numbers = sorted({notes[why] for why in found})
    if not carried:
        return "–"
    return f"same but {', '.join(map(str, numbers))}" if numbers else "same"


def table(everything):
    notes = {}
    lines = [f"| | {' | '.join(CHANGES)} |", "|---|" + "---|" * len(CHANGES)]
    for row, patterns in ROWS.items():
        cells = [cell(everything, eras, patterns, notes) for eras in CHANGES]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    lines += ["", *(f"{number}. {why}" for why, number in notes.items())]
    return "\n".join(lines)


def test_the_page_shows_what_was_measured(everything):
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    measured = f"\n\n{table(everything)}\n\n"
    if os.environ.get("KEEPGATE_WRITE_DOCS"):
        PAGE.write_text(f"{before}{BEGIN}{measured}{END}{after}")
        return
    assert shown == measured, "run with KEEPGATE_WRITE_DOCS=1"
