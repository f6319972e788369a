"""What routing may know of a call."""

import json

import msgspec
from tests.gates.llm.places import facts

from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.facts import Facts, in_background, repeatable
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.responses import RESPONSES

SYSTEM, HI = {"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}


def body(**members):
    return json.dumps({"model": "m", **members}).encode()


def test_conditions_are_told_sizes_and_counts():
    known = facts(messages=[SYSTEM, HI], tools=[{"type": "function"}], stream=True, max_tokens=7).variables()
    wanted = {"messages": 2, "tools": 1, "stream": True, "max_tokens": 7, "model": "m", "team": "web", "org": "acme"}
    assert {name: known[name] for name in wanted} == wanted
    assert (known["operation"], known["consumer"], known["end_user"]) == ("chat", "alice", "")
    assert known["prompt_tokens"] == known["prompt_bytes"] // 4


def test_a_conversation_keeps_its_name_while_it_grows():
    grown = [SYSTEM, HI, {"role": "assistant", "content": "hello"}, {"role": "user", "content": "x" * 100_000}]
    assert facts(messages=[SYSTEM, HI]).conversation() == facts(messages=grown).conversation()
    assert facts(messages=[HI]).conversation() != facts(messages=[SYSTEM, HI]).conversation()
    assert facts(messages=[HI], system="a").conversation() != facts(messages=[HI], system="b").conversation()


def test_only_so_much_of_its_beginning_counts():
    long = {"role": "system", "content": "x" * (64 << 10)}
    assert facts(messages=[long, HI]).conversation() == facts(messages=[long, {**HI, "content": "ho"}]).conversation()


def test_what_has_no_messages_has_no_conversation():
    assert facts(messages=[]).conversation() is None
    odd = facts(messages=[])
    assert (odd.variables()["messages"], odd.variables()["tools"]) == (0, 0)


def test_what_goes_on_in_the_background_is_known_by_its_own_word():
    said = '{"model":"m","input":"the \\"background\\": true","background":%s}'
    assert in_background(read_call(RESPONSES, (said % "true").encode()))
    assert not in_background(read_call(RESPONSES, (said % "false").encode()))
    assert not in_background(facts(background=True).call)


def test_a_call_that_leaves_something_behind_is_not_made_twice():
    assert repeatable(facts().call)
    assert repeatable(facts(store=False, messages=[{"role": "user", "content": 'the "store"'}]).call)
    assert not repeatable(facts(store=True).call)
    assert not repeatable(facts(background=True).call)
    pinned = facts().call
    pinned.pin = "g"
    assert not repeatable(pinned)
    responses = facts().call
    responses.endpoint = msgspec.structs.replace(CHAT, family="openai_responses")
    assert not repeatable(responses)  # they are stored unless said otherwise
    unsaved = facts(store=False).call
    unsaved.endpoint = responses.endpoint
    assert repeatable(unsaved)


def test_the_beginning_of_a_responses_call_is_known_too():
    said = [read_call(RESPONSES, body(input=given)) for given in ("hi", [HI], [HI, {"role": "user", "content": "ho"}])]
    known = [Facts(None, call) for call in said]
    assert [len(facts_._looked()[0]) for facts_ in known] == [1, 1, 2]
    assert known[1].conversation() == known[2].conversation() is not None
