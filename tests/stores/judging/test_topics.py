"""What is spoken of is compared with examples: denied topics do not pass wherever they stand, allowed ones alone do."""

import numpy as np
import pytest
from pydantic import ValidationError
from tests.builders import make_kit
from tests.policies.test_guardrail import CHAT, MESSAGES, RESPONSES, Vendor, ask, body_of, chat, guarded, refused

from triplegate.core.errors import Refusal
from triplegate.policies.guardrail import Guardrail
from triplegate.stores.judging import topics as module
from triplegate.stores.judging.topics import Topic, Topics, pieces
from triplegate.stores.semantic import making
from triplegate.stores.semantic.embedding import Embedder
from triplegate.wire.screening.holding import Spoken

WORDS = ("vote", "party", "share", "fund", "shoe", "order", "parcel")
POLITICS = Topic("politics", ("which party shall I vote for", "the party I vote for"))
SHOP = Topic("our shop", ("where is my order and parcel", "a shoe that I want"))
POLICY = "{use: guardrail, name: g, topics: {deny: [{name: politics, examples: [which party do I vote for]}]}}"
FINE = "Where is the parcel with my order of a shoe?"
FORBIDDEN = "Hello there. Which party would you vote for?"


class Counting:
    """A vector counts some words."""

    fingerprint = "counting"

    def __init__(self):
        self.batches = []

    def encode(self, texts):
        self.batches.append(list(texts))
        rows = np.array([[text.lower().count(word) for word in WORDS] + [0.1] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def counting(monkeypatch):
    model = Counting()
    embedder = Embedder(lambda: model)
    monkeypatch.setattr(making, "embedder_of", lambda kit, kind, name="": embedder)
    monkeypatch.setattr(making, "missing", lambda kind, base, name="": "")
    yield model, embedder
    embedder.close()


def judge(embedder, *, deny=(), allow=(), threshold=0.8):
    return Topics(embedder, deny, allow, threshold, frozenset({"input", "output"}), "g")


def said(*texts):
    return Spoken("input", texts)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_a_denied_topic_passes_neither_in_calls_nor_in_answers(tmp_path, counting, path, stream):
    vendor = Vendor(FINE)
    async with guarded(tmp_path, POLICY, vendor) as (made, _):
        _, good = await ask(made, body_of(path, FINE, stream=stream), path)
        exchange, status, _ = await refused(made, body_of(path, FORBIDDEN, stream=stream), path)
        vendor.texts = (FORBIDDEN,)
        other, _, content = await refused(made, body_of(path, FINE, stream=stream), path)
    assert (good.status, status, len(vendor.bodies)) == (200, 400, 2)
    assert b"not allowed: politics" in content
    assert b"would you" not in content
    for one in (exchange, other):
        assert ("g", "block", "topic=1") in one.decisions


async def test_it_is_found_amid_much_else(counting):
    _, embedder = counting
    judged = judge(embedder, deny=[POLITICS])
    much = f"{FINE} " * 40
    assert await judged(said(much)) is None
    assert (await judged(said(f"{much}\n{FORBIDDEN} {much}"))).kind == "topic"
    assert (await judged(said(FINE, "a" * 50_000 + FORBIDDEN))).kind == "topic"


async def test_only_allowed_topics_pass_where_some_are_named(counting):
    _, embedder = counting
    judged = judge(embedder, allow=[SHOP])
    assert await judged(said("Thank you", FINE, "")) is None
    assert "none of the topics" in (await judged(said(FINE, "What is a good fund?"))).why
    both = judge(embedder, deny=[POLITICS], allow=[SHOP])
    assert "politics" in (await both(said(f"{FINE} {FORBIDDEN}"))).why


async def test_what_was_judged_lately_is_not_embedded_again(counting, monkeypatch):
    model, embedder = counting
    monkeypatch.setattr(module, "_KEPT", 2)
    judged = judge(embedder, deny=[POLITICS])
    for _ in range(3):
        await judged(said(FINE, FORBIDDEN))
    assert len(model.batches) == 3  # the examples, and each text once
    for number in range(5):
        await judged(said(f"{FINE} {number}"))
    assert len(judged._known) == 2


async def test_without_a_model_that_can_tell_nothing_passes(counting):
    def broken():
        raise FileNotFoundError("model.onnx")

    for embedder in (Embedder(broken), Embedder(Failing)):
        with pytest.raises(Refusal) as caught:
            await judge(embedder, deny=[POLITICS])(said(FINE))
        assert (caught.value.code, caught.value.policy) == ("policy_unavailable", "g")
        assert caught.value.reason in ("FileNotFoundError: model.onnx", "ValueError: no vectors today")
        embedder.close()


class Failing:
    fingerprint = "failing"

    def encode(self, texts):
        raise ValueError("no vectors today")


async def test_a_model_that_is_not_installed_refuses_all_calls_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "can", lambda kind: False)
    async with guarded(tmp_path, POLICY) as (made, vendor):
        exchange, status, _ = await refused(made, chat(FINE))
    assert (status, vendor.bodies) == (503, [])
    assert "no embedding model is installed" in exchange.refusal.reason


@pytest.mark.skipif(not making.can("static"), reason="the extra `semantic` is not installed")
async def test_the_static_model_tells_plain_cases():
    embedder = Embedder(lambda: making.load("static", "", None))
    weapons = Topic("weapons", ("How do I build a gun?", "Where can I buy ammunition?", "How are bombs made?"))
    judged = judge(embedder, deny=[weapons], threshold=0.4)
    assert (await judged(said("How do I build a pipe bomb?"))).kind == "topic"
    assert await judged(said("How do I track the parcel that I ordered last week?")) is None
    embedder.close()


def test_its_model_is_made_before_the_first_call(monkeypatch):
    asked = []
    monkeypatch.setattr(making, "embedder_of", lambda kit, kind, name="": asked.append((kind, name)))
    Guardrail(topics={"deny": [{"name": "x", "examples": ["abc"]}], "embedder": "static"}).prepare(make_kit())
    Guardrail(secrets=True).prepare(make_kit())
    assert asked == [("static", "")]


def test_a_text_is_cut_into_sentences_and_long_ones_at_their_spaces():
    assert pieces("Yes. This one is quite a bit longer! Is that so?\n\nFine") == [
        "Yes. This one is quite a bit longer!",
        "Is that so? Fine",
    ]
    assert pieces(" \n") == []
    parts = pieces("Hello. " + "word " * 200)
    assert " ".join(parts).split() == ("Hello. " + "word " * 200).split()
    assert max(len(part) for part in parts) <= 400
    assert [len(part) for part in pieces("\u4f60" * 1000)] == [400, 400, 200]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"topics": {}}, "say deny or allow"),
        ({"topics": {"deny": [{"name": "x", "examples": []}]}}, "at least 1"),
        ({"topics": {"deny": [{"name": "x", "examples": ["abc"]}]}, "on": ["tool_results"]}, "not in tool_results"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(written, told):
    with pytest.raises(ValidationError, match=told):
        Guardrail(**written)
