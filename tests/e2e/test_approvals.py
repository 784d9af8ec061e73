"""Approvals through the client's own form before a running keepgate: both eras, over a restart, and elsewhere."""

import contextlib
import json

from tests.e2e.client import Handshake, Modern, conversation
from tests.e2e.faults import failed, keepgate, records, started_again, texts, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import over_http

KEY = "dev.keepgate/approval"
YES = {"action": "accept", "content": {"approve": True}}
ASKING = {
    "roles": {"clerk": {"ask": ["*/*"]}},
    "grants": [{"to": "anonymous", "role": "clerk"}],
}


def calls(gate, server):
    return len(gate.record(server).messages("tools/call"))


@conversation
async def test_the_client_is_asked_in_both_eras_and_a_restart_forgets_nothing(tmp_path):
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(over_http(tmp_path, era, with_tools("act", era=era)))
            for era in ("handshake", "stateless")
        ]
        approvals = {"elicit": ["handshake/*", "stateless/*"]}
        flow = {"trifecta": "ignore"}
        before = stack.enter_context(contextlib.ExitStack())
        gate = before.enter_context(
            gate_before(tmp_path, servers, access=ASKING, approvals=approvals, flow=flow)
        )

        # A session: asked on the stream of its call, which waits.
        client = await Handshake(gate.mount("handshake"), capabilities={"elicitation": {}}).initialize()
        assert [tool["name"] for tool in (await client.call("tools/list"))["result"]["tools"]] == ["act"]
        call = await client.start("tools/call", {"name": "act", "arguments": {"note": "one"}})
        asked = await call.until(lambda message: message.get("method") == "elicitation/create")
        assert '"note": "one"' in asked["params"]["message"]
        assert calls(gate, "handshake") == 0
        await client.answer(asked["id"], result=YES)
        assert not failed(await call.until(lambda message: "result" in message))
        assert calls(gate, "handshake") == 1

        # A stateless client: asked by the reply; it answers after keepgate was started anew.
        modern = Modern(gate.mount("stateless"), capabilities={"elicitation": {}})
        await modern.call("tools/list")
        arguments = {"note": "two"}
        result = (await modern.tool("act", arguments))["result"]
        assert list(result["inputRequests"]) == [KEY]
        retry = {"requestState": result["requestState"], "inputResponses": {KEY: YES}}
        before.close()
        stack.enter_context(started_again(tmp_path))
        other = await modern.tool("act", {"note": "three"}, **retry)
        assert other["error"]["code"] == -32602
        assert not failed(await modern.tool("act", arguments, **retry))
        again = (await modern.tool("act", arguments, **retry))["result"]
        assert again.get("isError") or again["resultType"] == "input_required"
        assert calls(gate, "stateless") == 1

        # One that cannot be asked is told how, and nothing but a person at a terminal does it.
        plain = Modern(gate.mount("stateless"))
        answer = await plain.tool("act", {"note": "four"})
        assert failed(answer)
        assert "keepgate approvals approve" in texts(answer)
        waiting = keepgate(tmp_path, "approvals", "list").stdout
        assert waiting.count("pending") >= 1
        assert calls(gate, "stateless") == 1
    given = [one for one in records(tmp_path) if one["method"] == "approval.given"]
    assert len(given) == 2
    assert all("as its client says" in json.dumps(one) for one in given)
