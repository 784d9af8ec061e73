"""The inventory of all servers' tools: what it says matters is all that matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.detect.entities import clues
from keepgate.detect.inventory import MENTIONED, Inventory, mentions_of
from keepgate.detect.setting import Channel, Setting

PREFIXES = {"bank": "bank_", "mail": "", "files": "fs."}
SESSION = {
    "bank": ("transfer_money", "list_accounts", "balance"),
    "mail": ("send_email", "getUserInfo", "list_messages"),
    "files": ("read_file", "write_file", "search"),
}
WORDS = [name for names in SESSION.values() for name in names] + [
    "list_message",
    "list_acounts",
    "official_read_file",
    "transfer_money_v2",
    "rеad_file",
    "fs.read_file",
    "GETUSERINFO",
    "bank_transfer_money",
    "weather",
    "the",
]


def inventory(session=SESSION, most=100):
    made = Inventory(most)
    for server, names in session.items():
        made.learn(server, names, PREFIXES.get(server, ""))
    return made


def judged(tool, session, server):
    others = {each: names for each, names in session.items() if each != server}
    setting = Setting(Channel.DEFINITION, server, others, tuple(session.get(server, ())))
    return {clue.rule for clue in clues(tool, setting, ("tool",))}


def known(session):
    """As a session, every form of every name."""
    return {each: (*names, *(PREFIXES[each] + name for name in names)) for each, names in session.items()}


TOOLS = st.fixed_dictionaries(
    {"name": st.sampled_from(WORDS)},
    optional={
        "description": st.lists(st.sampled_from([*WORDS, ",", "(", "`"]), max_size=8).map(" ".join),
        "inputSchema": st.fixed_dictionaries(
            {
                "properties": st.dictionaries(
                    st.sampled_from(WORDS), st.just({"title": "send_email"}), max_size=2
                )
            }
        ),
    },
)


@given(TOOLS, st.sampled_from([*SESSION, "stranger"]))
def test_what_matters_gives_what_everything_gives(tool, server):
    made = inventory()
    about = made.about(server, mentions_of(tool, tool=True))
    mentioned = judged(tool, known(SESSION), server) & {"attack.foreign-tool"}
    imitated = judged(tool, SESSION, server) - {"attack.foreign-tool"}
    assert judged(tool, about, server) == mentioned | imitated


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Before send_email, check.", {"mail": ("send_email",)}),
        (
            "uses SEND_EMAIL() and bank_transfer_money",
            {"bank": ("bank_transfer_money",), "mail": ("send_email",)},
        ),
        ("sends an email and reads a file", {}),
        ("balance, search", {}),
    ],
)
def test_texts_mention_names(text, found):
    assert inventory().about("weather", mentions_of(text, tool=False)) == found


def test_only_a_tool_can_look_like_another():
    item = {"name": "list_message"}
    assert inventory().about("x", mentions_of(item, tool=True)) == {"mail": ("list_messages",)}
    assert not inventory().about("x", mentions_of(item, tool=False))


def test_its_own_names_are_among_them():
    about = inventory().about("mail", mentions_of("see send_email", tool=False))
    assert about == {"mail": ("send_email",)}


def test_what_changes_nothing_is_no_change():
    made = inventory()
    before = made.generation
    made.learn("mail", SESSION["mail"])
    assert made.generation == before
    made.learn("mail", ["new_tool"])
    assert made.generation > before


def test_what_was_listed_before_counts_on_until_the_server_goes():
    made = inventory()
    made.learn("mail", ["new_tool"])
    about = made.about("x", mentions_of("send_email new_tool", tool=False))
    assert about == {"mail": ("new_tool", "send_email")}
    before = made.generation
    made.forget("mail")
    assert made.generation > before
    assert not made.about("x", mentions_of("send_email new_tool", tool=False))
    assert not made.about("x", mentions_of({"name": "list_message"}, tool=True))


def test_one_server_can_only_have_so_many():
    made = inventory(most=3)
    made.learn("mail", [f"tool_number_{n}" for n in range(1000)])
    assert made.about("x", mentions_of("send_email tool_number_1 tool_number_999", tool=False)) == {
        "mail": ("tool_number_999",)
    }


def test_a_definition_that_mentions_too_much_is_held_against_everything():
    text = " ".join(f"word{n}" for n in range(MENTIONED + 1))
    found = mentions_of({"description": text}, tool=True)
    assert found.names is None
    assert "send_email" in inventory().about("x", found)["mail"]


def test_numbered_tools_of_two_servers_are_not_alike():
    names = [f"tool-{n}" for n in range(40)] + [f"endpoint_{n:04}" for n in range(40)]
    session = {"old": tuple(names), "new": tuple(names)}
    made = Inventory(100)
    for server in session:
        made.learn(server, names, f"{server}_")
    for name in names:
        about = made.about("old", mentions_of({"name": name}, tool=True))
        assert judged({"name": name}, about, "old") <= {"attack.collision"}
        assert judged({"name": name}, session, "old") <= {"attack.collision"}
