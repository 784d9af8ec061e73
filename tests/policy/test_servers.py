import pytest

from keepgate.model.access import Resource, ResourceKind
from keepgate.model.flow import Reach
from keepgate.policy.servers import Classes, Effects, Place, Server, check_labels


def test_without_a_word_the_worst_is_assumed():
    assert Server().effects_of("x") == {"read_only": False, "destructive": True, "open_world": True}
    assert Server().attributes() == {"trust": "untrusted", "owner": "", "data": "restricted"}


def test_the_pattern_that_says_most_counts():
    reading, careful = Effects(read_only=True, destructive=False), Effects(read_only=False, destructive=False)
    server = Server(tools={"*": careful, "read_*": reading, "read_and_delete": Effects()})
    assert server.effects_of("write") == {"read_only": False, "destructive": False, "open_world": True}
    assert server.effects_of("read_file")["read_only"] is True
    assert server.effects_of("read_and_delete") == Server().effects_of("x")


def test_everything_said_is_in_the_hash():
    assert Server(tools={"a": Effects()}).told() != Server().told()
    assert Server(owner="a").told() != Server().told()


INSIDE, OUTSIDE = Place(outward=False, holds=False), Place(outward=True, holds=False)
GIVEN = Place(outward=True, holds=True)


def tool(name="get_x"):
    return Resource(ResourceKind.TOOL, "s", name)


@pytest.mark.parametrize(
    ("server", "labels", "said"),
    [
        (Server(place=INSIDE), {"untrusted"}, set()),
        (Server(place=GIVEN), {"untrusted", "private"}, set()),
        (Server(place=GIVEN, data="public"), {"untrusted"}, set()),
        (Server(place=OUTSIDE, data="internal"), {"untrusted", "private"}, set()),
        (Server(place=GIVEN, trust="trusted"), {"private"}, set()),
        (Server(place=GIVEN, trust="reviewed"), {"untrusted", "private"}, set()),
        (Server(place=INSIDE, trust="reviewed"), set(), set()),
        (Server(place=OUTSIDE, trust="reviewed", tools={"get_*": Effects(open_world=False)}), set(), set()),
        (Server(place=GIVEN, flow=Classes(untrusted=False, private=True)), {"private"}, {"private"}),
        (
            Server(place=GIVEN, flow=Classes(private=False), tools={"get_x": Effects(private=True)}),
            {"untrusted", "private"},
            {"private"},
        ),
        (
            Server(
                place=INSIDE,
                trust="trusted",
                flow=Classes(labels=("eu",)),
                tools={"*": Effects(labels=("hr",))},
            ),
            {"eu", "hr"},
            {"eu", "hr"},
        ),
    ],
)
def test_what_a_tool_brings(server, labels, said):
    mark = server.mark_of(tool())
    assert (mark.labels, mark.said) == (labels, said)


def test_words_about_tools_are_not_about_resources():
    server = Server(place=INSIDE, trust="trusted", tools={"*": Effects(private=True)})
    assert server.mark_of(Resource(ResourceKind.RESOURCE, "s", "x:y")).labels == frozenset()
    assert server.mark_of(None).labels == frozenset()


@pytest.mark.parametrize(
    ("server", "resource", "reach"),
    [
        (Server(place=INSIDE), tool("send"), Reach.NONE),
        (Server(place=OUTSIDE), tool("send"), Reach.SINK),
        (Server(place=OUTSIDE), tool("get_x"), Reach.READING),
        (Server(place=OUTSIDE), tool("get_page"), Reach.SINK),
        (Server(place=OUTSIDE, flow=Classes(sink=False)), tool("send"), Reach.NONE),
        (Server(place=INSIDE, tools={"send": Effects(sink=True)}), tool("send"), Reach.SINK),
        (Server(place=OUTSIDE, tools={"send": Effects(open_world=False)}), tool("send"), Reach.NONE),
        (Server(place=OUTSIDE, tools={"send": Effects(read_only=True)}), tool("send"), Reach.READING),
        (Server(place=OUTSIDE), Resource(ResourceKind.RESOURCE, "s", "docs:x"), Reach.READING),
        (Server(place=OUTSIDE), Resource(ResourceKind.RESOURCE, "s", "https://x.example/"), Reach.SINK),
        (Server(place=OUTSIDE), Resource(ResourceKind.PROMPT, "s", "p"), Reach.READING),
    ],
)
def test_where_it_leads(server, resource, reach):
    listed = resource.kind is ResourceKind.TOOL
    name = {"properties": {"url": {}}} if resource.name == "get_page" else {}
    assert (
        server.reach_of(resource, {"name": resource.name, "inputSchema": name} if listed else None) is reach
    )


@pytest.mark.parametrize("label", ["private", "a b", "", "é", "x" * 65, "a:b"])
def test_labels_of_ones_own_are_plain_and_not_ours(label):
    with pytest.raises(ValueError, match="label"):
        check_labels((label,))


def test_classes_and_places_are_in_the_hash():
    told = [
        Server(),
        Server(place=INSIDE),
        Server(flow=Classes(sink=True)),
        Server(tools={"a": Effects()}),
        Server(tools={"a": Effects(labels=("x",))}),
    ]
    assert len({str(each.told()) for each in told}) == len(told)
