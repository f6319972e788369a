"""State that a provider keeps: calls go back to where it is, for the team it was made for."""

import json

import pytest

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.gates.llm.call import Endpoint, read_call
from triplegate.gates.llm.origins import SealedRelay, Sealing, opened, pinned
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.wire import openai_errors
from triplegate.wire.openai_chat import edit_call
from triplegate.wire.openai_chat import read_call as look
from triplegate.wire.openai_stream import ChatStream
from triplegate.wire.seals import Seals

RESPONSES = Endpoint("chat", b"/responses", "openai_responses", look, edit_call, lambda text: None, ChatStream)
SEALS = Seals(b"pepper")
TEAM, GROUPS = "acme/web", ("openai:a", "openai:b")


def call(endpoint=RESPONSES, **members):
    return read_call(endpoint, json.dumps({"model": "m", **members}).encode())


def open_it(made, gone="refuse", groups=GROUPS, team=TEAM):
    return opened(made, SEALS, team, groups, gone)


def state(group, team=TEAM):
    return f"tgo1.{SEALS.tag(team, group)}.gAAA"


def reasoning(content):
    return {"type": "reasoning", "summary": [], "encrypted_content": content}


def test_a_call_without_state_is_the_very_same():
    made = call(input="hi")
    assert open_it(made) is made
    assert made.pin == ""


def test_who_may_be_meant_is_reckoned_only_for_calls_that_could_name_something():
    def groups():
        yield from GROUPS
        asked.append(True)

    for said, counted in (("a quick fox", False), ("file_id", True), ("resp_1_tg", True), ("caf\u00e9", True)):
        asked: list[bool] = []
        made = call(input=said)
        assert open_it(made, groups=groups()) is made
        assert bool(asked) is counted, said


def test_a_previous_response_pins_its_group_and_is_named_as_the_provider_knows_it():
    made = open_it(call(previous_response_id=SEALS.seal("resp_1", TEAM, "openai:b")))
    assert (made.pin, json.loads(made.look.text)["previous_response_id"]) == ("openai:b", "resp_1")


def test_encrypted_reasoning_pins_its_group_too():
    made = open_it(call(input=[reasoning(state("openai:a")), {"role": "user", "content": "hi"}]))
    assert (made.pin, json.loads(made.look.text)["input"][0]["encrypted_content"]) == ("openai:a", "gAAA")


@pytest.mark.parametrize(
    "members",
    [
        {"previous_response_id": SEALS.seal("resp_1", "acme/ops", "openai:a")},
        {"previous_response_id": SEALS.seal("resp_1", TEAM, "openai:gone")},
        {"input": [reasoning(state("openai:gone"))]},
        {"input": [reasoning(state("openai:a", "acme/ops"))]},
        {"previous_response_id": SEALS.seal("resp_1", TEAM, "openai:a"), "input": [reasoning(state("openai:b"))]},
    ],
)
def test_what_is_not_there_or_not_this_teams_is_refused(members):
    with pytest.raises(Refusal) as caught:
        open_it(call(**members))
    assert (caught.value.code, caught.value.status) == ("origin_gone", 409)


def test_a_response_that_nobody_keeps_is_told_to_be_missing():
    for name in ("resp_1", "resp_chatcmpl-1", "x", ""):
        with pytest.raises(Refusal) as caught:
            open_it(call(previous_response_id=name))
        assert (caught.value.code, caught.value.status) == ("previous_response_not_found", 400)
        assert caught.value.payload == {"param": "previous_response_id"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"input": [{"role": "user", "content": "hi"}, {"type": "item_reference", "id": "msg_1"}]}, "input"),
        ({"input": [{"id": "msg_1"}]}, "input"),
        ({"input": [{"id": "msg_1", "type": None}]}, "input"),
        ({"input": [{"id": "msg_1", "type": 7}]}, "input"),
    ],
)
def test_what_has_no_seal_cannot_be_referred_to(members, param):
    with pytest.raises(Refusal) as caught:
        open_it(call(**members))
    assert (caught.value.code, caught.value.status, caught.value.payload["param"]) == (
        "unsupported_parameter",
        400,
        param,
    )
    escaped = (
        json.dumps({"model": "m", **members})
        .replace("conversation", "conver\\u0073ation")
        .replace('"id"', '"\\u0069d"')
    )
    with pytest.raises(Refusal):
        open_it(read_call(RESPONSES, escaped.encode()))


def test_items_that_say_what_they_are_may_have_ids():
    items = [
        {"type": "message", "role": "assistant", "id": "msg_1", "content": "hi"},
        {"role": "user", "content": "ho", "id": "msg_2"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    made = call(input=items, conversation=None)
    assert open_it(made) is made


def test_reasoning_whose_deployment_is_gone_may_be_left_out():
    user = {"role": "user", "content": "hi"}
    made = open_it(call(input=[reasoning(state("openai:gone")), user, reasoning(None)]), gone="strip")
    assert (made.pin, json.loads(made.look.text)["input"]) == ("", [user, reasoning(None)])
    with pytest.raises(Refusal):
        open_it(call(previous_response_id=SEALS.seal("resp_1", TEAM, "openai:gone")), gone="strip")


def test_a_chats_files_pin_too_and_other_families_are_left_alone():
    part = {"type": "file", "file": {"file_id": SEALS.seal("file-ab12", TEAM, "openai:a")}}
    made = open_it(call(CHAT, messages=[{"role": "user", "content": [part]}]))
    assert made.pin == "openai:a"
    assert b'"file-ab12"' in made.look.text
    vectors = call(Endpoint("embeddings", b"/e", "embeddings", look, edit_call, lambda text: None))
    assert open_it(vectors) is vectors


def test_only_targets_of_the_group_are_picked():
    targets = [Target("deployment", name, group=group) for name, group in (("x", "a"), ("y", "b"), ("z", "b"))]
    pick = pinned(targets, "b")
    tried = []
    for name, role in (("y", "first"), ("z", "fallback"), ("z", "retry")):
        target, said = pick(tried)
        assert (target.name, said) == (name, role)
        tried.append(Attempt(len(tried), target, said, None, [], 0.0, None, None))
    with pytest.raises(Refusal):
        pinned(targets, "c")


def test_what_leaves_is_sealed_and_can_be_opened_again():
    sealing = Sealing(SEALS, TEAM, "openai:a")
    relay = SealedRelay(ChatStream(), openai_errors.event, sealing)
    event = b'data: {"response":{"id":"resp_9","encrypted_content":"gAAA"}}\n\n'
    sent = relay.feed(event[:20]) + relay.feed(event[20:])
    said = json.loads(sent.removeprefix(b"data: "))["response"]
    assert SEALS.open(said["id"], TEAM, GROUPS) == ("resp_9", "openai:a")
    assert said["encrypted_content"] == state("openai:a")
    assert relay.feed(b": x\n\n") == b": x\n\n"


MINE = SEALS.seal("resp_mine", TEAM, "openai:a")


@pytest.mark.parametrize(
    "text",
    [
        b'{"model":"m","previous\\u005fresponse_id":"%b"}' % SEALS.seal("resp_1", "acme/ops", "openai:a").encode(),
        b'{"model":"m","previous_response_id":["%b"]}' % MINE.encode(),
        b'{"model":"m","input":[{"type":"input_file","file_id":"file-1"}]}',
        b'{"model":"m","input":[{"type":"input_file","file_id":"file-1"}],"user":"%b"}' % MINE.encode(),
    ],
)
def test_an_id_without_its_seal_is_refused_however_it_is_written_and_whatever_stands_beside_it(text):
    with pytest.raises(Refusal) as caught:
        open_it(read_call(RESPONSES, text))
    assert caught.value.code == "origin_gone"


def test_a_previous_response_without_its_seal_is_missing_whatever_stands_beside_it():
    text = b'{"model":"m","previous_response_id":"resp_1","metadata":{"a":"%b"}}' % MINE.encode()
    with pytest.raises(Refusal) as caught:
        open_it(read_call(RESPONSES, text))
    assert caught.value.code == "previous_response_not_found"
