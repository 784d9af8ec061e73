"""The kill switch from the command line, before a running keepgate."""

import asyncio
import contextlib
import time

from tests.e2e.client import Modern, conversation
from tests.e2e.faults import failed, keepgate, records, texts, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import over_http, over_stdio


@conversation
async def test_a_call_in_flight_ends_and_others_go_on(tmp_path):
    with contextlib.ExitStack() as stack:
        bad = over_stdio(tmp_path, "bad", with_tools("act"))
        good = stack.enter_context(over_http(tmp_path, "good", with_tools("act", era="stateless")))
        gate = stack.enter_context(gate_before(tmp_path, [bad, good]))
        client = await Modern(gate.url).initialize()
        call = await client.play("bad_act", {"note": "running"}, {"hold": "door"})
        await bad.record.wait_note("running")
        done = await asyncio.to_thread(
            keepgate, tmp_path, "quarantine", "add", "server:bad", "--reason", "drift"
        )
        assert done.stdout == "server:bad: quarantined\n"
        begun = time.monotonic()
        answer = await call.reply()
        assert time.monotonic() - begun < 3
        assert failed(answer)
        assert "quarantined" in texts(answer)
        assert not failed(await client.tool("good_act", {"steps": []}))
        assert failed(await client.tool("bad_act", {"steps": []}))
        call = await client.play("good_act", {"note": "too"}, {"hold": "door"})
        await good.record.wait_note("too")
        await asyncio.to_thread(keepgate, tmp_path, "quarantine", "add", "tool:good/act")
        begun = time.monotonic()
        assert "it is quarantined" in texts(await call.reply())
        assert time.monotonic() - begun < 3
        assert "by local:" in keepgate(tmp_path, "quarantine", "list").stdout
        await asyncio.to_thread(keepgate, tmp_path, "quarantine", "remove", "server:bad")

        async def works():
            return not failed(await client.tool("bad_act", {"steps": []}))

        for _ in range(100):
            if await works():
                break
        assert await works()
    ended = [one["verdict"]["reason"] for one in records(tmp_path, "--method", "upstream.failed")]
    assert any("it is quarantined" in reason for reason in ended)
    events = [record["method"] for record in records(tmp_path) if record["kind"] == "event"]
    assert {"quarantine.added", "quarantine.removed", "quarantine.changed"} <= set(events)
