"""Several servers behind one endpoint: names, URIs, lists, changes and answers find their way to the right one.

Servers in the order of the configuration: `one` and `three` (handshake, HTTP), `two` (handshake, stdio), `four` and
`five` (stateless, HTTP and stdio), and `dead`, where nothing listens. `two` and `three` have no prefix and offer the
same names; all offer the resource `e2e://shared`.
"""

import asyncio
import contextlib

import pytest

from tests.e2e.client import FRONTS, META, Exchange, Handshake, Modern, conversation, encode
from tests.e2e.gate import gate_before
from tests.e2e.talk import progress, said, texts
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import Upstream, over_http, over_stdio
from tests.support.processes import free_port

SHARED = "e2e://shared"
eras = pytest.mark.parametrize("era", FRONTS)
SCHEMA = {"inputSchema": {"type": "object"}}


def offering(server, era):
    """What one of the servers offers; each says its name in what it answers."""
    own = f"e2e://{server}"
    link = {"type": "resource_link", "name": "x"}
    embedded = {"type": "resource", "resource": {"uri": SHARED, "text": "x"}}
    content = [
        {**link, "uri": SHARED},
        embedded,
        {**link, "uri": f"{own}/unlisted"},
        {"type": "text", "text": SHARED},
    ]
    tools = [
        {"name": "act", **SCHEMA},
        {"name": "same", "title": server, **SCHEMA},
        {"name": "same", "title": "listed twice", **SCHEMA},
        {"name": server, "_meta": {"ui": {"resourceUri": SHARED}, "ui/resourceUri": SHARED}, **SCHEMA},
    ]
    return Table(
        era=era,
        info={"name": f"{server}-server", "version": "1"},
        hello={"instructions": f"how to use {server}"},
        capabilities={
            "tools": {"listChanged": True},
            "prompts": {"listChanged": True},
            "resources": {"listChanged": True, "subscribe": True},
            "completions": {},
        },
        lists={
            "tools/list": tools,
            "prompts/list": [{"name": "same", "title": server}, {"name": server}],
            "resources/list": [{"uri": SHARED, "name": server}, {"uri": own, "name": server}],
            "resources/templates/list": [
                {"uriTemplate": "e2e://items/{id}", "name": server},
                {"uriTemplate": f"{own}/{{id}}", "name": server},
            ],
        },
        results={
            "tools/call": {name: {"content": content, "from": server} for name in ("same", server)},
            "prompts/get": {
                name: {"messages": [{"role": "user", "content": embedded}], "from": server}
                for name in ("same", server)
            },
            "resources/read": {
                uri: {"contents": [{"uri": uri, "text": server}]}
                for uri in (SHARED, own, f"{own}/unlisted", f"{own}/7", "e2e://items/7")
            },
            "completion/complete": {
                name: {"completion": {"values": [server]}}
                for name in ("same", server, "e2e://items/{id}", f"{own}/{{id}}")
            },
        },
        errors={
            "resources/read": {f"{own}/broken": {"code": -1, "message": server, "data": {"uri": SHARED}}}
        },
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shop")
    with contextlib.ExitStack() as stack:
        upstreams = [
            stack.enter_context(over_http(directory, "one", offering("one", "handshake"))),
            over_stdio(directory, "two", offering("two", "handshake"), prefix=""),
            stack.enter_context(over_http(directory, "three", offering("three", "handshake"), prefix="")),
            stack.enter_context(
                over_http(directory, "four", offering("four", "stateless"), instructions=True)
            ),
            over_stdio(directory, "five", offering("five", "stateless")),
            Upstream("dead", "http", Table(), None, {"url": f"http://127.0.0.1:{free_port()}/mcp"}),
        ]
        yield stack.enter_context(gate_before(directory, upstreams))


async def enter(shop, era, path="/mcp", **options):
    return await FRONTS[era](shop.origin + path, **options).initialize()


async def items(client, method):
    reply = await client.call(method)
    (found,) = [value for key, value in reply["result"].items() if isinstance(value, list)]
    return found


def alias(server, uri):
    return f"keepgate://{server}/" + uri.replace(":", "%3A").replace("/", "%2F")


PREFIXES = {"one": "one_", "two": "", "three": "", "four": "four_", "five": "five_"}
SAME = {"one": "one_same", "two": "same", "three": "three_same", "four": "four_same", "five": "five_same"}
"""The name of each server's `same`: `three` loses to `two`, which stands first."""
URIS = {"one": SHARED, **{server: alias(server, SHARED) for server in ("two", "three", "four", "five")}}
"""The name of each server's shared resource."""
SERVERS = list(SAME)


# Names


@eras
@conversation
async def test_tools_and_prompts_are_listed_under_their_servers_prefix(shop, era):
    client = await enter(shop, era)
    tools = [tool["name"] for tool in await items(client, "tools/list")]
    expected = ["one_act", "one_same", "one_one", "act", "same", "two", "three_act", "three_same", "three"]
    expected += ["four_act", "four_same", "four_four", "five_act", "five_same", "five_five"]
    assert tools == expected
    prompts = [prompt["name"] for prompt in await items(client, "prompts/list")]
    assert prompts == [name for name in expected if not name.endswith("act")]


@eras
@conversation
async def test_a_name_leads_to_the_server_that_it_was_listed_for(shop, era):
    client = await enter(shop, era)
    titles = {tool["name"]: tool.get("title") for tool in await items(client, "tools/list")}
    for server, name in SAME.items():
        assert titles[name] == server
        assert (await client.tool(name))["result"]["from"] == server
        assert (await client.call("prompts/get", {"name": name}))["result"]["from"] == server
        asked = shop.record(server).messages("tools/call")[-1]
        assert asked["params"]["name"] == "same"


@eras
@conversation
async def test_names_are_resolved_without_a_list_before(shop, era):
    """A client may have the names from an earlier session."""
    for server, name in SAME.items():
        client = await enter(shop, era)
        assert (await client.tool(name))["result"]["from"] == server


@eras
@conversation
async def test_a_name_that_only_looks_like_a_servers_is_unknown(shop, era):
    """Resolved by table, never by splitting."""
    client = await enter(shop, era)
    for name in (
        "one_two",
        "two_same",
        "two_two",
        "one_",
        "_one",
        "one_one_one",
        "ONE_one",
        "three_three",
        "one/one",
    ):
        reply = await client.tool(name)
        assert reply["error"]["code"] == -32602, name
        assert reply["error"]["message"] == f"Unknown tool: {name}"


@eras
@conversation
async def test_lists_are_merged_in_the_same_order_every_time(shop, era):
    lists = []
    for _ in range(3):
        client = await enter(shop, era)
        methods = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
        lists.append([await items(client, method) for method in methods])
    assert lists[0] == lists[1] == lists[2]
    keys = [[item.get("uri", item.get("uriTemplate", item["name"])) for item in one] for one in lists[0]]
    assert all(len(set(each)) == len(each) for each in keys)


# URIs


@eras
@conversation
async def test_a_uri_that_several_servers_offer_is_told_apart(shop, era):
    client = await enter(shop, era)
    listed = await items(client, "resources/list")
    assert {each["name"]: each["uri"] for each in listed if each["uri"] not in OWN} == URIS
    for server, uri in URIS.items():
        (contents,) = (await client.call("resources/read", {"uri": uri}))["result"]["contents"]
        assert contents == {"uri": uri, "text": server}
        assert shop.record(server).messages("resources/read")[-1]["params"]["uri"] == SHARED


OWN = [f"e2e://{server}" for server in SERVERS]


@eras
@conversation
async def test_a_uri_that_one_server_offers_stays_as_it_is(shop, era):
    """Clients may fetch some themselves."""
    client = await enter(shop, era)
    for server in SERVERS:
        reply = await client.call("resources/read", {"uri": f"e2e://{server}"})
        assert reply["result"]["contents"] == [{"uri": f"e2e://{server}", "text": server}]


@eras
@conversation
async def test_links_in_results_name_the_resource_of_the_server_they_came_from(shop, era):
    client = await enter(shop, era)
    await items(client, "resources/list")
    for server, name in SAME.items():
        link, embedded, unlisted, text = (await client.tool(name))["result"]["content"]
        assert (link["uri"], embedded["resource"]["uri"]) == (URIS[server], URIS[server])
        assert unlisted["uri"] == f"e2e://{server}/unlisted"
        assert text["text"] == SHARED, "a text is no URI"
        (message,) = (await client.call("prompts/get", {"name": name}))["result"]["messages"]
        assert message["content"]["resource"]["uri"] == URIS[server]
        read = await client.call("resources/read", {"uri": unlisted["uri"]})
        assert read["result"]["contents"][0]["text"] == server, "a link need not be listed"


def linking(*found):
    """A step: the result links to these."""
    return {"reply": {"content": [{"type": "resource_link", "name": "x", "uri": uri} for uri in found]}}


@eras
@conversation
async def test_links_are_told_apart_without_a_list_before(shop, era):
    """keepgate asks for the lists itself before it can say whose a URI is."""
    for server, name in SAME.items():
        client = await enter(shop, era)
        assert (await client.tool(name))["result"]["content"][0]["uri"] == URIS[server]


@eras
@conversation
async def test_a_server_cannot_take_over_the_uris_of_another_by_linking_to_them(shop, era, unique):
    """A naive gateway remembers who linked last, and reads from there whatever it is asked for next."""
    client = await enter(shop, era)
    links = ["e2e://two", "e2e://two/7", f"e2e://nobodys/{unique}"]
    reply = await (await client.play("one_act", linking(*links))).reply()
    got = [block["uri"] for block in reply["result"]["content"]]
    assert got == [alias("one", links[0]), alias("one", links[1]), links[2]]
    for uri in links[:2]:
        read = await client.call("resources/read", {"uri": uri})
        assert read["result"]["contents"][0]["text"] == "two"
    reply = await (await client.play("three_act", linking(links[2]))).reply()
    assert reply["result"]["content"][0]["uri"] == alias("three", links[2]), (
        "the first who linked has the plain one"
    )
    since = {server: shop.record(server).mark() for server in ("one", "three")}
    for uri in (links[2], alias("three", links[2])):
        assert "error" in await client.call("resources/read", {"uri": uri})
    for server, mark in since.items():
        (asked,) = shop.record(server).messages("resources/read", mark)
        assert asked["params"]["uri"] == links[2]


@eras
@conversation
async def test_the_resource_of_an_app_is_the_servers_own(shop, era):
    client = await enter(shop, era)
    await items(client, "resources/list")
    metas = {tool["name"]: tool["_meta"] for tool in await items(client, "tools/list") if "_meta" in tool}
    for server, prefix in PREFIXES.items():
        expected = {"ui": {"resourceUri": URIS[server]}, "ui/resourceUri": URIS[server]}
        assert metas[f"{prefix}{server}"] == expected


@eras
@conversation
async def test_an_errors_uri_is_the_clients(shop, era):
    client = await enter(shop, era)
    await items(client, "resources/list")
    for server in SERVERS:
        reply = await client.call("resources/read", {"uri": f"e2e://{server}/broken"})
        assert reply["error"] == {"code": -1, "message": server, "data": {"uri": URIS[server]}}


@eras
@conversation
async def test_templates_are_told_apart_and_expand_to_their_server(shop, era):
    client = await enter(shop, era)
    templates = {
        each["uriTemplate"]: each["name"] for each in await items(client, "resources/templates/list")
    }
    shared = {name: uri for uri, name in templates.items() if uri.endswith(("items/{id}", "items%2F{id}"))}
    assert shared["one"] == "e2e://items/{id}"
    assert list(shared) == SERVERS
    for server, template in shared.items():
        uri = template.replace("{id}", "7")
        reply = await client.call("resources/read", {"uri": uri})
        assert reply["result"]["contents"] == [{"uri": uri, "text": server}]
    for server in SERVERS:
        reply = await client.call("resources/read", {"uri": f"e2e://{server}/7"})
        assert reply["result"]["contents"][0]["text"] == server


@eras
@conversation
async def test_completion_references_are_translated(shop, era):
    client = await enter(shop, era)
    templates = {
        each["name"]: each["uriTemplate"] for each in (await items(client, "resources/templates/list"))[::-1]
    }
    for server, name in SAME.items():
        prompt = {"type": "ref/prompt", "name": name}
        template = {"type": "ref/resource", "uri": templates[server]}
        for ref, own in (
            (prompt, {**prompt, "name": "same"}),
            (template, {**template, "uri": "e2e://items/{id}"}),
        ):
            reply = await client.call(
                "completion/complete", {"ref": ref, "argument": {"name": "a", "value": ""}}
            )
            assert reply["result"]["completion"]["values"] == [server]
            assert shop.record(server).messages("completion/complete")[-1]["params"]["ref"] == own


@pytest.mark.parametrize("server", ["one", "two", "three"])
@conversation
async def test_a_subscription_and_its_updates_carry_the_clients_uri(shop, server):
    client = await enter(shop, "handshake")
    await items(client, "resources/list")
    standing, record = await client.listen(), shop.record(server)
    since = record.mark()
    assert "result" in await client.call("resources/subscribe", {"uri": URIS[server]})
    assert record.messages("resources/subscribe", since)[0]["params"]["uri"] == SHARED
    update = {"push": {"method": "notifications/resources/updated", "params": {"uri": SHARED}}}
    for other in ("one", "two", "three"):  # only the one that was subscribed to is heard
        await (await client.play("act" if other == "two" else f"{other}_act", update)).reply()
    heard = await standing.until(lambda m: m["method"] == "notifications/resources/updated")
    assert heard["params"]["uri"] == URIS[server]
    assert "result" in await client.call("resources/unsubscribe", {"uri": URIS[server]})
    assert record.messages("resources/unsubscribe", since)[0]["params"]["uri"] == SHARED
    last = {"push": {"method": "notifications/message", "params": {"level": "info", "data": "last"}}}
    await (await client.play("one_act", update, last)).reply()
    assert (await standing.message())["method"] == "notifications/message"


@conversation
async def test_a_listen_goes_to_the_servers_its_uris_belong_to(shop):
    client = await enter(shop, "stateless")
    await items(client, "resources/list")
    since = {server: shop.record(server).mark() for server in ("four", "five")}
    uris = [URIS["four"], URIS["five"], "e2e://five"]
    listening = await client.listen(77, resourceSubscriptions=uris)
    ack = await listening.message()
    assert sorted(ack["params"]["notifications"]["resourceSubscriptions"]) == sorted(uris)
    assert ack["params"]["_meta"][META + "subscriptionId"] == 77
    for server, own in (("four", [SHARED]), ("five", [SHARED, "e2e://five"])):
        asked = await shop.record(server).wait_message("subscriptions/listen", since[server])
        assert asked["params"]["notifications"] == {"resourceSubscriptions": own}
        meta = {META + "subscriptionId": "$subscription"}
        update = {"method": "notifications/resources/updated", "params": {"uri": SHARED, "_meta": meta}}
        await (await client.play(f"{server}_act", {"push": update})).reply()
        heard = await listening.message()
        assert heard["params"] == {"uri": URIS[server], "_meta": {META + "subscriptionId": 77}}


# One endpoint and many


@eras
@pytest.mark.parametrize("server", SERVERS)
@conversation
async def test_each_server_alone_keeps_its_own_names(shop, era, server):
    client = await enter(shop, era, f"/mcp/{server}")
    assert [tool["name"] for tool in await items(client, "tools/list")] == ["act", "same", server]
    assert [each["uri"] for each in await items(client, "resources/list")] == [SHARED, f"e2e://{server}"]
    assert (await client.tool("same"))["result"]["from"] == server
    for foreign in ("one_same", "four_same", "five_five"):
        assert "error" in await client.tool(foreign)
    if era == "handshake":
        hello, info = client.hello, client.hello["serverInfo"]
    else:
        hello = (await client.call("server/discover"))["result"]
        info = hello["_meta"][META + "serverInfo"]
    assert info["name"] == f"{server}-server"
    assert hello["instructions"] == f"how to use {server}"


@eras
@conversation
async def test_the_common_endpoint_speaks_for_itself(shop, era):
    """Instructions are text that goes straight to the model: only those of servers configured to pass them."""
    client = await enter(shop, era)
    if era == "handshake":
        hello, info = client.hello, client.hello["serverInfo"]
    else:
        hello = (await client.call("server/discover"))["result"]
        info = hello["_meta"][META + "serverInfo"]
    assert info["name"] == "keepgate"
    assert hello["instructions"] == "how to use four"
    assert {"tools", "prompts", "resources", "completions"} <= set(hello["capabilities"])


@conversation
async def test_an_unknown_server_has_no_path(shop):
    for path in (
        "/mcp/none",
        "/mcp/one/x",
        "/mcp/one/",
        "/mcp//one",
        "/mcp/one/sse/x",
        "/mcpx",
        "/mcp/../one",
    ):
        exchange = await Exchange.open(shop.origin + path, "POST", Modern("").base(), b"{}")
        assert await exchange.head() in (400, 404), path


# A dead server


@eras
@conversation
async def test_a_dead_server_fails_no_list_and_is_named_when_asked_for_itself(shop, era):
    client = await enter(shop, era)
    for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        assert len(await items(client, method)) >= len(SERVERS)
    if era == "handshake":
        body = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        }
        whole = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": body}
        exchange = await Exchange.open(shop.mount("dead"), "POST", client.base(), encode(whole))
        reply = await exchange.reply()
    else:
        reply = await Modern(shop.mount("dead")).tool("any")
    error = reply["error"]["message"] if "error" in reply else texts(reply)[0]
    assert "dead" in error
    reply = await client.tool("dead_any")
    assert reply["error"]["code"] == -32602, "two servers without a prefix could have it as well"


@eras
@conversation
async def test_a_server_that_comes_up_late_is_there_from_then_on(tmp_path, era, unique):
    """Until then a call to it says so; to a principal who may not use it, it stays unknown."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    tables = {
        name: Table(lists={"tools/list": [{"name": "act", **SCHEMA}]}) for name in ("first", "late", "other")
    }
    with contextlib.ExitStack() as stack:
        upstreams = [
            stack.enter_context(over_http(tmp_path, "first", tables["first"])),
            Upstream("late", "http", Table(), None, {"url": url}),
            Upstream("other", "http", Table(), None, {"url": url}),
        ]
        roles = {
            "roles": {"some": {"allow": ["first/*", "late/*"]}},
            "grants": [{"to": "anonymous", "role": "some"}],
        }
        gate = stack.enter_context(gate_before(tmp_path, upstreams, access=roles))
        client = await enter(gate, era)
        standing = await client.listen() if era == "handshake" else None
        assert [tool["name"] for tool in await items(client, "tools/list")] == ["first_act"]
        reply = await client.tool("late_act")
        assert reply["result"]["isError"] is True
        assert "`late`" in texts(reply)[0]
        assert (await client.tool("other_act"))["error"]["message"] == "Unknown tool: other_act"
        late = stack.enter_context(over_http(tmp_path, "late", tables["late"], port=port))
        for _ in range(100):  # its circuit lets one call try each second
            reply = await (await client.play("late_act", {"note": unique}, said("here"))).reply()
            if texts(reply) == ["here"]:
                break
            await asyncio.sleep(0.1)
        assert texts(reply) == ["here"]
        assert unique in late.record.notes()
        assert [tool["name"] for tool in await items(client, "tools/list")] == ["first_act", "late_act"]
        if standing is not None:
            assert (await standing.message())["method"] == "notifications/tools/list_changed"
        else:
            await client.call("server/discover")


# Changes


@conversation
async def test_a_changed_list_is_announced_and_listed_before_2026(shop, unique):
    for server, act in (("one", "one_act"), ("two", "act")):
        client = await enter(shop, "handshake")
        standing = await client.listen()
        before = await items(client, "tools/list")
        table = offering(server, "handshake").lists
        more = {**table, "tools/list": [*table["tools/list"], {"name": unique, **SCHEMA}]}
        changed = {"method": "notifications/tools/list_changed", "params": {"_meta": {"x": 1}}}
        exchange = await client.play(act, {"set": {"lists": more}}, {"push": changed})
        await exchange.reply()
        heard = await standing.until(lambda m: m["method"] == "notifications/tools/list_changed")
        assert heard["params"] == {"_meta": {"x": 1}}
        after = await items(client, "tools/list")
        name = PREFIXES[server] + unique
        assert [tool for tool in after if tool["name"] == name]
        assert len(after) == len(before) + 1
        await (await client.play(name, {"set": {"lists": table}}, {"push": changed})).reply()
        assert await items(client, "tools/list") == before


@conversation
async def test_a_changed_list_is_announced_and_listed_in_2026(shop, unique):
    for server in ("four", "five"):
        client, silent = await enter(shop, "stateless"), await enter(shop, "stateless")
        since = shop.record(server).mark()
        listening = await client.listen("tools", toolsListChanged=True)
        prompts = await silent.listen("prompts", promptsListChanged=True)
        assert (await listening.message())["params"]["notifications"] == {"toolsListChanged": True}
        assert (await prompts.message())["params"]["notifications"] == {"promptsListChanged": True}
        for _ in range(2):
            await shop.record(server).wait(lambda e: e["event"] == "listening", since)
        before = await items(client, "tools/list")
        table = offering(server, "stateless").lists
        more = {**table, "tools/list": [*table["tools/list"], {"name": unique, **SCHEMA}]}
        stamp = {"_meta": {META + "subscriptionId": "$subscription", "x": 1}}
        changed = {"push": {"method": "notifications/tools/list_changed", "params": stamp}}
        await (await client.play(f"{server}_act", {"set": {"lists": more}}, changed)).reply()
        heard = await listening.message()
        assert heard["params"]["_meta"] == {META + "subscriptionId": "tools", "x": 1}
        after = await items(client, "tools/list")
        assert [tool["name"] for tool in after if tool not in before] == [f"{server}_{unique}"]
        back = {"set": {"lists": table}}
        other = {"push": {"method": "notifications/prompts/list_changed", "params": stamp}}
        await (await client.play(f"{server}_{unique}", back, changed, other)).reply()
        assert await items(client, "tools/list") == before
        heard = await prompts.message()
        assert heard["method"] == "notifications/prompts/list_changed", "tools were not asked for here"
        assert heard["params"]["_meta"][META + "subscriptionId"] == "prompts"


@conversation
async def test_changed_roots_are_told_to_every_server(shop):
    client = await enter(shop, "handshake", capabilities={"roots": {"listChanged": True}})
    since = {server: shop.record(server).mark() for server in ("one", "two", "three")}
    await client.notify("notifications/roots/list_changed")
    for server, mark in since.items():
        await shop.record(server).wait_message("notifications/roots/list_changed", mark)


# Calls at the same time


@eras
@conversation
async def test_equal_progress_tokens_of_two_clients_and_two_servers_keep_apart(shop, era, unique):
    clients = [await enter(shop, era) for _ in range(2)]
    running = []
    for number, client in enumerate(clients):
        for server, act in (("one", "one_act"), ("two", "act"), ("four", "four_act"), ("five", "five_act")):
            word = f"{unique}-{number}-{server}"
            running.append(
                await client.play(
                    act, {"note": word}, {"hold": unique}, progress(7), said(word), _meta={"progressToken": 1}
                )
            )
            await shop.record(server).wait_note(word)
    for server in ("one", "two", "four", "five"):
        shop.record(server).open_gate(unique)
    for exchange, (number, server) in zip(
        running, [(n, s) for n in range(2) for s in ("one", "two", "four", "five")], strict=True
    ):
        *notifications, reply = await exchange.messages()
        assert [m["params"] for m in notifications] == [{"progressToken": 1, "progress": 7}]
        assert texts(reply) == [f"{unique}-{number}-{server}"]


# Long lists


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Two servers of 700 tools each, listed by them in pages of 100; keys for two principals."""
    directory = tmp_path_factory.mktemp("crowd")
    tables = {
        name: Table(
            era=era,
            page=100,
            capabilities={"tools": {}, "prompts": {}},
            lists={
                "tools/list": [{"name": f"tool-{n}", **SCHEMA} for n in range(700)],
                "prompts/list": [{"name": f"prompt-{n}"} for n in range(700)],
            },
        )
        for name, era in (("old", "handshake"), ("new", "stateless"))
    }
    with contextlib.ExitStack() as stack:
        upstreams = [
            stack.enter_context(over_http(directory, "old", tables["old"])),
            over_stdio(directory, "new", tables["new"]),
        ]
        everyone = {"roles": {"all": {"allow": ["*/*"]}}, "grants": []}
        everyone["grants"] = [{"to": f"key:{name}", "role": "all"} for name in ("alice", "bob")]
        yield stack.enter_context(
            gate_before(
                directory, upstreams, keys=["alice", "bob"], access=everyone, identity={"anonymous": False}
            )
        )


@eras
@conversation
async def test_a_long_list_comes_in_pages_without_loss_or_repetition(crowd, era):
    client = await enter(crowd, era, key=crowd.keys["alice"])
    names, cursor, pages = [], None, 0
    while True:
        params = {} if cursor is None else {"cursor": cursor}
        result = (await client.call("tools/list", params))["result"]
        names += [tool["name"] for tool in result["tools"]]
        pages += 1
        cursor = result.get("nextCursor")
        if cursor is None:
            break
        assert not cursor.isdigit()
    assert pages == 3
    assert names == [f"{server}_tool-{n}" for server in ("old", "new") for n in range(700)]


@eras
@conversation
async def test_a_cursor_is_good_only_for_whom_and_what_it_was_given(crowd, era):
    """A naive gateway's cursor is an offset, or a server's own cursor that names no server."""
    alice = await enter(crowd, era, key=crowd.keys["alice"])
    bob = await enter(crowd, era, key=crowd.keys["bob"])
    cursor = (await alice.call("tools/list"))["result"]["nextCursor"]
    assert (await alice.call("tools/list", {"cursor": cursor}))["result"]["tools"]
    changed = ("B" if cursor[0] != "B" else "C") + cursor[1:]
    wrong = [
        (bob, "tools/list", cursor),
        (alice, "prompts/list", cursor),
        (alice, "tools/list", changed),
        (alice, "tools/list", cursor[:-4]),
        (alice, "tools/list", ""),
        (alice, "tools/list", "500"),
        (alice, "tools/list", "at 100"),
        (alice, "tools/list", None),
        (alice, "tools/list", 500),
    ]
    for client, method, each in wrong:
        reply = await client.call(method, {"cursor": each})
        assert reply["error"]["code"] == -32602, (method, each)


# The old transport


class OldClient:
    """HTTP+SSE of 2024-11-05: answers come on the stream that named where to POST."""

    def __init__(self, stream, url):
        self.stream, self.url = stream, url

    @classmethod
    async def open(cls, shop, path, key=""):
        headers = {"Accept": "text/event-stream", "Content-Length": None}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        stream = await Exchange.open(shop.origin + path, "GET", headers)
        first = await stream.event()
        assert first.event == "endpoint"
        assert first.data.startswith("/"), "on the same origin"
        return cls(stream, shop.origin + first.data)

    async def post(self, message, url=None):
        body = encode({"jsonrpc": "2.0", **message})
        exchange = await Exchange.open(url or self.url, "POST", {"Content-Type": "application/json"}, body)
        status = await exchange.head()
        await exchange.close()
        return status

    async def call(self, request_id, method, params):
        assert await self.post({"id": request_id, "method": method, "params": params}) == 202
        return await self.stream.until(lambda m: m.get("id") == request_id and "method" not in m)

    async def initialize(self):
        params = {"protocolVersion": "2024-11-05", "capabilities": {"roots": {}}}
        reply = await self.call(0, "initialize", {**params, "clientInfo": {"name": "old", "version": "0"}})
        assert reply["result"]["protocolVersion"] == "2024-11-05"
        assert await self.post({"method": "notifications/initialized"}) == 202
        return self


@pytest.mark.parametrize(
    ("path", "prefix"), [("/sse", "one_"), ("/mcp", "one_"), ("/mcp/one/sse", ""), ("/mcp/one", "")]
)
@conversation
async def test_a_client_of_2024_is_served_on_its_own_transport(shop, path, prefix, unique):
    old = await (await OldClient.open(shop, path)).initialize()
    reply = await old.call("a", "tools/list", {})
    assert f"{prefix}same" in [tool["name"] for tool in reply["result"]["tools"]]
    assert (await old.call(1, "tools/call", {"name": f"{prefix}same"}))["result"]["from"] == "one"
    # What the server asks and says comes on the same stream.
    steps = [{"ask": {"method": "roots/list", "id": unique}}, progress(1), said("done")]
    call = {"name": f"{prefix}act", "arguments": {"steps": steps}, "_meta": {"progressToken": "t"}}
    assert await old.post({"id": 2, "method": "tools/call", "params": call}) == 202
    asked = await old.stream.message()
    assert asked["method"] == "roots/list"
    assert await old.post({"id": asked["id"], "result": {"roots": []}}) == 202
    assert (await old.stream.message())["params"] == {"progressToken": "t", "progress": 1}
    assert texts(await old.stream.message()) == ["done"]


@conversation
async def test_an_old_session_ends_with_its_stream(shop):
    old, other = await OldClient.open(shop, "/sse"), await OldClient.open(shop, "/sse")
    assert old.url != other.url
    await old.initialize()
    await old.stream.close()
    for _ in range(500):
        status = await old.post({"id": 1, "method": "ping"})
        if status == 404:
            break
        await asyncio.sleep(0.01)
    assert status == 404
    assert await other.post({"id": 1, "method": "ping"}) == 202


@conversation
async def test_an_old_session_is_not_open_to_others(crowd):
    """The session id in the URL names the stream, it does not authenticate; nor does it open other transports."""
    alice = await OldClient.open(crowd, "/sse", crowd.keys["alice"])
    session = alice.url.partition("session_id=")[2]
    body = encode({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    for key, status in (("", 401), (crowd.keys["bob"], 404), (crowd.keys["alice"], 202)):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}" if key else None}
        exchange = await Exchange.open(alice.url, "POST", headers, body)
        assert await exchange.head() == status
    bob = Handshake(crowd.url, key=crowd.keys["bob"], session=session)
    assert await (await bob.post({"jsonrpc": "2.0", "id": 1, "method": "ping"})).head() == 404


# Resumption


@pytest.mark.parametrize("server", ["one", "two"])
@pytest.mark.parametrize("revision", ["2025-03-26", "2025-06-18", "2025-11-25"])
@conversation
async def test_a_broken_stream_is_resumed_after_the_last_event_that_came(shop, server, revision, unique):
    client = await enter(shop, "handshake", f"/mcp/{server}", revision=revision)
    standing = await client.listen()
    sent = [progress(n) for n in range(5)]
    steps = [
        *sent[:2],
        {"note": unique},
        {"hold": unique},
        *sent[2:],
        said("done"),
        {"note": f"{unique} done"},
    ]
    exchange = await client.play("act", *steps, _meta={"progressToken": 1})
    events = []
    while len([e for e in events if e.data]) < 2:
        events.append(await exchange.event())
    if revision == "2025-11-25":
        assert events[0].data == "", "2025-11-25 begins with an event that only has an id"
    ids = [event.id for event in events]
    assert len(set(ids)) == len(ids)
    await exchange.close()
    record = shop.record(server)
    record.open_gate(unique)
    await record.wait_note(f"{unique} done")
    await (await client.play("act", {"push": {"method": "notifications/tools/list_changed"}})).reply()
    resumed = await client.listen(ids[-1])
    heard = await resumed.messages()
    assert [m["params"]["progress"] for m in heard[:-1]] == [2, 3, 4]
    assert texts(heard[-1]) == ["done"]
    again = await client.listen(ids[0])
    assert len(await again.messages()) == (6 if revision == "2025-11-25" else 5), "as often as it takes"
    assert (await standing.message())["method"] == "notifications/tools/list_changed", (
        "each on its own stream"
    )


@conversation
async def test_what_came_while_nobody_listened_is_heard_on_return(shop):
    client = await enter(shop, "handshake", "/mcp/one")
    words = [
        {"push": {"method": "notifications/message", "params": {"level": "info", "data": n}}}
        for n in range(4)
    ]
    await (await client.play("act", words[0])).reply()
    standing = await client.listen()
    assert (await standing.message())["params"]["data"] == 0, "what came before the first listener is kept"
    await (await client.play("act", words[1])).reply()
    event = await standing.event()
    await standing.close()
    await (await client.play("act", *words[2:])).reply()
    resumed = await client.listen(event.id)
    assert [(await resumed.message())["params"]["data"] for _ in range(2)] == [2, 3]
