"""A server process: its messages, its bad habits, its environment, its end."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.connect import StdioConnector
from keepgate.transports.upstream_stdio import ProcessSpec, StdioLimits
from tests.transports.http_peer import PATIENCE
from tests.transports.upstreams import Recorder, gone, on_both_loops, started

linux = pytest.mark.skipif(sys.platform != "linux", reason="descendants are found through /proc")

ECHO = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""
DEAF = """
import json, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: print(json.dumps({"term": 1}), flush=True))
print(json.dumps({"pid": os.getpid(), "parent": os.getppid()}), flush=True)
while True:
    signal.pause()
"""
SPAWNS = """
import json, os, signal, subprocess, sys
def spawn():
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(w, b"%d" % os.getpid())
            while True: signal.pause()
        os._exit(0)
    os.wait()
    return int(os.read(r, 20))
child = subprocess.Popen(["sleep", "1000"], stdin=0, stdout=2)
pids = {"pid": os.getpid(), "parent": os.getppid(), "child": child.pid, "daemon": spawn()}
print(json.dumps(pids), flush=True)
sys.stdin.read()
"""


def python(script, **spec):
    limits = spec.pop("limits", StdioLimits(term_after=0.3, kill_after=0.3))
    command = [sys.executable, "-c", script, *spec.pop("arguments", ())]
    return StdioConnector(ProcessSpec(command, limits=limits, **spec))


async def said(sink):
    return json.loads(await sink.message_next())


@on_both_loops
async def test_messages_go_both_ways_whole_and_in_order():
    channel, sink = await started(python(ECHO))
    texts = [
        json.dumps({"n": n, "text": "ü\u2028" * n}, ensure_ascii=False).encode() for n in (1, 2, 100_000, 3)
    ]
    answers = Recorder()
    for text in texts[:2]:
        stream = channel.request(text, {"ignored": "on stdio"}, answers)
    for text in texts[2:]:
        await channel.notify(text, {})
    assert [await sink.message_next() for _ in texts] == texts
    stream.finished()
    stream.cancel()
    channel.listen({})
    await channel.close()
    assert sink.heard.empty()
    assert answers.heard.empty()


@on_both_loops
async def test_a_message_with_a_line_break_is_never_written():
    channel, _ = await started(python(ECHO))
    for payload in (b'{"a":\n1}', b'{"a":\r1}'):
        with pytest.raises(UpstreamError, match="line break"):
            await channel.notify(payload, {})
        answers = Recorder()
        channel.request(payload, {}, answers)
        assert answers.heard.empty()  # nothing is heard before `request` returns
        assert (await answers.next("closed")).kind == "protocol"
    await channel.close()


@pytest.mark.parametrize(
    ("command", "cwd", "cure"),
    [
        ("no-such-command-here", None, "was not found on PATH: install it"),
        ("/no/such/file", None, "does not exist"),
        ("./plain", "", "chmod"),
        ("true", "/no/such/directory", "create it or correct `cwd`"),
        ("with\0nul", None, "holds a NUL"),
    ],
)
@on_both_loops
async def test_what_cannot_be_started_is_named_with_its_cure(command, cwd, cure, tmp_path):
    (tmp_path / "plain").write_text("not a program")
    (tmp_path / "plain").chmod(0o600)
    cwd = str(tmp_path) if cwd == "" else cwd
    with pytest.raises(UpstreamError, match=cure) as caught:
        await started(StdioConnector(ProcessSpec([command], cwd=cwd)))
    assert caught.value.kind == "unreachable"
    assert caught.value.retryable


def test_a_start_that_fails_leaves_nothing_open():
    async def scenario():
        before = len(os.listdir("/dev/fd"))
        with pytest.raises(UpstreamError, match="cannot be started"):
            await started(StdioConnector(ProcessSpec(["true", "x" * 3_000_000])))
        assert len(os.listdir("/dev/fd")) == before

    asyncio.run(scenario())  # uvloop closes its pipes only when they are collected


@on_both_loops
async def test_there_is_no_shell():
    script = "import json, sys; print(json.dumps(sys.argv[1:]), flush=True); sys.stdin.read()"
    words = ["$HOME", "; echo x", "`id`", "*", "a b"]
    channel, sink = await started(python(script, arguments=words))
    assert await said(sink) == words
    await channel.close()


@on_both_loops
async def test_the_environment_holds_what_is_needed_or_named(monkeypatch):
    monkeypatch.setenv("KEEPGATE_TEST_SECRET", "s")
    monkeypatch.setenv("KEEPGATE_TEST_NAMED", "n")
    monkeypatch.setenv("UV_CACHE_DIR", "/c")
    monkeypatch.setenv("UV_PUBLISH_TOKEN", "t")
    script = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"
    channel, sink = await started(
        python(script, pass_env=["KEEPGATE_TEST_NAMED"], env={"OWN": "o", "LANG": "C"})
    )
    env = await said(sink)
    assert env["PATH"] == os.environ["PATH"]
    assert (env["OWN"], env["LANG"], env["KEEPGATE_TEST_NAMED"], env["UV_CACHE_DIR"]) == ("o", "C", "n", "/c")
    assert not {"KEEPGATE_TEST_SECRET", "UV_PUBLISH_TOKEN"} & set(env)
    await channel.close()


@linux
@on_both_loops
async def test_it_starts_with_three_descriptors_default_signals_and_a_session_of_its_own():
    script = """
import json, os, signal, sys
fds = sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1]
ignored = [line.split()[1] for line in open("/proc/self/status") if line.startswith("SigIgn")]
print(json.dumps([fds, ignored, os.getppid(), os.getpgrp(), os.getsid(0)]), flush=True)
sys.stdin.read()
"""
    raw = [sys.executable, "-c", script]
    channel, sink = await started(StdioConnector(ProcessSpec(raw)))
    fds, ignored, parent, group, session = await said(sink)
    assert parent == group == session
    assert fds == [0, 1, 2]
    # Python ignores two by itself. What whoever started us had ignored besides, any program inherits.
    own = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    status = Path("/proc/self/status").read_text().splitlines()
    inherited = int(next(line.split()[1] for line in status if line.startswith("SigIgn")), 16)
    assert int(ignored[0], 16) & ~inherited | own == own
    await channel.close()


@on_both_loops
async def test_stderr_is_forwarded_escaped_and_its_tail_kept():
    lines = []
    script = "import sys; sys.stderr.write('plain\\n\\x1b[31mred \\u202e\\nlast'); sys.exit(3)"
    _, sink = await started(python(script, on_stderr=lines.append, env={"PYTHONIOENCODING": "utf-8"}))
    failure = await sink.next("closed")
    assert lines == ["plain", "\\x1b[31mred \\u202e"]
    assert failure.kind == "closed"
    assert "status 3" in failure.public
    assert "last" in failure.private
    assert "last" not in failure.public


@on_both_loops
async def test_garbage_is_dropped_and_reported():
    lines = []
    script = ECHO + "print('bye')"
    channel, sink = await started(
        python("print('Listening…', flush=True)\n" + script, on_garbage=lines.append)
    )
    await channel.notify(b'{"a":1}', {})
    assert await said(sink) == {"a": 1}
    assert len(lines) == 1
    assert "`Listening…`" in lines[0]
    await channel.close()


@on_both_loops
async def test_too_much_garbage_in_a_row_ends_the_channel_and_shows_the_line():
    limits = StdioLimits(garbage=3)
    script = "import signal\nfor n in (1, 2): print('one', '[]', sep='\\n', flush=True)\n"
    script += "for n in (1, 2, 3): print('\\x1b[2J' + 'x' * 500, flush=True)\nsignal.pause()"
    lines = []
    _, sink = await started(python(script, limits=limits, on_garbage=lines.append))
    assert [await sink.message_next() for _ in (1, 2)] == [b"[]", b"[]"]
    failure = await sink.next("closed")
    assert len(lines) == 5
    assert failure.kind == "protocol"
    assert "\\x1b[2Jxxx" in failure.private, "for the log: no guard has looked at it"
    assert "xxx" not in failure.public
    assert len(failure.private) < 400


@pytest.mark.parametrize("end", ["''", "'\\n'"])
@on_both_loops
async def test_an_endless_line_ends_the_channel(end):
    script = f"import sys\nwhile True: sys.stdout.write('{{' * 100_000 + {end})"
    _, sink = await started(python(script, limits=StdioLimits(line=99_999)))
    assert (await sink.next("closed")).kind == "too-large"


@on_both_loops
async def test_after_its_end_nothing_can_be_sent():
    channel, sink = await started(python("print('{}')"))
    assert await said(sink) == {}
    failure = await sink.next("closed")
    assert "status 0" in failure.public
    answers = Recorder()
    channel.request(b"{}", {}, answers)
    assert await answers.next("closed") is failure
    with pytest.raises(UpstreamError):
        await channel.notify(b"{}", {})
    await channel.close()
    assert sink.heard.empty()


@on_both_loops
async def test_a_channel_that_was_not_opened_sends_nothing_and_closes():
    channel = python(ECHO).channel(era="handshake")
    with pytest.raises(UpstreamError, match="not running"):
        await channel.notify(b"{}", {})
    await channel.close()


@on_both_loops
async def test_a_server_that_does_not_read_is_not_written_to_without_end():
    channel, sink = await started(
        python(DEAF, limits=StdioLimits(queued=1 << 20, term_after=0.1, kill_after=0.1))
    )
    await said(sink)
    with pytest.raises(UpstreamError) as caught:
        for _ in range(100):
            await channel.notify(b"{" + b" " * 100_000 + b"}", {})
    assert caught.value.kind == "overloaded"
    assert caught.value.retryable
    await channel.close()


@on_both_loops
async def test_a_server_that_closed_its_stdout_is_ended():
    script = DEAF.replace("while True", "os.close(1)\nwhile True")
    _, sink = await started(python(script))
    pid = (await said(sink))["pid"]
    assert "closed its stdout" in (await sink.next("closed")).public
    await gone(pid)


@linux
@on_both_loops
async def test_closing_asks_first_and_then_makes_sure():
    polite, sink = await started(python(ECHO + "print('{}', flush=True)"))
    await polite.close()
    assert sink.heard.empty()

    deaf, sink = await started(python(DEAF))
    pids = (await said(sink)).values()
    await deaf.close()
    await gone(*pids)


@linux
@on_both_loops
async def test_whatever_it_started_ends_with_it():
    for end in ("close", "exit", "kill"):
        channel, sink = await started(python(SPAWNS))
        pids = await said(sink)
        if end == "close":
            await channel.close()
        else:
            os.kill(pids["pid"], signal.SIGTERM if end == "exit" else signal.SIGKILL)
            assert f"status {128 + (15 if end == 'exit' else 9)}" in (await sink.next("closed")).public
        await gone(*pids.values())


@linux
@on_both_loops
async def test_killing_the_reaper_leaves_no_server_behind():
    channel, sink = await started(python(SPAWNS))
    pids = await said(sink)
    os.kill(pids["parent"], signal.SIGKILL)
    assert (await sink.next("closed")).kind == "closed"
    await gone(*pids.values())  # what detached itself from group and parent included
    await channel.close()


KEEPGATE = """
import asyncio, sys
from keepgate.transports.upstream_stdio import ProcessChannel, ProcessSpec
class Sink:
    def message(self, raw, event_id=None): print(raw.decode(), flush=True)
    def closed(self, failure): print(failure, flush=True)
async def main():
    channel = ProcessChannel(ProcessSpec(sys.argv[1:]))
    await channel.open(Sink())
    await asyncio.Event().wait()
asyncio.run(main())
"""


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_survives_its_gateway(how):
    async def scenario():
        gateway = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", KEEPGATE, sys.executable, "-c", SPAWNS),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        async with asyncio.timeout(PATIENCE):
            pids = json.loads(await gateway.stdout.readline())
        gateway.send_signal(how)
        await gateway.wait()
        await gone(*pids.values())

    asyncio.run(scenario())


SDK = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("peer")
@server.tool()
def add(a: int, b: int) -> int:
    return a + b
server.run()
"""


@on_both_loops
async def test_a_server_of_the_official_sdk_answers():
    channel, sink = await started(python(SDK, limits=StdioLimits()))

    async def ask(number, method, params):
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        channel.request(json.dumps(request).encode(), {}, sink)
        answer = await said(sink)
        assert answer["id"] == number
        return answer["result"]

    client = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "0"},
    }
    assert (await ask(1, "initialize", client))["serverInfo"]["name"] == "peer"
    await channel.notify(b'{"jsonrpc":"2.0","method":"notifications/initialized"}', {})
    result = await ask(2, "tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}})
    assert result["structuredContent"] == {"result": 5}
    await channel.close()
