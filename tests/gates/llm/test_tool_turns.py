"""Turns of a model and calls of tools: approval, choice, bounds, mixed tools, failures on the way."""

import asyncio
import json

import pytest
from tests.gates.llm.tool_place import ends, house, http, items, place, sample, serve, texts  # noqa: F401 - fixtures
from tests.gates.mcp.test_approvals import Desk

from triplegate.samples.http import Answer

# ruff: noqa: F811 - fixtures

ECHO = ("orders__echo", {"text": "hi"})
ASKED = {"require_approval": "always"}
DIALECTS = pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])


def yes(item, **more):
    """An answer to a request for approval."""
    return {"type": "mcp_approval_response", "approval_request_id": item["id"], "approve": True, **more}


@pytest.mark.parametrize(
    ("dialect", "stream", "kept"),
    [("openai_chat", True, True), ("openai_chat", False, False), ("openai_responses", False, True)],
)
async def test_a_call_waits_for_a_yes_and_goes_on_with_it(place, dialect, stream, kept):
    at = await place(dialect)
    at.model.calls(ECHO).says("It said hi.")
    first = await at.ask([ASKED], stream=stream, store=kept)
    [request] = items(first, "mcp_approval_request")
    assert (request["name"], request["server_label"], json.loads(request["arguments"])) == (
        "orders__echo",
        "orders",
        {"text": "hi"},
    )
    assert (items(first, "mcp_call"), first["status"], texts(first)) == ([], "completed", [])
    assert [record.gate for record in at.house.calls].count("mcp") == 1
    said = {"previous_response_id": first["id"], "input": [yes(request)]}
    if not kept:
        said = {"input": [{"role": "user", "content": "Echo hi."}, *first["output"], yes(request)]}
    second = await at.ask([ASKED], stream=stream, **said)
    [call] = items(second, "mcp_call")
    assert (call["output"], call["approval_request_id"], call["status"]) == ("hi", request["id"], "completed")
    assert (texts(second), items(second, "mcp_list_tools")) == (["It said hi."], [])
    assert at.model.results() == ["hi"]
    assert at.model.functions(-1) == at.model.functions(0)
    again = await at.send([ASKED], **said)
    assert (again.status_code, "was used before" in again.text) == (400, True)
    said = {"previous_response_id": second["id"], "input": "And now?"}
    if not kept:
        said = {"input": [{"role": "user", "content": "Echo hi."}, *first["output"], yes(request), *second["output"]]}
    third = await at.ask([ASKED], **said)
    assert (texts(third), at.model.results()) == (["It said hi."], ["hi"])


@pytest.mark.parametrize("approve", [True, False])
async def test_a_tool_that_needs_its_callers_yes_at_the_gateway_is_asked_about_whatever_the_client_says(place, approve):
    desk = Desk()
    at = await place(orders=", approval: {tools: [echo]}", approvals=desk)
    at.model.calls(ECHO, ("orders__add", {"a": 1, "b": 1})).says("Well.")
    first = await at.ask(stream=True)
    calls, [request] = items(first, "mcp_call"), items(first, "mcp_approval_request")
    assert [(call["status"], call["output"]) for call in calls] == [("incomplete", None), ("completed", '{"sum":2}')]
    said = {"input": [{"role": "user", "content": "Echo hi."}, *first["output"], yes(request, approve=approve)]}
    second = await at.ask(**said)
    assert texts(second) == ["Well."]
    assert [call["output"] for call in items(second, "mcp_call")] == ["hi"] * approve
    assert [one.state for one in desk.kept.values()] == ["approved"] * approve
    costs = [record.cost for record in at.house.calls if record.target == "orders__echo"]
    assert [cost for cost in costs if cost] == [10_000_000] * approve


async def test_a_no_and_no_answer_are_told_to_the_model(place):
    at = await place()
    at.model.calls(ECHO, ("orders__fail", {})).says("Fine.")
    first = await at.ask([ASKED])
    no, _ = items(first, "mcp_approval_request")
    second = await at.ask([ASKED], previous_response_id=first["id"], input=[yes(no, approve=False, reason="Not now.")])
    assert (items(second, "mcp_call"), texts(second)) == ([], ["Fine."])
    assert at.model.results() == ["The user declined this call. Not now.", "The user has not approved this call."]


async def test_who_keeps_nothing_and_who_is_another_finds_nothing(place):
    at = await place(more="llm: {mcp_tools: {keep: 0}}")
    at.model.says("Hello.")
    for store in (True, False):
        first = await at.ask(store=store)
        answer = await at.send(previous_response_id=first["id"])
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "previous_response_not_found")
    at = await place()
    at.model.says("Hello.")
    first = await at.ask()
    at.http.headers["authorization"] = f"Bearer {at.house.key(team='lab')}"
    answer = await at.send([], previous_response_id=first["id"])
    assert answer.json()["error"]["code"] == "previous_response_not_found"


async def test_a_conversation_goes_on_without_tools_too(place):
    at = await place()
    at.model.calls(ECHO).says("It said hi.")
    first = await at.ask()
    second = await at.ask([], previous_response_id=first["id"], input="Thanks.")
    assert (texts(second), at.model.functions(-1)) == (["It said hi."], [])
    assert [one["role"] for one in at.model.asked[-1]["messages"]] == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize(
    ("tool", "offered"),
    [
        ({"allowed_tools": ["echo", "add"]}, ["orders__add", "orders__echo"]),
        ({"allowed_tools": {"tool_names": ["echo", "secret_admin_tool"], "read_only": True}}, ["orders__echo"]),
        ({"server_label": "two"}, ["orders__add", "orders__echo"]),
    ],
)
async def test_only_tools_that_the_client_allows_are_offered_and_listed(place, tool, offered):
    at = await place()
    at.model.says("Hello.")
    answer = await at.ask([tool])
    assert at.model.functions() == offered == [one["name"] for one in answer["output"][0]["tools"]]


async def test_some_tools_need_a_yes_and_others_are_called_at_once(place):
    at = await place()
    at.model.calls(ECHO, ("orders__add", {"a": 1, "b": 1}))
    answer = await at.ask([{"require_approval": {"never": {"tool_names": ["add"]}}}])
    assert [item["type"] for item in answer["output"]] == ["mcp_list_tools", "mcp_approval_request", "mcp_call"]
    assert (answer["output"][2]["output"], len(at.model.asked)) == ('{"sum":2}', 1)


@DIALECTS
async def test_a_function_of_the_clients_own_ends_the_response(place, dialect):
    at = await place(dialect)
    mine = {"type": "function", "name": "mine", "parameters": {"type": "object", "properties": {}}}
    at.model.calls(ECHO, ("mine", {"a": 1})).says("Done.")
    first = await at.ask([mine, {}])
    assert items(first, "mcp_call")[0]["output"] == "hi"
    [theirs] = items(first, "function_call")
    output = {"type": "function_call_output", "call_id": theirs["call_id"], "output": "42"}
    second = await at.ask([mine, {}], previous_response_id=first["id"], input=[output])
    assert texts(second) == ["Done."]
    assert sorted(at.model.results()) == ["42", "hi"]


async def test_a_tool_that_fails_is_told_to_the_model_and_to_the_client(place):
    at = await place()
    at.model.calls(("orders__fail", {}), ("orders__echo", {"wrong": 1}), ("orders__echo", {"text": 1})).says("Sorry.")
    answer = await at.ask(stream=True)
    calls = items(answer, "mcp_call")
    assert [(call["status"], call["output"]) for call in calls] == [("failed", None)] * 3
    assert calls[0]["error"]["type"] == "mcp_tool_execution_error"
    assert texts(answer) == ["Sorry."]
    assert [event["type"] for event in at.events].count("response.mcp_call.failed") == 3
    assert len(at.model.results()) == 3


async def test_calls_beyond_the_bound_are_not_made_and_the_model_answers_without_tools(place):
    at = await place()
    at.model.calls(ECHO, ECHO, ECHO).says("Enough.")
    answer = await at.ask(max_tool_calls=2)
    assert [call["status"] for call in items(answer, "mcp_call")] == ["completed", "completed", "failed"]
    assert (texts(answer), answer["status"], answer["max_tool_calls"]) == (["Enough."], "completed", 2)
    assert at.model.asked[-1]["tool_choice"] == "none"
    assert [record.target for record in at.house.calls].count("orders__echo") == 2


@pytest.mark.parametrize(("bound", "asked", "made"), [("turns: 3", 3, 2), ("calls: 3", 5, 3)])
async def test_a_model_that_never_ends_is_ended(place, bound, asked, made):
    at = await place(more=f"llm: {{mcp_tools: {{{bound}}}}}")
    at.model.turns = [(ECHO,)]
    answer = await at.ask(stream=True)
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_tool_calls"})
    assert (at.events[-1]["type"], len(at.model.asked)) == ("response.incomplete", asked)
    done = [call for call in items(answer, "mcp_call") if call["status"] == "completed"]
    assert (len(done), len(items(answer, "mcp_call"))) == (made, asked)


async def test_a_provider_that_keeps_turns_is_only_told_what_is_new(place):
    at = await place("openai_responses")
    at.model.more = {"store": True}
    at.model.calls(ECHO).calls(ECHO).says("Done.")
    first = await at.ask([ASKED])
    [request] = items(first, "mcp_approval_request")
    second = await at.ask(previous_response_id=first["id"], input=[yes(request)])
    assert (texts(second), len(items(second, "mcp_call"))) == (["Done."], 2)
    asked = [(one.get("previous_response_id"), [item["type"] for item in one["input"]]) for one in at.model.asked]
    assert asked == [
        (None, ["message"]),
        ("resp_1", ["function_call_output"]),
        ("resp_1", ["function_call_output"]),
    ]


async def test_thoughts_that_no_provider_keeps_are_left_out(place):
    at = await place("openai_responses")
    at.model.calls(ECHO).says("Done.")
    await at.ask(store=False)
    assert [(item["type"], "id" in item) for item in at.model.asked[1]["input"]] == [
        ("message", False),
        ("function_call", False),
        ("function_call_output", False),
    ]


async def test_output_tokens_are_bounded_over_all_turns(place):
    at = await place()
    at.model.turns = [(ECHO,)]
    answer = await at.ask(max_output_tokens=21)
    assert [asked["max_completion_tokens"] for asked in at.model.asked] == [21, 18]
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


async def test_a_response_has_its_time(place):
    at = await place(more="llm: {mcp_tools: {within: 100ms}}")

    async def late():
        await asyncio.Event().wait()

    at.model.turns = [late]
    answer = await at.send()
    failed = answer.json().get("error") or answer.json()
    assert "time" in failed["message"] or "long" in failed["message"], answer.text


@pytest.mark.parametrize("stream", [False, True])
async def test_what_fails_on_the_way_ends_the_response_with_what_there_is(place, stream):
    at = await place()
    broken = Answer.json({"error": {"message": "down", "type": "server_error"}}, 400)
    at.model.turns = [(ECHO,), broken]
    answer = await at.ask(stream=stream)
    assert (answer["status"], answer["error"]["code"]) == ("failed", "invalid_prompt")
    assert [item["type"] for item in answer["output"]] == ["mcp_list_tools", "mcp_call"]
    assert answer["output"][1]["output"] == "hi"
    if stream:
        assert at.events[-1]["type"] == "response.failed"


async def test_a_budget_that_is_spent_on_the_way_ends_the_response(place):
    limit = "llm: {policies: [{use: key_auth}, {use: token_limit, total: 15, oversize: admit}]}"
    at = await place(more=limit)
    at.model.calls(ECHO).says("Never.")
    answer = await at.ask()
    assert (answer["status"], answer["error"]["code"]) == ("failed", "rate_limit_exceeded")
    assert (items(answer, "mcp_call")[0]["output"], len(at.model.asked)) == ("hi", 1)


MILLION = {"usage": {"prompt_tokens": 900_000, "completion_tokens": 100_000, "total_tokens": 1_000_000}}
"""What each turn uses: 1.10 US dollars."""
SPENT = ["{use: budget, name: trial, money: 1, per: year}", "{use: token_limit, total: 500000, window: 1h}"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("limit", SPENT)
async def test_what_is_spent_on_the_way_ends_the_response_and_each_turn_until_then_is_paid(place, limit, stream):
    at = await place(more=f"llm: {{policies: [{{use: key_auth}}, {limit}]}}")
    at.model.more = MILLION
    at.model.calls(ECHO).says("Never.")
    answer = await at.ask(stream=stream)
    assert (answer["status"], answer["error"]["code"]) == ("failed", "rate_limit_exceeded")
    assert len(answer["error"]["message"]) > 10
    assert (answer["usage"]["total_tokens"], len(at.model.asked), texts(answer)) == (1_000_000, 1, [])
    assert items(answer, "mcp_call")[0]["output"] == "hi"
    if stream:
        assert (at.events[-1]["type"], at.events[-1]["response"]) == ("response.failed", answer)
    told = await at.http.get(f"{at.house.url}/v1/responses/{answer['id']}")
    assert told.json() == answer
    [whole] = [record for record in at.house.calls if record.route == "llm/mcp_tools"]
    paid = [(one.route, one.status, one.cost) for one in at.house.calls if one.parent == whole.exchange]
    assert paid == [("mcp", 200, 0), ("m", 200, 11_000_000_000), ("orders", 200, 10_000_000), ("m", 429, 0)]
    assert whole.cost == 0
    again = await at.send(stream=stream)  # nothing of it is there any more for another one either
    assert (again.status_code, len(at.model.asked)) == (429, 1)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_whose_budget_is_spent_on_the_way_is_told_to_the_model_and_costs_nothing(place, stream):
    at = await place(more="mcp: {policies: [{use: key_auth}, {use: budget, name: tools, money: 0.0015, per: year}]}")
    at.model.calls(ECHO).calls(ECHO).says("It said hi once.")
    answer = await at.ask(stream=stream)
    assert (answer["status"], texts(answer)) == ("completed", ["It said hi once."])
    assert [call["status"] for call in items(answer, "mcp_call")] == ["completed", "failed"]
    assert "budget" in json.dumps(items(answer, "mcp_call")[1]["error"])
    assert "budget" in at.model.results()[1]
    costs = [record.cost for record in at.house.calls if record.target == "orders__echo"]
    assert costs == [10_000_000, 0]
    assert [record.cost for record in at.house.calls if record.route == "m"] == [130_000] * 3


async def test_each_turn_takes_its_own_of_limits_by_number_and_one_place_in_all(place):
    limits = "{use: rate_limit, requests: 2, window: 1h}, {use: concurrency_limit, at_once: 1}"
    at = await place(more=f"llm: {{policies: [{{use: key_auth}}, {limits}]}}")
    at.model.turns = [(ECHO,)]
    answer = await at.ask()
    assert (answer["status"], answer["error"]["code"], len(at.model.asked)) == ("failed", "rate_limit_exceeded", 2)


async def test_a_tool_choice_of_a_server_holds_for_the_first_turn(place):
    at = await place()
    at.model.calls(ECHO).says("Done.")
    await at.ask(tool_choice={"type": "mcp", "server_label": "orders", "name": "orders__echo"})
    assert at.model.asked[0]["tool_choice"] == {"type": "function", "function": {"name": "orders__echo"}}
    assert at.model.asked[1].get("tool_choice", "auto") == "auto"
    assert (await at.refusal({}, tool_choice={"type": "mcp", "server_label": "other"}))[1] == "invalid_body"


async def test_where_a_guard_stands_clients_are_not_told_what_tools_answered(place):
    guard = "{use: guardrail, pii: [email], action: mask}"
    at = await place(model=f", policies: [{guard}]")
    at.model.calls(("orders__echo", {"text": "to bob@example.com"})).says("Sent.")
    answer = await at.ask(store=False)
    [call] = items(answer, "mcp_call")
    assert (call["status"], call["output"], call["error"]) == ("completed", None, None)
    assert ("bob" in json.dumps(answer["output"]), "<EMAIL_1>" in at.model.results()[0]) == (False, True)


async def test_a_server_that_is_down_is_told_and_the_rest_goes_on(place):
    at = await place(more="", model="")
    at.model.says("Hello.")
    text = (at.house.path / "triplegate.yaml").read_text()
    at.house.reload(text.replace("servers:\n", 'servers:\n  down: {url: "http://127.0.0.1:1/mcp"}\n'))
    answer = await at.ask([{"server_label": "down"}, {}], stream=True)
    down, up = items(answer, "mcp_list_tools")
    assert (down["tools"], down["error"], len(up["tools"])) == ([], "The server does not answer at the moment.", 7)
    assert "response.mcp_list_tools.failed" in [event["type"] for event in at.events]
    assert texts(answer) == ["Hello."]
