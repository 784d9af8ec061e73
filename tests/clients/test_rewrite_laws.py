"""Laws of the rewrite: install then uninstall gives the same bytes; what a user changed in between survives."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.clients import CLIENTS
from keepgate.clients.formats import Gateway, JsoncError, Machine, edit, scan
from keepgate.clients.rewrite import Ledger, Rewriter, texts

GATEWAY = Gateway("http://127.0.0.1:8700/mcp", "kg_test", ("/bin/keepgate", "stdio"))
CURSOR = CLIENTS["cursor"]

words = st.text('abcXYZ_-/"\\ é\u202e\x1b{}[],:/*', max_size=8)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), words)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
servers = st.dictionaries(
    words.filter(lambda name: name != "keepgate"),
    st.fixed_dictionaries(
        {"command": words}, optional={"args": st.lists(words, max_size=2), "env": st.just({"A": "b"})}
    ),
    max_size=3,
)


@st.composite
def jsonc(draw, value, newline):
    """`value` as JSONC with comments, trailing commas and white space wherever they are allowed."""
    gaps = [" ", newline + "  ", "\t", "", f"// c, {{{newline}", '/* " */', f"{newline}/* a{newline} b */ "]

    def gap():
        return "".join(draw(st.lists(st.sampled_from(gaps), max_size=2)))

    def write(item):
        if not isinstance(item, dict | list) or not item:
            return json.dumps(item, ensure_ascii=draw(st.booleans()))
        if isinstance(item, dict):
            parts = [
                f"{gap()}{json.dumps(key)}{gap()}:{gap()}{write(child)}{gap()}" for key, child in item.items()
            ]
        else:
            parts = [f"{gap()}{write(child)}{gap()}" for child in item]
        tail = "," + gap() if draw(st.booleans()) else ""
        opening, closing = "{}" if isinstance(item, dict) else "[]"
        return opening + ",".join(parts) + tail + closing

    return gap() + write(value) + gap()


@st.composite
def documents(draw):
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    value = draw(st.dictionaries(words, values, max_size=3)) | {"mcpServers": draw(servers)}
    keys = draw(st.permutations(list(value)))
    text = draw(jsonc({key: value[key] for key in keys}, newline))
    return draw(st.sampled_from(["", "\ufeff"])) + text


def ours(entry) -> bool:
    return entry.url == GATEWAY.url


def rewriter(home: Path) -> Rewriter:
    return Rewriter(Machine(home, "linux", home, {}), Ledger(home / "state"))


def install(home: Path, client=CURSOR) -> list:
    worker = rewriter(home)
    changes = worker.install(client, lambda: client.entry(GATEWAY), ours)
    for change in changes:
        assert not change.refused
        worker.apply(change)
    return changes


def uninstall(home: Path) -> list:
    worker = rewriter(home)
    changes = list(worker.uninstall(frozenset(CLIENTS)))
    for change in changes:
        assert not change.refused
        worker.apply(change)
    return changes


@settings(max_examples=150, deadline=None)
@given(documents())
def test_install_then_uninstall_gives_the_same_bytes(text):
    with TemporaryDirectory() as folder:
        home = Path(folder)
        file = home / ".cursor" / "mcp.json"
        file.parent.mkdir()
        file.write_bytes(text.encode())
        install(home)
        assert list(scan(file.read_bytes().decode()).root.plain()["mcpServers"]) == ["keepgate"]
        assert install(home) == []
        uninstall(home)
        assert file.read_bytes() == text.encode()
        assert uninstall(home) == []


@settings(max_examples=150, deadline=None)
@given(
    documents(),
    st.dictionaries(words.filter(lambda w: w != "keepgate"), st.just({"command": "later"}), max_size=2),
)
def test_servers_added_since_and_servers_from_before_are_both_there(text, later):
    entry = CURSOR.entry(GATEWAY)
    before = scan(text).root.plain()
    now = texts.install(text, [("mcpServers",)], ("mcpServers",), entry)
    for name, server in later.items():
        now = edit.put(now, ("mcpServers", name), server)
    now = edit.put(now, ("later",), "// kept")
    back, notes = texts.uninstall(now, text, (("mcpServers",),), {"url": entry["url"]})
    assert scan(back).root.plain() == before | {"later": "// kept"} | {
        "mcpServers": before["mcpServers"] | later
    }
    assert len(notes) == sum(name in before["mcpServers"] for name in later)


@settings(max_examples=150, deadline=None)
@given(documents(), words, values)
def test_a_put_changes_one_key_and_no_other_character_that_means_something(text, key, value):
    after = edit.put(text, (key,), value)
    assert scan(after).root.plain() == scan(text).root.plain() | {key: value}
    assert after.startswith("\ufeff") == text.startswith("\ufeff")


@settings(max_examples=300, deadline=None)
@given(st.text('{}[]",:/*\\ntru1-\n\r\ufeff ', max_size=40))
def test_any_text_is_read_or_refused_with_a_position(text):
    try:
        assert scan(text).root.end <= len(text)
    except JsoncError as error:
        place = error.line, error.column
        assert min(place) >= 1
