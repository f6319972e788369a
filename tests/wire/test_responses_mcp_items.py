"""Items of MCP servers in a conversation: as the model reads them, and what of them is still open."""

import json

import pytest
from msgspec.json import decode

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp_items import History, approved, call_id, for_model, read_input, readable, refusals

LIST = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "o", "tools": [{"name": "o__a", "input_schema": {}}]}
CALL = {"type": "mcp_call", "id": "mcp_1", "server_label": "o", "name": "o__a", "arguments": '{"x":1}', "output": "hi"}
ASK = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "o", "name": "o__a", "arguments": "{}"}
SAY = {"role": "user", "content": "Hello."}


def answer(approve, request="mcpr_1", **more):
    return {"type": "mcp_approval_response", "approval_request_id": request, "approve": approve, **more}


def read(*items, ours=lambda label: True, before=None):
    return read_input(Raw(json.dumps(items).encode()), ours, before or History())


def written(history):
    return [decode(one) for one in for_model(history.entries, lambda label, name: f"f_{name}")]


def test_a_call_is_a_function_with_its_output_and_lists_are_no_part_of_it():
    history = read(SAY, LIST, CALL)
    assert written(history) == [
        SAY,
        {"type": "function_call", "call_id": "mcp_1", "name": "f_o__a", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "mcp_1", "output": "hi"},
    ]
    assert [bytes(one) for one in history.listed["o"]] == [b'{"name": "o__a", "input_schema": {}}']


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"output": None, "error": {"type": "x"}}, '{"type": "x"}'),
        ({"output": None}, "The result is not in this conversation."),
    ],
)
def test_a_call_without_output_says_why(more, told):
    assert written(read({**CALL, **more}))[1]["output"] == told


def test_what_was_said_of_a_request_is_known_until_its_call_has_followed():
    history = read(SAY, ASK, answer(True))
    assert [asked.id for asked in approved(history)] == ["mcpr_1"]
    assert (refusals(history), history.at, written(history)[1]["type"]) == ([], 2, "function_call")
    history = read(SAY, ASK, answer(True), {**CALL, "approval_request_id": "mcpr_1"})
    assert (approved(history), len(written(history))) == ([], 3)
    history = read(SAY, ASK, answer(False, reason="No."))
    assert decode(refusals(history)[0])["output"] == "The user declined this call. No."
    assert decode(refusals(read(SAY, ASK))[0])["output"] == "The user has not approved this call."
    assert decode(refusals(read(SAY, ASK, answer(False)))[0])["output"] == "The user declined this call."


def test_a_conversation_that_was_kept_comes_first():
    before = read(SAY, ASK)
    history = read(answer(True), SAY, before=before)
    assert (len(history.entries), history.at, len(approved(history))) == (3, 2, 1)
    assert (len(before.entries), before.answered) == (2, {})


def test_items_of_servers_elsewhere_pass_as_they_came():
    items = [CALL, LIST, ASK]
    history = read(*items, ours=lambda label: False)
    assert written(history) == items
    assert (history.listed, history.asked) == ({}, {})


def test_text_is_a_message_and_nothing_is_nothing():
    assert written(read_input(Raw(b'"Hi"'), bool, History())) == [{"type": "message", "role": "user", "content": "Hi"}]
    assert read_input(None, bool, History()).entries == read_input(Raw(b"null"), bool, History()).entries == []


def test_a_call_that_was_not_made_is_no_part_of_it():
    assert written(read(SAY, {**CALL, "status": "incomplete", "output": None})) == [SAY]


def test_thoughts_that_only_their_provider_could_find_are_left_out_with_the_ids_that_lead_there():
    kept = {"type": "reasoning", "id": "rs_1", "encrypted_content": "x"}
    lost = {"type": "reasoning", "id": "rs_2", "summary": []}
    call = {"type": "function_call", "id": "fc_1", "name": "a"}
    raws = [Raw(json.dumps(one).encode()) for one in (kept, call, lost)]
    assert [decode(one) for one in readable(raws[:2])] == [kept, call]
    without = {"type": "reasoning", "encrypted_content": "x"}, {"type": "function_call", "name": "a"}
    assert [decode(one) for one in readable(raws)] == list(without)


@pytest.mark.parametrize("items", [[answer(True)], [{**CALL, "arguments": 1}], [7], {"a": 1}])
def test_what_cannot_be_read_names_the_input(items):
    with pytest.raises(Refusal, match="invalid_body"):
        read_input(Raw(json.dumps(items).encode()), bool, History())


def test_ids_of_calls_are_short():
    assert call_id("mcp_1") == "mcp_1"
    assert len(call_id("x" * 65)) == len(call_id("")) == 37
