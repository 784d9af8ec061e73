"""Ending and changing a running keepgate: what is in flight is finished, a valid change counts at once, a wrong one
never."""

import asyncio
import contextlib
import functools
import json
import signal

import pytest

from tests.e2e.client import FRONTS, Pipe, conversation
from tests.e2e.faults import failed, keepgate, records, until, verified, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import over_http, over_stdio
from tests.support import processes

ERAS = ["handshake", "stateless"]
eras = pytest.mark.parametrize("era", ERAS)


# Ending


@pytest.mark.parametrize(
    ("era", "transport"), [("handshake", "stdio"), ("handshake", "http"), ("stateless", "http")]
)
@conversation
async def test_a_graceful_shutdown_finishes_the_calls_in_flight(tmp_path, era, transport):
    with contextlib.ExitStack() as stack:
        table = with_tools("act", era=era)
        if transport == "http":
            server = stack.enter_context(over_http(tmp_path, "server", table))
        else:
            server = over_stdio(tmp_path, "server", table)
        gate = stack.enter_context(gate_before(tmp_path, [server]))
        client = await FRONTS[era](gate.mount("server")).initialize()
        calls = [await client.play("act", {"note": f"n{n}"}, {"hold": "door"}) for n in range(3)]
        for number in range(3):
            await server.record.wait_note(f"n{number}")

        gate.process.process.send_signal(signal.SIGTERM)
        await until(lambda: not listens(gate), "no new connection is accepted")
        assert gate.process.process.poll() is None
        server.record.open_gate("door")
        for call in calls:
            assert not failed(await call.reply())
        assert await asyncio.to_thread(gate.process.process.wait, 20) == 0
    verified(tmp_path)
    found = records(tmp_path)
    assert [record["method"] for record in found if record["kind"] == "event"][-1] == "stop"
    assert len([record for record in found if record["method"] == "tools/call"]) == 3


def listens(gate):
    import socket

    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", int(gate.origin.rpartition(":")[2])), timeout=1).close()
        return True
    return False


@conversation
async def test_the_stdio_front_finishes_the_calls_in_flight_when_its_input_ends(tmp_path):
    server = over_stdio(tmp_path, "pipe", with_tools("act"))
    config = processes.allow_all(0, tmp_path, {"pipe": server.entry})
    del config["listen"]
    config["access"]["grants"] = [{"to": "key:laptop", "role": "all"}]
    file = processes.write_config(tmp_path / "keepgate.yaml", config)
    key = keepgate(tmp_path, "keys", "create", "laptop").stdout.strip()
    words = [*processes.KEEPGATE, "stdio", "--key-env", "LAPTOP", "--config", str(file)]
    env = {**processes.clean_env(tmp_path), "LAPTOP": key}
    async with Pipe.start(*words, log=tmp_path / "front.log", env=env) as pipe:
        await pipe.initialize()
        steps = [{"note": "running"}, {"hold": "door"}]
        number = pipe.start_request("tools/call", {"name": "pipe_act", "arguments": {"steps": steps}})
        await server.record.wait_note("running")
        pipe.process.stdin.close()
        server.record.open_gate("door")
        reply = await pipe.until(lambda message: message.get("id") == number)
        assert not failed(reply)
        assert await asyncio.wait_for(pipe.process.wait(), 20) == 0
    verified(tmp_path)


@conversation
async def test_a_shutdown_does_not_wait_for_standing_streams(tmp_path):
    server = over_stdio(tmp_path, "hs", with_tools("act"))
    other = over_stdio(tmp_path, "sl", with_tools("act", era="stateless"))
    with gate_before(tmp_path, [server, other]) as gate:
        old = await FRONTS["handshake"](gate.mount("hs")).initialize()
        stream = await old.listen()
        listening = await FRONTS["stateless"](gate.mount("sl")).listen(toolsListChanged=True)
        assert "acknowledged" in (await listening.message())["method"]
        gate.process.process.send_signal(signal.SIGTERM)
        assert await stream.message() is None
        assert (await listening.messages())[-1]["result"]["resultType"] == "complete"
        assert await asyncio.to_thread(gate.process.process.wait, 9) == 0, "in less than the grace of calls"


# Changing


async def until_so(ask, wanted, patience=15.0):
    """Ask until the answer is as wanted."""
    deadline = asyncio.get_running_loop().time() + patience
    while (found := await ask()) != wanted:
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)


ACCESS = {
    "roles": {"user": {"allow": ["*/read"]}},
    "grants": [{"to": "anonymous", "role": "user"}],
}


def change(gate, how):
    """Write the configuration anew, as an editor does: another file that takes the name."""
    file = gate.directory / "keepgate.yaml"
    config = json.loads(file.read_text())
    how(config)
    processes.write_config(file.with_suffix(".new"), config).replace(file)


def allow(*patterns):
    def how(config):
        config["access"]["roles"]["user"]["allow"] = list(patterns)

    return how


async def names(client):
    return [tool["name"] for tool in (await client.call("tools/list"))["result"]["tools"]]


@contextlib.contextmanager
def restricted(directory, era):
    server = over_stdio(directory, "files", with_tools("read", "write", era=era))
    with gate_before(directory, [server], access=ACCESS) as gate:
        yield gate


async def ear(client, era):
    """A stream on which this client hears that lists have changed."""
    if era == "handshake":
        return await client.listen()
    stream = await client.listen(toolsListChanged=True, promptsListChanged=True)
    await stream.message()
    return stream


@eras
@conversation
async def test_a_changed_role_counts_at_once_and_clients_hear_of_it(tmp_path, era):
    with restricted(tmp_path, era) as gate:
        client = await FRONTS[era](gate.mount("files")).initialize()
        stream = await ear(client, era)
        assert await names(client) == ["read"]
        hidden = await client.tool("write")
        assert hidden["error"]["code"] == -32602

        change(gate, allow("*/read", "*/write"))
        await asyncio.wait_for(
            stream.until(lambda m: m.get("method") == "notifications/tools/list_changed"), 15
        )
        assert await names(client) == ["read", "write"]
        assert not failed(await client.tool("write"))

        change(gate, allow("*/write"))
        await asyncio.wait_for(
            stream.until(lambda m: m.get("method") == "notifications/tools/list_changed"), 15
        )
        assert await names(client) == ["write"]
        assert failed(await client.tool("read")), "what was taken away is gone at once"
        assert "reloaded" in gate.process.output()
    policies = {record["policy"] for record in records(tmp_path) if record["method"] == "tools/call"}
    assert len(policies) == 3, "each record names the policy that decided"


WRONG = {
    "not YAML": (lambda text: "access: [", "keepgate.yaml:1:"),
    "an unknown key": (lambda text: text.replace('"roles"', '"rolls"'), "rolls"),
    "an unknown role": (lambda text: text.replace('"role": "user"', '"role": "usr"'), "unknown role `usr`"),
    "an unknown server": (lambda text: text.replace('"*/read"', '"filse/read"'), "unknown server `filse`"),
    "an empty file": (lambda text: "", "keepgate.yaml"),
    "no file": (None, "No such file"),
}


def stays(gate, since):
    return "the last good one stays" in gate.process.output()[since:]


@conversation
async def test_an_invalid_change_keeps_the_last_good_configuration_and_says_why(tmp_path):
    with restricted(tmp_path, "handshake") as gate:
        client = await FRONTS["handshake"](gate.mount("files")).initialize()
        file = gate.directory / "keepgate.yaml"
        text = file.read_text()
        for wrong, (edit, word) in WRONG.items():
            before = len(gate.process.output())
            if edit is None:
                file.unlink()
            else:
                file.write_text(edit(text))
            await until(functools.partial(stays, gate, before), f"it says that the change is wrong: {wrong}")
            said = gate.process.output()[before:].partition("the last good one stays")[2]
            assert word in said, (wrong, said)
            assert await names(client) == ["read"]
            assert not failed(await client.tool("read"))

        # And it still follows: the next valid change is used.
        file.write_text(text)
        change(gate, allow("*/write"))
        await until(lambda: "reloaded" in gate.process.output(), "the valid change is used")
        assert await names(client) == ["write"]
        assert "Traceback" not in gate.process.output()


@eras
@conversation
async def test_a_server_that_is_added_joins_running_sessions(tmp_path, era):
    first = over_stdio(tmp_path, "one", with_tools("act", era=era))
    second = over_stdio(tmp_path, "two", with_tools("act", era=era))
    with gate_before(tmp_path, [first]) as gate:
        client = await FRONTS[era](gate.url).initialize()
        assert await names(client) == ["one_act"]
        change(gate, lambda config: config["servers"].update(two=second.entry))

        await until_so(lambda: names(client), ["one_act", "two_act"])
        assert not failed(await client.tool("two_act"))
        change(gate, lambda config: config["servers"].pop("one"))
        await until(lambda: gate.process.output().count("reloaded") == 2, "the removal is used")
        assert await names(client) == ["two_act"]
        assert "error" in await client.tool("one_act")


@conversation
async def test_what_only_a_restart_can_change_is_said(tmp_path):
    with restricted(tmp_path, "handshake") as gate:
        change(gate, lambda config: config.update(durability="sync"))
        await until(lambda: "a restart is needed for: durability" in gate.process.output(), "it says so")


@conversation
async def test_a_key_made_or_revoked_counts_without_a_restart(tmp_path):
    server = over_stdio(tmp_path, "files", with_tools("read"))
    access = {"roles": ACCESS["roles"], "grants": [{"to": "key:laptop", "role": "user"}]}
    with gate_before(tmp_path, [server], access=access, identity={"anonymous": False}) as gate:
        made = await asyncio.to_thread(keepgate, tmp_path, "keys", "create", "laptop")
        key = made.stdout.strip()
        client = await FRONTS["handshake"](gate.mount("files"), key=key).initialize()
        assert not failed(await client.tool("read"))
        done = await asyncio.to_thread(keepgate, tmp_path, "keys", "revoke", "laptop")
        assert done.returncode == 0, done.stderr

        async def status():
            return await (await client.start("tools/call", {"name": "read"})).head()

        await until_so(status, 401)
