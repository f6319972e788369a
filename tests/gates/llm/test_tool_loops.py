"""Responses with tools of MCP servers: which calls they are, their streams, refusals and ends."""

import asyncio
import json

import pytest
from tests.gates.llm.tool_place import ends, house, http, items, place, sample, serve, texts  # noqa: F401 - fixtures
from tests.gates.mcp.messages import bearer

from triplegate.samples.http import Answer

# ruff: noqa: F811 - fixtures


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        ("openai_chat", False),
        ("openai_chat", True),
        ("openai_responses", False),
        ("openai_responses", True),
        ("anthropic_messages", False),
        ("anthropic_messages", True),
    ],
)
async def test_the_model_calls_tools_of_the_gateway_until_it_answers(place, dialect, stream):
    at = await place(dialect)
    at.model.calls(("orders__echo", {"text": "hi"}), ("orders__add", {"a": 1, "b": 2})).says("It said hi.")
    answer = await at.ask(stream=stream)
    listed, *rest = [item for item in answer["output"] if item["type"] != "reasoning"]
    assert (listed["type"], listed["server_label"]) == ("mcp_list_tools", "orders")
    assert {"name", "description", "input_schema", "annotations"} == set(listed["tools"][0])
    assert [[item[name] for name in ("type", "name", "output", "error", "status")] for item in rest[:2]] == [
        ["mcp_call", "orders__echo", "hi", None, "completed"],
        ["mcp_call", "orders__add", '{"sum":3}', None, "completed"],
    ]
    assert (texts(answer), answer["status"]) == (["It said hi."], "completed")
    assert json.loads(rest[0]["arguments"]) == {"text": "hi"}
    assert at.model.results() == ["hi", '{"sum":3}']
    assert (answer["usage"]["total_tokens"], answer["tools"][0]["server_label"]) == (20, "orders")


async def test_each_turn_and_each_call_is_a_record_of_its_own_below_the_response(place):
    at = await place()
    at.model.calls(("orders__echo", {"text": "hi"})).says("It said hi.")
    answer = await at.send()
    assert answer.headers["x-triplegate-cost"] == "0.000026"
    [whole] = [record for record in at.house.calls if record.route == "llm/mcp_tools"]
    assert (whole.cost, whole.outcome, whole.target, whole.status) == (0, "ok", "m", 200)
    parts = [record for record in at.house.calls if record is not whole]
    assert all((record.parent, record.consumer) == (whole.exchange, "ci") for record in parts)
    assert [(record.gate, record.route, record.target, record.cost) for record in parts] == [
        ("mcp", "mcp", "", 0),
        ("llm", "m", "far/m", 130_000),
        ("mcp", "orders", "orders__echo", 10_000_000),
        ("llm", "m", "far/m", 130_000),
    ]


async def test_a_stream_tells_lists_and_calls_as_the_api_does(place):
    at = await place()
    at.model.calls(("orders__echo", {"text": "hi"})).says("It said hi.")
    await at.ask(stream=True)
    kinds = [event["type"].removeprefix("response.") for event in at.events]
    assert kinds[:6] == [
        "created",
        "in_progress",
        "output_item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "output_item.done",
    ]
    assert kinds[6:12] == [
        "output_item.added",
        "mcp_call.in_progress",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
        "mcp_call.completed",
        "output_item.done",
    ]
    assert kinds[12] == "output_item.added"
    assert kinds[-1] == "completed"
    assert [event["output_index"] for event in at.events if event["type"].endswith("item.done")] == [0, 1, 2]
    ids = {event["response"]["id"] for event in at.events if "response" in event}
    assert len(ids) == 1
    done = [event["item"] for event in at.events if event["type"].endswith("item.done")]
    assert done == at.events[-1]["response"]["output"]


async def test_calls_without_such_tools_are_left_as_they_were(place):
    at = await place("openai_responses")
    at.model.says("Hello.")
    function = {"type": "function", "name": "mine", "parameters": {"type": "object"}, "description": 'not "mcp"'}
    answer = await at.ask([function])
    assert (texts(answer), answer["id"].startswith("resp_mcp_")) == (["Hello."], False)
    assert at.model.asked[0]["tools"] == [function]
    assert [record.route for record in at.house.calls] == ["m"]


async def test_a_server_that_this_caller_may_not_see_is_as_unknown_as_any_other(place):
    at = await place()
    near = {"two_": " (did you mean 'two'?)", "order": " (did you mean 'orders'?)"}
    for label in ("hidden", "nowhere", *near):
        status, code, message = await at.refusal({"server_label": label})
        assert (status, code) == (400, "mcp_server_unknown")
        assert message == f"There is no MCP server '{label}' here{near.get(label, '')}."
    assert at.model.asked == []


async def test_a_server_may_be_named_by_its_address_at_this_gateway(place):
    at = await place()
    at.model.says("Hello.")
    for path, count in (("/mcp", 7), ("/mcp/two", 2)):
        answer = await at.ask([{"server_label": "any", "server_url": at.house.url + path}])
        assert (answer["output"][0]["server_label"], len(answer["output"][0]["tools"])) == ("any", count)
    status, code, message = await at.refusal({"server_url": at.house.url + "/mcp/three"})
    assert (status, code, message) == (400, "mcp_server_unknown", "There is no MCP endpoint /mcp/three here.")


async def test_servers_elsewhere_are_refused_by_name_or_left_to_the_provider(place):
    other = {"server_url": "https://mcp.example.com/mcp"}
    at = await place("openai_responses")
    status, code, message = await at.refusal({"server_label": "far", **other})
    assert (status, code, "MCP server 'far' is not one of this gateway's" in message) == (
        400,
        "mcp_server_unknown",
        True,
    )
    for more in (
        {"more": "llm: {mcp_tools: {elsewhere: forward}}"},
        {"model": ", mcp_elsewhere: forward", "more": "llm: {mcp_tools: {elsewhere: refuse}}"},
    ):
        at = await place("openai_responses", **more)
        at.model.says("Hello.")
        tool = {"type": "mcp", "server_label": "far", "require_approval": "never", "authorization": "theirs", **other}
        await at.ask([tool])
        assert at.model.asked[0]["tools"] == [tool]
        answer = await at.ask([tool, {}])
        assert at.model.asked[1]["tools"][0] == tool
        assert [one["type"] for one in at.model.asked[1]["tools"][1:]] == ["function"] * 7
        assert (answer["tools"][0]["authorization"], answer["tools"][1]["server_label"]) == (None, "orders")


async def test_a_server_that_is_hidden_deeper_is_found(place):
    at = await place("openai_responses")
    at.model.says("Hello.")
    hidden = {
        "type": "namespace",
        "name": "n",
        "tools": [{"type": "mcp", "server_label": "x", "server_url": "http://a"}],
    }
    assert (await at.refusal(hidden))[:2] == (400, "mcp_server_unknown")
    assert (await at.refusal({}, hidden))[:2] == (400, "mcp_server_unknown")
    assert at.model.asked == []


async def test_an_escaped_name_is_no_way_around(place):
    at = await place("openai_responses")
    body = b'{"model": "m", "input": "x", "tools": [{"type": "\\u006dcp", "server_label": "far", "server_url": "http://a"}]}'
    answer = await at.http.post(f"{at.house.url}/v1/responses", content=body)
    assert answer.json()["error"]["code"] == "mcp_server_unknown"


async def test_what_cannot_be_done_with_such_tools_is_refused(place):
    at = await place()
    assert (await at.refusal({"server_label": 7}))[1] == "invalid_body"
    assert (await at.refusal({}, background=True))[1] == "unsupported_parameter"
    assert (await at.refusal({}, max_tool_calls="many"))[1] == "invalid_body"
    assert (await at.refusal({}, input=[{"type": "mcp_approval_response", "approval_request_id": "x"}]))[:2] == (
        400,
        "invalid_body",
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_cannot_be_asked_at_all_is_answered_with_its_own_refusal(place, stream):
    at = await place()
    at.model.turns = [Answer.json({"error": {"message": "no luck", "type": "server_error"}}, 400)]
    answer = await at.send(stream=stream)
    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert (await at.refusal({}, model="other", stream=stream))[:2] == (404, "model_not_found")


async def test_a_model_of_others_is_unknown_whatever_the_tools_are(place):
    at = await place(model=", teams: [lab]")
    elsewhere = {"server_url": "https://mcp.example.com/mcp"}
    for tool in (elsewhere, {"server_label": "nowhere"}, {}):
        for model in ("m", "nowhere"):
            assert (await at.refusal(tool, model=model))[:2] == (404, "model_not_found")


async def test_an_open_llm_gate_opens_no_tools_where_callers_must_say_who_they_are(place):
    for identity, status in (("", 403), ("mcp: {identity: none, owner: acme/web}", 200)):
        at = await place(more=f"llm: {{identity: none, owner: acme/web}}\n{identity}")
        at.model.says("Hello.")
        del at.http.headers["authorization"]
        assert (await at.send()).status_code == status
    at.http.headers.update(bearer(at.house.key()))
    assert (await at.send()).status_code == 200


async def test_silence_of_a_long_call_is_filled(place):
    at = await place(more="llm: {policies: [{use: key_auth}, {use: sse, keep_alive: 100ms}]}")
    heard = asyncio.Event()

    async def slow():
        await heard.wait()
        return "Done."

    at.model.turns = [(("orders__echo", {"text": "hi"}),), slow]
    asked = {"model": "m", "input": "x", "stream": True}
    asked["tools"] = [{"type": "mcp", "server_label": "orders", "require_approval": "never"}]
    async with at.http.stream("POST", f"{at.house.url}/v1/responses", json=asked) as answer:
        text = ""
        async for piece in answer.aiter_text():
            text += piece
            if "\n:\n" in text:
                heard.set()
    assert heard.is_set()
    assert "event: response.completed" in text


async def test_a_client_that_leaves_ends_the_turn_and_the_calls_under_way(place):
    at = await place()
    asked, left = asyncio.Event(), asyncio.Event()

    async def hang():
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    at.model.turns = [(("orders__echo", {"text": "hi"}),), hang]
    for stream in (False, True):
        at.model.turns = [(("orders__echo", {"text": "hi"}),), hang]
        task = asyncio.ensure_future(at.send(stream=stream))
        await asyncio.wait_for(asked.wait(), 20)
        task.cancel()
        await asyncio.wait_for(left.wait(), 20)
        asked.clear()
        left.clear()
