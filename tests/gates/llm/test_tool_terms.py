"""The call that a turn of the model gets: functions for servers, what was said since, no credentials."""

import msgspec
from msgspec.json import decode
from tests.builders import make_exchange

from triplegate.gates.llm.tool_terms import Asking, Terms
from triplegate.wire.json_members import read_members
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool
from triplegate.wire.responses_mcp_items import History

TEXT = (
    b'{"model": "m", "input": "x", "tools": [], "tool_choice": "required", "max_output_tokens": 50, '
    b'"previous_response_id": "resp_mcp_1", "metadata": {"a": "b"}}'
)
TOOL = Tool("o", "o__get", "/mcp", "o__get", "", Raw(b"{}"), Raw(b"null"), yes=False)
OWN = [(b"authorization", b"Bearer x"), (b"traceparent", b"theirs"), (b"content-length", b"9"), (b"x-tenant", b"t")]


def terms(text=TEXT, **more):
    exchange = make_exchange(headers=OWN)
    exchange.request_id, exchange.trace = b"r", b"t"
    usual = {"most_output": 50, "turns": 1, "calls": 1, "told": True, "kept": True, "native": False}
    others = [Raw(b'{"type":"function","name":"mine"}')]
    made = Terms(exchange, text, read_members(text), [], others, frozenset(), History(), "", streamed=False, **usual)
    return msgspec.structs.replace(made, **more)


def asked(turn, **more):
    inbound = terms(**more).inbound(turn)
    return decode(inbound.body.content), inbound.headers


def test_the_first_turn_is_what_the_client_asked_with_functions():
    body, headers = asked(Asking([Raw(b'{"a":1}')], [(TOOL, "")]))
    assert (body["input"], [tool["name"] for tool in body["tools"]]) == ([{"a": 1}], ["mine", "o__get"])
    assert (body["tool_choice"], body["max_output_tokens"], body["metadata"]) == ("required", 50, {"a": "b"})
    assert body["previous_response_id"] is None
    assert headers == [(b"x-tenant", b"t"), (b"x-request-id", b"r"), (b"traceparent", b"t")]


def test_later_turns_need_not_call_and_have_what_is_left():
    body, _ = asked(Asking([], [(TOOL, "")], "resp_2", 20, first=False))
    assert (body["tool_choice"], body["max_output_tokens"], body["previous_response_id"]) == ("auto", 30, "resp_2")
    body, _ = asked(Asking([], [(TOOL, "")], last=True), most_output=0)
    assert (body["tool_choice"], body["max_output_tokens"]) == ("none", 50)


def test_what_was_not_said_is_not_added():
    text = b'{"model": "m"}'
    body, _ = asked(Asking([], []), text=text, members=read_members(text), most_output=0, others=[])
    assert body == {"model": "m", "input": [], "tools": []}
