"""A handshake server asks in the middle of a call, and its client is of 2026-07-28: the call is parked, and taken up
again by the client's next request. Whoever comes with another's handle, or a used or altered one, gets nothing."""

import asyncio

import pytest

from tests.e2e.client import META, Modern, conversation
from tests.e2e.survey import DECLARED, QUESTIONS
from tests.e2e.talk import progress, said, texts

SERVERS = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
ROOTS = {"method": "roots/list"}
FORM = {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": {"type": "object"}}}
YES = {"action": "accept", "content": {"name": "zoe"}}
INVALID = -32602


def asking(everything, server, **options):
    return Modern(everything.mount(server), capabilities=DECLARED, **options)


async def ask(client, *steps, **params):
    """A call of which the server asks something: the `input_required` result."""
    result = (await client.tool("act", {"steps": list(steps)}, **params))["result"]
    assert result["resultType"] == "input_required", result
    return result


async def retry(client, asked, *steps, responses=None, **params):
    """The same call again, with an answer to each question, or with these."""
    if responses is None:
        responses = dict.fromkeys(asked["inputRequests"], YES)
    params = {"inputResponses": responses, "requestState": asked["requestState"], **params}
    return await client.tool("act", {"steps": list(steps)}, **params)


def answer_to(record, request_id):
    return next(m for m in record.messages() if m.get("id") == request_id and "method" not in m)


# What is asked and what is answered


@pytest.mark.parametrize("question", QUESTIONS)
@SERVERS
@conversation
async def test_a_question_and_its_answer_arrive_as_they_were_sent(everything, server, question, unique):
    method, params, answer = QUESTIONS[question]
    client, record = asking(everything, server), everything.record(server)
    steps = [{"ask": {"method": method, "params": params, "id": unique, "x-e2e": 1}}, said("on")]
    asked = await ask(client, *steps)
    (key,) = asked["inputRequests"]
    assert asked["inputRequests"][key] == {"method": method, "params": params, "x-e2e": 1}
    reply = await retry(client, asked, *steps, responses={key: answer})
    assert texts(reply) == ["on"]
    assert reply["result"]["resultType"] == "complete"
    assert answer_to(record, unique)["result"] == answer
    assert len(record.messages("initialize")) > 0


OTHERS = {
    "prompts/get": ({"name": "full", "arguments": {}}, {"messages": []}),
    "resources/read": ({"uri": "e2e://items/1"}, {"contents": []}),
}


@pytest.mark.parametrize("method", OTHERS)
@SERVERS
@conversation
async def test_prompts_and_resources_may_ask_too(everything, server, method):
    client = asking(everything, server)
    params, final = OTHERS[method]
    whole = {**params, "_meta": {"e2e/steps": [{"ask": FORM}, {"reply": final}]}}
    asked = (await client.call(method, whole))["result"]
    assert asked["resultType"] == "input_required"
    answers = {"inputResponses": dict.fromkeys(asked["inputRequests"], YES)}
    reply = await client.call(method, {**whole, **answers, "requestState": asked["requestState"]})
    assert {**reply["result"], **final} == reply["result"]
    assert reply["result"]["resultType"] == "complete"


@SERVERS
@conversation
async def test_elsewhere_the_server_is_refused(everything, server, unique):
    """2026-07-28 has no `input_required` for completions."""
    client, record = asking(everything, server), everything.record(server)
    done = {"reply": {"completion": {"values": ["x"]}}}
    params = {
        "ref": {"type": "ref/prompt", "name": "full"},
        "argument": {"name": "who", "value": "z"},
        "_meta": {"e2e/steps": [{"ask": {**FORM, "id": unique}}, done]},
    }
    reply = await client.call("completion/complete", params)
    assert reply["result"]["completion"] == {"values": ["x"]}
    assert "error" in answer_to(record, unique)


@SERVERS
@conversation
async def test_the_session_at_the_server_declares_what_the_client_does(everything, server):
    """Each set of capabilities is a session of its own: none is told of what another caller can do."""
    record = everything.record(server)
    sets = [{"elicitation": {}}, {"sampling": {}, "elicitation": {"url": {}}}, {}]
    for declared in sets:
        since = record.mark()
        client = Modern(
            everything.mount(server), capabilities=declared, info={"name": str(declared), "version": "1"}
        )
        assert texts(await client.tool("act", {"steps": [said("on")]})) == ["on"]
        (hello,) = record.messages("initialize", since)
        assert hello["params"]["capabilities"] == declared


@SERVERS
@conversation
async def test_a_question_the_request_did_not_declare_is_refused(everything, server, unique):
    """A retry says anew what the client can do; the session at the server was opened for more."""
    client, record = asking(everything, server), everything.record(server)
    steps = [{"ask": FORM}, {"ask": {**ROOTS, "id": unique}}, said("on")]
    asked = await ask(client, *steps)
    client.capabilities = {"elicitation": {}}
    assert texts(await retry(client, asked, *steps)) == ["on"]
    assert "error" in answer_to(record, unique)


# Rounds


@SERVERS
@conversation
async def test_a_server_may_ask_again_and_each_handle_is_good_once(everything, server, unique):
    client, record = asking(everything, server), everything.record(server)
    steps = [{"note": unique}, {"ask": FORM}, {"ask": ROOTS}, said("on")]
    first = await ask(client, *steps)
    second = (await retry(client, first, *steps))["result"]
    assert second["resultType"] == "input_required"
    assert first["inputRequests"].keys().isdisjoint(second["inputRequests"])
    assert (await retry(client, first, *steps))["error"]["code"] == INVALID
    assert texts(
        await retry(client, second, *steps, responses={k: {"roots": []} for k in second["inputRequests"]})
    ) == ["on"]
    assert (await retry(client, second, *steps))["error"]["code"] == INVALID
    assert record.notes().count(unique) == 1, "the server was called once"


@SERVERS
@conversation
async def test_questions_at_the_same_time_are_asked_together(everything, server, unique):
    client, record = asking(everything, server), everything.record(server)
    steps = [{"asks": [{**FORM, "id": f"{unique}-{n}"} for n in range(3)]}, said("on")]
    asked = await ask(client, *steps)
    assert len(asked["inputRequests"]) == 3
    some, *rest = asked["inputRequests"]
    again = (await retry(client, asked, *steps, responses={some: {"action": "decline"}}))["result"]
    assert list(again["inputRequests"]) == rest, "what was not answered is asked again"
    responses = {key: {**YES, "n": key} for key in rest}
    assert texts(await retry(client, again, *steps, responses=responses)) == ["on"]
    got = [answer_to(record, f"{unique}-{n}")["result"] for n in range(3)]
    assert got == [{"action": "decline"}, *responses.values()]


@SERVERS
@conversation
async def test_a_server_that_asks_without_end_is_cut_off(everything, server, unique):
    client, record = asking(everything, server), everything.record(server)
    steps = [{"ask": FORM}] * 500 + [{"note": unique}]  # cut off long before, however late it hears
    result = await ask(client, *steps)
    rounds = 1
    while result.get("resultType") == "input_required":
        result = (await retry(client, result, *steps))["result"]
        rounds += 1
    assert result["isError"] is True
    assert rounds == 17
    await record.wait_message("notifications/cancelled")
    assert unique not in record.notes()


# What is said meanwhile


@SERVERS
@conversation
async def test_what_a_server_says_while_the_client_is_away_comes_with_its_return(everything, server):
    client = asking(everything, server)

    def log(level):
        return {"method": "notifications/message", "params": {"level": level, "data": level}}

    said_meanwhile = [progress(2)["send"], log("error"), log("debug")]
    steps = [progress(1), {"ask_and_send": [FORM, *said_meanwhile]}, progress(3), said("on")]
    level = {META + "logLevel": "warning"}
    first = await client.play("act", *steps, _meta={"progressToken": "one", **level})
    heard = await first.messages()
    asked = heard[-1]["result"]
    assert asked["resultType"] == "input_required"
    params = {
        "inputResponses": dict.fromkeys(asked["inputRequests"], YES),
        "requestState": asked["requestState"],
        "_meta": {"progressToken": 2, **level},
    }
    heard += await (await client.play("act", *steps, **params)).messages()
    told = [m["params"] for m in heard if m.get("method") == "notifications/progress"]
    assert [p["progress"] for p in told] == [1, 2, 3], "in order, none lost"
    assert told[0]["progressToken"] == "one"
    assert told[-1]["progressToken"] == 2, "under the token of the request that it goes with"
    assert [m["params"]["level"] for m in heard if m.get("method") == "notifications/message"] == ["error"]
    assert texts(heard[-1]) == ["on"]


@SERVERS
@conversation
async def test_a_question_the_server_withdraws_needs_no_answer(everything, server, unique):
    client = asking(everything, server)
    gone = {"method": "notifications/cancelled", "params": {"requestId": unique}}
    steps = [{"ask_and_send": [{**FORM, "id": unique}, ROOTS | {"id": f"{unique}-2"}, gone]}, said("on")]
    asked = await ask(client, *steps)
    assert [each["method"] for each in asked["inputRequests"].values()] == ["roots/list"]


@SERVERS
@conversation
async def test_a_client_that_goes_away_while_it_waits_cancels_the_call(everything, server, unique):
    """In the first request and in a retry; between them nobody waits, and that cancels nothing."""
    client, record = asking(everything, server), everything.record(server)
    steps = [{"ask": FORM}, {"note": unique}, {"hold": unique}]
    asked = await ask(client, *steps)
    since = record.mark()
    answers = dict.fromkeys(asked["inputRequests"], YES)
    exchange = await client.play("act", *steps, inputResponses=answers, requestState=asked["requestState"])
    await record.wait_note(unique, since)
    assert not record.messages("notifications/cancelled", since)
    await exchange.close()
    await record.wait_note(f"cancelled at {unique}", since)


# On a pipe nothing says whose a question is


@conversation
async def test_on_a_pipe_a_question_that_may_be_of_two_calls_is_refused(everything, unique):
    client, record = asking(everything, "hs-stdio"), everything.record("hs-stdio")
    other = await client.play("act", {"note": f"{unique}-other"}, {"hold": unique})
    await record.wait_note(f"{unique}-other")
    reply = await client.tool("act", {"steps": [{"ask": {**FORM, "id": unique}}, said("on")]})
    assert texts(reply) == ["on"]
    assert "error" in answer_to(record, unique)
    record.open_gate(unique)
    await other.reply()


@conversation
async def test_over_http_each_call_has_its_own_questions(everything, unique):
    client = asking(everything, "hs-http")
    steps = {
        name: [{"ask": {**FORM, "params": {**FORM["params"], "message": name}}}, said(name)] for name in "ab"
    }
    asked = dict(zip("ab", await asyncio.gather(*(ask(client, *steps[name]) for name in "ab")), strict=True))
    for name in "ba":
        (request,) = asked[name]["inputRequests"].values()
        assert request["params"]["message"] == name
        assert texts(await retry(client, asked[name], *steps[name])) == [name]


@SERVERS
@conversation
async def test_a_parked_call_does_not_stand_in_the_way_of_others(everything, server):
    client = asking(everything, server)
    steps = {
        name: [{"ask": {**FORM, "params": {**FORM["params"], "message": name}}}, said(name)] for name in "abc"
    }
    asked = {name: await ask(client, *steps[name]) for name in "abc"}
    for name in "bca":
        assert texts(await retry(client, asked[name], *steps[name])) == [name]


# Handles


@SERVERS
@conversation
async def test_a_handle_opens_only_for_the_call_it_was_given_for(everything, server, unique):
    client = asking(everything, server)
    steps = [{"ask": FORM}, said("on")]
    asked = await ask(client, *steps)
    state, answers = asked["requestState"], dict.fromkeys(asked["inputRequests"], YES)
    other = "A" if state[9] != "A" else "B"
    bad = [
        {"requestState": state[:9] + other + state[10:]},
        {"requestState": state + "A"},
        {"requestState": state[:-1]},
        {"requestState": ""},
        {"requestState": 7},
        {"requestState": None},
        {"arguments": {"steps": [*steps, {"note": unique}]}},
        {"name": "app"},
    ]
    for change in bad:
        params = {
            "name": "act",
            "arguments": {"steps": steps},
            "inputResponses": answers,
            "requestState": state,
        }
        reply = await client.call("tools/call", {**params, **change})
        assert reply["error"]["code"] == INVALID, change
    reply = await client.call(
        "prompts/get", {"name": "full", "inputResponses": answers, "requestState": state}
    )
    assert reply["error"]["code"] == INVALID
    assert texts(await retry(client, asked, *steps)) == ["on"], "nothing of that used it up"


@pytest.mark.parametrize(
    "responses",
    [[], "x", 7, {"unasked": YES}, {"q1": YES, "q2": YES}, {"q1": "yes"}, {"q1": [YES]}, {"q1": None}],
)
@conversation
async def test_answers_that_cannot_be_any_are_refused_and_use_nothing_up(everything, responses):
    client = asking(everything, "hs-http")
    steps = [{"ask": FORM}, said("on")]
    asked = await ask(client, *steps)
    refused = await retry(client, asked, *steps, responses=responses)
    assert refused["error"]["code"] == INVALID
    assert texts(await retry(client, asked, *steps)) == ["on"]


@SERVERS
@conversation
async def test_a_retry_without_answers_is_asked_again(everything, server):
    client = asking(everything, server)
    steps = [{"ask": FORM}, said("on")]
    asked = await ask(client, *steps)
    again = (await retry(client, asked, *steps, responses={}))["result"]
    assert again["inputRequests"] == asked["inputRequests"]
    assert again["requestState"] != asked["requestState"]
    assert texts(await retry(client, again, *steps)) == ["on"]


@conversation
async def test_answers_without_a_handle_begin_a_new_call(everything, unique):
    """A handshake server knows nothing of them, so it does not see them."""
    client, record = asking(everything, "hs-http"), everything.record("hs-http")
    reply = await client.tool("act", {"steps": [{"note": unique}]}, inputResponses={"q1": YES})
    assert texts(reply) == ["done"]
    assert "inputResponses" not in record.messages("tools/call")[-1]["params"]


@SERVERS
@conversation
async def test_of_two_retries_at_once_one_is_served(everything, server, unique):
    client, record = asking(everything, server), everything.record(server)
    steps = [{"ask": FORM}, {"note": unique}, said("on")]
    asked = await ask(client, *steps)
    replies = await asyncio.gather(*(retry(client, asked, *steps) for _ in range(5)))
    assert sorted("error" in reply for reply in replies) == [False, True, True, True, True]
    assert record.notes().count(unique) == 1


@pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
@conversation
async def test_a_stolen_handle_is_worth_nothing(guarded, server):
    """Another principal, with exactly the same request."""
    alice = Modern(guarded.mount(server), guarded.keys["alice"], capabilities=DECLARED)
    listed = Modern(guarded.mount(server), guarded.keys["listed"], capabilities=DECLARED)
    steps = [{"ask": FORM}, said("on")]
    asked = await ask(alice, *steps)
    assert (await retry(listed, asked, *steps))["error"]["code"] == INVALID
    reply = await retry(Modern(guarded.mount(server), "no-key", capabilities=DECLARED), asked, *steps)
    assert "error" in reply
    assert texts(await retry(alice, asked, *steps)) == ["on"]


# -32042: the call has failed, and is to be made again once a person has been somewhere

ELSEWHERE = {
    "mode": "url",
    "elicitationId": "e-1",
    "url": "https://example.com/connect",
    "message": "m",
    "x-e2e": [1],
}


def needed(name, *entries):
    error = {"code": -32042, "message": "first", "data": {"elicitations": list(entries), "x-e2e": 1}}
    return {"fail_once": {"name": name, "error": error}}


@SERVERS
@conversation
async def test_what_needs_a_person_first_is_asked_for_and_then_done(everything, server, unique):
    client, record = asking(everything, server), everything.record(server)
    steps = [needed(unique, ELSEWHERE, {**ELSEWHERE, "elicitationId": "e-2"}), {"note": unique}, said("on")]
    asked = await ask(client, *steps)
    first, second = asked["inputRequests"].values()
    assert first == {"method": "elicitation/create", "params": ELSEWHERE}
    assert second["params"]["elicitationId"] == "e-2"
    reply = await retry(client, asked, *steps)
    assert texts(reply) == ["on"]
    assert record.notes().count(unique) == 1
    assert (await retry(client, asked, *steps))["error"]["code"] == INVALID


@SERVERS
@conversation
async def test_what_was_declined_is_not_tried_again(everything, server, unique):
    client, record = asking(everything, server), everything.record(server)
    steps = [needed(unique, ELSEWHERE), {"note": unique}]
    asked = await ask(client, *steps)
    (key,) = asked["inputRequests"]
    reply = await retry(client, asked, *steps, responses={key: {"action": "decline"}})
    assert reply["result"]["isError"] is True
    assert unique not in record.notes()


@SERVERS
@conversation
async def test_a_client_that_cannot_be_sent_there_hears_what_is_missing(everything, server, unique):
    client = Modern(everything.mount(server), capabilities={"elicitation": {}})
    error = (await client.tool("act", {"steps": [needed(unique, ELSEWHERE)]}))["error"]
    assert error["code"] == -32021
    assert error["data"]["requiredCapabilities"] == {"elicitation": {"url": {}}}
    assert error["data"]["elicitations"] == [ELSEWHERE]


@pytest.mark.parametrize(
    "entries",
    [[], ["x"], [{**ELSEWHERE, "mode": "form"}], [ELSEWHERE] * 100],
    ids=["none", "text", "form", "many"],
)
@conversation
async def test_a_malformed_one_is_an_error_of_the_server(everything, entries, unique):
    client = asking(everything, "hs-http")
    error = (await client.tool("act", {"steps": [needed(unique, *entries)]}))["error"]
    assert error["code"] == -32603
