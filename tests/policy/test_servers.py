from keepgate.policy.servers import Effects, Server


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
