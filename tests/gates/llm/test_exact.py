"""Exact counts: of every part of a call, at once or in a thread, and only where the vocabulary is known."""

import json
from types import SimpleNamespace

import pytest
from tests.builders import ALICE, make_kit
from tests.gates.built import built
from tests.gates.llm.calls import configuration
from tests.gates.llm.places import model, place

from triplegate.core.estimator import IMAGE
from triplegate.core.learned import Learned
from triplegate.gates.llm.beside import Beside
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.demand import LlmDemand
from triplegate.gates.llm.exact import ON_LOOP, Exact
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.messages import MESSAGES
from triplegate.gates.llm.ranks import Ranks


class Known:
    """Vocabularies that count words."""

    def __init__(self, **encodes):
        self.encodes = encodes

    def encode_of(self, name):
        return self.encodes.get(name)


def words(text):
    return text.split()


class Counting(Beside):
    """Notes what it was given."""

    def __init__(self):
        super().__init__()
        self.ran = 0

    async def run(self, work, *inputs):
        self.ran += 1
        return work(*inputs)


async def counted(endpoint, body, known=None, beside=None):
    call = read_call(endpoint, json.dumps({"model": "m", **body}).encode())
    await Exact(known or Known(x=words), frozenset({"x"}), beside or Counting()).count(call)
    return call


async def test_every_message_has_its_text_and_a_frame():
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "tell me of the sea"}]
    call = await counted(CHAT, {"messages": messages})
    assert call.exact_tokens == 3 + (4 + 2) + (4 + 5)


async def test_calls_of_tools_their_results_and_pictures_count():
    use = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sea"}'}}
    picture = {"type": "image_url", "image_url": {"url": "https://example.test/a.png"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "one two"}, picture]},
        {"role": "assistant", "tool_calls": [use]},
        {"role": "tool", "tool_call_id": "call_1", "content": "three four five"},
    ]
    call = await counted(CHAT, {"messages": messages})
    assert call.exact_tokens == 3 + (4 + 2 + IMAGE) + (4 + 1 + 2 + 3) + (4 + 3)


async def test_calls_with_tools_are_estimated():
    tool = {"type": "function", "function": {"name": "look", "description": "look at it", "parameters": {"a": 1}}}
    assert (await counted(CHAT, {"messages": [], "tools": [tool]})).exact_tokens == 0


async def test_other_dialects_and_embeddings_are_counted_too():
    body = {"system": "be brief", "max_tokens": 5, "messages": [{"role": "user", "content": "hello you"}]}
    assert (await counted(MESSAGES, body)).exact_tokens == 3 + 6 + 6
    assert (await counted(EMBEDDINGS, {"input": ["a b", "c"]})).exact_tokens == 3
    assert (await counted(EMBEDDINGS, {"input": [[1, 2, 3]]})).exact_tokens == 0


@pytest.mark.parametrize(("size", "threads"), [(ON_LOOP // 2, 0), (ON_LOOP * 2, 1), (2 << 20, 0)])
async def test_large_calls_are_counted_in_a_thread_and_huge_ones_are_estimated(size, threads):
    beside = Counting()
    call = await counted(CHAT, {"messages": [{"role": "user", "content": "a " * (size // 2)}]}, beside=beside)
    assert beside.ran == threads
    assert bool(call.exact_tokens) is (size < 1 << 20)


@pytest.mark.parametrize("known", [Known(), Known(x=None)])
async def test_where_the_vocabulary_is_not_known_nothing_is_counted(known):
    assert (await counted(CHAT, {"messages": []}, known)).exact_tokens == 0


async def test_two_vocabularies_for_one_model_are_none():
    call = read_call(CHAT, b'{"model":"m","messages":[]}')
    await Exact(Known(x=words, y=list), frozenset({"x", "y"}), Counting()).count(call)
    assert call.exact_tokens == 0


async def test_what_was_counted_is_set_aside_without_a_margin():
    call = await counted(CHAT, {"messages": [{"role": "user", "content": "one two three"}]})
    demand = LlmDemand(call, model(place("a")), Learned(), ALICE)
    assert demand.tokens("input", "typical") == demand.count() == call.exact_tokens == 10


async def test_a_body_that_nobody_can_read_is_left_to_whoever_forwards_it():
    assert (await counted(CHAT, {"messages": "no list"})).exact_tokens == 0


async def test_a_model_says_itself_how_it_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(Ranks, "encode_of", lambda ranks, name: words if name == "x" else None)
    monkeypatch.setattr(Ranks, "warm", lambda ranks, models, kit: None)
    deployment = "deployments: [{provider: p, model: x}]"
    models = {"m": f"{{{deployment}, count: exact}}", "n": f"{{{deployment}}}"}
    body = {"messages": [{"role": "user", "content": "one two three"}], "max_tokens": 5}
    async with built(tmp_path, configuration({"p": "http://127.0.0.1:1"}, models)) as made:
        answers = []
        for name in models:
            text = json.dumps({"model": name, **body}).encode()
            _, wire = await made.serve("POST", "/v1/messages/count_tokens", body=text)
            answers.append((wire.field(b"x-triplegate-tokens"), json.loads(wire.content)["input_tokens"]))
    assert answers[0] == (b"counted", 10)
    assert answers[1][0] == b"estimated"


def test_a_model_that_only_estimates_loads_nothing():
    assert Exact.of("m", "estimate", [place("a")], "a:1:1", make_kit()) is None


def test_what_is_missing_is_said_where_the_model_is_written(monkeypatch):
    kit = make_kit()
    monkeypatch.setattr("triplegate.gates.llm.ranks.PACKAGE", "not_installed_here")
    assert Exact.of("m", "exact", [place("a")], "models.yaml:3:5", kit) is not None
    assert kit.faults == ["models.yaml:3:5 m: tokens are estimated, not counted: not_installed_here is not installed"]


def test_patterns_of_names_are_not_told_twice(monkeypatch):
    kit = make_kit()
    monkeypatch.setattr("triplegate.gates.llm.ranks.PACKAGE", "not_installed_here")
    Exact.of("m-1", "exact", [SimpleNamespace(target=place("a").target)], "", kit)
    assert kit.faults == []
