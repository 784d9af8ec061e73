"""The attacks of the threat table before a running keepgate: with its detectors, and without them.

What the client saw is kept in `recorded/`, one file for each case and setting; KEEPGATE_RECORD=1 writes them anew.
"""

import contextlib
import json
import os
import re
from pathlib import Path

import pytest

from tests.attacks.conversations import ACCESS, CASES, LOOSE, Talk, personalities
from tests.attacks.villain import running
from tests.e2e.client import Handshake, conversation
from tests.e2e.faults import keepgate
from tests.e2e.gate import NO_RATE, gate_before
from tests.support import processes

RECORDED = Path(__file__).with_name("recorded")
SETTINGS = ("detectors", "bare")
OPEN = "open"
"""No detectors, no lock, everything allowed: what the attacks do where nothing stops them."""


def slug(text):
    return "-".join("".join(sign if sign.isalnum() else " " for sign in text.lower()).split())


@pytest.fixture(scope="module", params=(*SETTINGS, OPEN))
def arena(request, tmp_path_factory):
    """The villain behind keepgate: its detectors with nearly all allowed, or none of them with a lock and a role."""
    directory = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        villain = stack.enter_context(running(personalities(), directory))
        servers = list(villain.upstreams.values())
        more = {"access": LOOSE, "approvals": {"elicit": ["chat/send"]}}
        if request.param == OPEN:
            more = {"content": {"inspect": False}, "flow": {"trifecta": "ignore"}}
        if request.param == "bare":
            more |= {"content": {"inspect": False}, "access": ACCESS}
            config = processes.allow_all(
                processes.free_port(), directory, {each.id: each.entry for each in servers}
            )
            processes.write_config(
                directory / "keepgate.yaml", {**config, "limits": NO_RATE, "access": ACCESS}
            )
            done = keepgate(directory, "lock", "write")
            assert done.returncode == 0, done.stderr
        gate = stack.enter_context(gate_before(directory, servers, **more))
        villain.turn()
        yield request.param, gate, villain


def normal(text):
    """Without what differs from run to run, and without the names of detectors, which have tests of their own."""
    for pattern, name in (
        (r"\b[0-9a-f]{16}\b", "<decision>"),
        (r"\b[0-9a-f]{10}\b", "<approval>"),
        (r"\b\d{2,3} s left", "<time> s left"),
        (r"\b\d\d:\d\d UTC", "<time> UTC"),
        (r"the content was refused: [^(]*", "the content was refused: <why> "),
        (r"found in it: [^\\]*", "found in it: <findings>"),
    ):
        text = re.sub(pattern, name, text)
    return text


def compare(name, heard):
    """Hold a conversation against what is kept of it."""
    told = normal(json.dumps(heard, indent=1, ensure_ascii=True, sort_keys=True)) + "\n"
    file = RECORDED / f"{name}.json"
    if os.environ.get("KEEPGATE_RECORD"):
        RECORDED.mkdir(exist_ok=True)
        file.write_text(told)
    assert file.exists(), "KEEPGATE_RECORD=1 records it"
    said = "the client sees something else: look whether it should, then KEEPGATE_RECORD=1 records it"
    assert json.loads(told) == json.loads(file.read_text()), said


@pytest.mark.parametrize("case", CASES, ids=lambda case: slug(case.id))
def test_it_is_stopped_and_would_not_be_without(arena, case):
    setting, gate, villain = arena
    if setting == OPEN and case.holds == "protocol":
        pytest.skip("it is stopped there too")
    reached = []

    @conversation
    async def play():
        abilities = {name: {} for name in case.capabilities}
        client = Handshake(gate.url, capabilities=abilities)
        await client.initialize(clientInfo={"name": case.client, "version": "1"})
        talk = Talk(client, villain)
        reached.append(await case.play(talk))
        if setting != OPEN:
            compare(f"{slug(case.id)}.{setting}", talk.heard)

    play()
    if setting == OPEN:
        assert reached == [True], "it is no attack"
    elif setting == "bare" and not case.holds:
        assert case.without, "say why nothing is claimed"
        assert reached == [True], "it is stopped now: say by what"
    else:
        assert reached == [False], "the attack works"


def test_the_conversations_cover_what_a_gateway_can_stop():
    covered = {number for case in CASES for number in case.threats}
    assert covered >= {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 25, 26, 27, 29}


def told():
    """The table of docs/attacks.md."""
    rows = ["| attack | threats | without detectors |", "|---|---|---|"]
    for case in CASES:
        numbers = ", ".join(map(str, case.threats))
        rows.append(f"| {case.id} | {numbers} | {case.holds or f'not stopped: {case.without}'} |")
    return "\n".join(rows)


def test_the_documentation_says_what_stops_what():
    page = Path(__file__).parents[2] / "docs" / "attacks.md"
    assert told() in page.read_text(), told()


def test_nothing_is_kept_of_what_is_not_played():
    known = {f"{slug(case.id)}.{setting}.json" for case in CASES for setting in SETTINGS}
    assert {path.name for path in RECORDED.glob("*")} == known
