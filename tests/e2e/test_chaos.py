"""Everything goes wrong at once: nobody gets another's answer, nothing is left behind, and who works, works."""

import asyncio
import contextlib
import os
import random
import signal
import sys

import psutil
import pytest

from tests.e2e import chaos
from tests.e2e.chaos import Score, Server, calling, descriptors, vanish
from tests.e2e.client import FRONTS, Handshake, Modern, conversation
from tests.e2e.faults import alive, failed, nobody_left, records, until, verified, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.test_faults_orphans import FAMILY
from tests.e2e.upstreams.start import Upstream, over_http, over_stdio

SECONDS = 6.0
BAD = {
    "hung": ("stateless", chaos.hangs),
    "cut": ("stateless", chaos.cuts),
    "cut-stream": ("handshake", chaos.cuts_stream),
    "slow": ("handshake", chaos.trickles),
    "garbage": ("stateless", chaos.garbles),
    "forgetful": ("handshake", chaos.forgets),
}
ALWAYS = ("good-http", "good-pipe")
HEALED = ("slow", "forgetful")
"""What they do wrong can be made good: no call of theirs may fail."""


async def assassin(token, until_then):
    """Kills processes that carry the token, again and again."""
    loop = asyncio.get_running_loop()
    killed = 0
    while loop.time() < until_then:
        for process in alive(token):
            with contextlib.suppress(psutil.Error):
                # Not the reaper: it is keepgate's own.
                if "reaper" not in " ".join(process.cmdline()):
                    process.send_signal(signal.SIGKILL)
                    killed += 1
        await asyncio.sleep(0.25)
    return killed


@conversation
async def test_when_servers_are_killed_hang_cut_trickle_garble_and_forget_the_others_do_not_notice(tmp_path):
    token = f"kg-chaos-{os.getpid()}"
    random.seed(7)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(nobody_left(token))
        upstreams = []
        for name, (era, misbehave) in BAD.items():
            server = await stack.enter_async_context(Server(era, misbehave).running())
            upstreams.append(server.upstream(name, timeout=20 if name in HEALED else 1.5))
        good = await stack.enter_async_context(Server("stateless").running())
        upstreams.append(good.upstream("good-http"))
        kin = [sys.executable, "-S", "-E", str(FAMILY)]
        upstreams.append(Upstream("killed", "stdio", None, None, {"command": [*kin, "gentle", token]}))
        echo = with_tools("act", era="handshake")
        upstreams.append(over_stdio(tmp_path, "good-pipe", echo))
        gate = stack.enter_context(gate_before(tmp_path, upstreams))
        rest = descriptors(gate.process.process)

        scores = {upstream.id: Score() for upstream in upstreams}
        clients = [
            (await front(gate.mount(upstream.id)).initialize(), upstream.id)
            for upstream in upstreams
            for front in FRONTS.values()
        ]
        ends = asyncio.get_running_loop().time() + SECONDS
        calls = [_calls(client, name, scores, ends) for client, name in clients for _ in range(2)]
        killed, *_ = await asyncio.gather(assassin(token, ends), *calls)

        assert killed > 3
        for name, score in scores.items():
            assert not score.wrong, f"{name} gave another's answer: {score.wrong[:2]}"
        for name in (*ALWAYS, *HEALED):
            score = scores[name]
            assert not score.failed, f"{name}: {score.said}"
            assert score.right > 10, name
        for name in ("hung", "cut-stream"):
            assert not scores[name].right
        said = {name: list(score.said) for name, score in scores.items() if score.failed}
        assert all(f"`{name}`" in text for name, texts in said.items() for text in texts), said

        for process in alive(token):
            process.send_signal(signal.SIGKILL)
        status = await asyncio.to_thread(gate.process.stop)
        assert status == 0, gate.process.output()[-2000:]
        await until(lambda: not alive(token), "no process is left")
        assert rest > 0
    assert "ok" in verified(tmp_path) or verified(tmp_path)


async def _calls(client, name, scores, ends):
    if name in ("killed", "good-pipe"):  # they do not say the nonce back
        loop = asyncio.get_running_loop()
        while loop.time() < ends:
            reply = await client.tool("act")
            if failed(reply):
                scores[name].failed += 1
                text = reply.get("error", {}).get("message") or reply["result"]["content"][0]["text"]
                scores[name].said[text[:150]] += 1
            else:
                scores[name].right += 1
            await asyncio.sleep(0.01)
    else:
        await calling(client, "act", scores[name], ends)


@conversation
async def test_clients_that_vanish_leave_nothing_behind(tmp_path):
    """Mid-call and mid-stream, in both eras: not a descriptor, not a count of calls in flight, not a call running."""
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(over_http(tmp_path, f"{era[:2]}-http", with_tools("act", era=era)))
            for era in FRONTS
        ]
        servers.append(over_stdio(tmp_path, "st-stdio", with_tools("act", era="stateless")))
        # The principal may have few calls in flight: one that is not counted off would be missed.
        limits = {"concurrent_calls": 40, "call_timeout": 20}
        gate = stack.enter_context(gate_before(tmp_path, servers, limits=limits))
        pid = gate.process.process
        clients = [
            (await FRONTS[era](gate.mount(server.id)).initialize(), server)
            for server in servers
            for era in FRONTS
        ]
        for client, _ in clients:
            assert not failed(await client.tool("act"))
        rest = descriptors(pid)
        beat = {
            "beat": {"method": "notifications/progress", "params": {"progressToken": "$token", "progress": 1}}
        }
        for turn in range(6):
            left = []
            for number, (client, _) in enumerate(clients):
                streaming = (turn + number) % 2
                steps = [beat] if streaming else [{"hold": f"never-{turn}-{number}"}]
                exchange = await client.play(
                    "act", {"note": f"run-{turn}-{number}"}, *steps, _meta={"progressToken": f"t{number}"}
                )
                if streaming:
                    await exchange.head()
                left.append((client, exchange))
            for number, (_, server) in enumerate(clients):
                await server.record.wait_note(f"run-{turn}-{number}")
            for client, exchange in left:
                vanish(exchange)
                if isinstance(client, Handshake):  # for them going away is no cancellation
                    await client.notify("notifications/cancelled", {"requestId": client.next_id - 1})
        for client, _ in clients:
            replies = await asyncio.gather(*(client.tool("act") for _ in range(39)))
            assert not [reply for reply in replies if failed(reply)]
        stopped = [
            f"never-{turn}-{number}"
            for turn in range(6)
            for number in range(len(clients))
            if not (turn + number) % 2
        ]
        notes = [note for server in servers for note in server.record.notes()]
        assert {f"cancelled at {word}" for word in stopped} <= {
            n for n in notes if n.startswith("cancelled")
        } | {f"cancelled at {word}" for word in _dropped(servers)}
        # What is kept for the next call may stay open, the clients' own connections may not.
        await until(lambda: descriptors(pid) <= rest + 90, f"descriptors: {rest} before")
        await asyncio.sleep(0)


def _dropped(servers):
    """Gates at which a call waited whose HTTP connection was closed: that is its cancellation, and its end."""
    gone = [e for server in servers for e in server.record.all() if e["event"] == "disconnect"]
    ids = {e["id"] for e in gone}
    found = []
    for server in servers:
        for message in server.record.messages("tools/call"):
            steps = message["params"].get("arguments", {}).get("steps", [])
            if message["id"] in ids:
                found += [step["hold"] for step in steps if "hold" in step]
    return found


MANY = 500


@pytest.mark.timeout(120)
def test_a_thousand_idle_event_streams_are_held_and_dropped(tmp_path):
    """Half of them standing streams of sessions, half of them listens: calls go on beside them, all is let go after."""
    asyncio.run(asyncio.wait_for(_thousand(tmp_path), 110))


async def _thousand(tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        old = await stack.enter_async_context(Server("handshake").running())
        new = await stack.enter_async_context(Server("stateless").running())
        upstreams = [old.upstream("old"), new.upstream("new")]
        limits = {"subscriptions": 2 * MANY, "sessions": 2 * MANY}
        gate = stack.enter_context(gate_before(tmp_path, upstreams, limits=limits))
        pid = gate.process.process
        warm = [await FRONTS[era](gate.mount(one.id)).initialize() for one in upstreams for era in FRONTS]
        for client in warm:
            assert not failed(await client.tool("act"))
        rest, memory = descriptors(pid), psutil.Process(pid.pid).memory_info().rss

        sessions, standing, listens = [], [], []
        for start in range(0, MANY, 50):
            opened = await asyncio.gather(*(Handshake(gate.mount("old")).initialize() for _ in range(50)))
            sessions += opened
            standing += await asyncio.gather(*(session.listen() for session in opened))
            listens += await asyncio.gather(
                *(Modern(gate.mount("new")).listen(start + n, toolsListChanged=True) for n in range(50))
            )
        for listen in listens:
            assert (await listen.message())["method"] == "notifications/subscriptions/acknowledged"
        assert descriptors(pid) >= rest + 4 * MANY * 0.95, "each has its own upstream stream"
        score = Score()
        ends = asyncio.get_running_loop().time() + 2
        await asyncio.gather(*(calling(client, "act", score, ends) for client in warm))
        assert not score.failed, score.said
        assert not score.wrong
        assert score.right > 50

        for exchange in (*standing, *listens):
            vanish(exchange)
        for start in range(0, MANY, 50):
            statuses = await asyncio.gather(*(one.end() for one in sessions[start : start + 50]))
            assert set(statuses) == {200}
        await until(lambda: descriptors(pid) <= rest + 100, f"{rest} descriptors before", 40)
        assert psutil.Process(pid.pid).memory_info().rss < memory + (150 << 20)
        await until(
            lambda: not old.sessions or len(old.sessions) <= 4, "sessions are ended at the server", 40
        )
        for client in warm:
            assert not failed(await client.tool("act"))
        assert not records(tmp_path, "--method", "internal.error")
