"""A question that means what another one meant gets its answer, in any dialect, and nobody else's."""

import itertools
import json

import numpy as np
import pytest
from tests.gates.built import documents_of
from tests.gates.llm.calls import USAGE
from tests.policies.test_exact_cache import Vendor, another, ask, caching, chat, said
from tests.stores.semantic.providing import providing, until
from tests.stores.semantic.test_judging import words_of

from triplegate.config.faults import ConfigError
from triplegate.control.remembered import namespaces
from triplegate.policies.semantic_cache import SemanticCache
from triplegate.stores.semantic import making
from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.meaning import Meaning

POLICY = "use: semantic_cache"


class Alike:
    """All questions are alike, each a little different; answers are, too."""

    fingerprint = "alike"

    def encode(self, texts):
        rows = []
        for text in texts:
            row = np.zeros(24, dtype=np.float32)
            row[0] = 4.0
            row[1 + sum(text.encode()) % 23] = 0.5
            rows.append(row / np.linalg.norm(row))
        return np.array(rows)


class Steady(Vendor):
    """Says the same every time."""

    async def _whole(self, talk, text):
        await super()._whole(talk, "Open the page, choose help and confirm.")

    async def _stream(self, talk, text):
        await super()._stream(talk, "Open the page, choose help and confirm.")


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    made = []

    def meaning_of(kit, kind, name=""):
        def make():
            made.append(Meaning(kit, Embedder(Alike), None))
            return made[-1]

        return kit.state(Meaning, "test", make)

    monkeypatch.setattr(making, "meaning_of", meaning_of)
    monkeypatch.setattr(making, "missing", lambda kind, base, name="": "")
    yield made
    for one in made:
        one.embedder.close()


async def taught(made, memory, count=70, **more):
    await ask(made, chat("Begin?"), **more)
    while not memory[0].embedder.ready:
        await ask(made, chat("Begin again?"), **more)
    for number in range(count):
        await ask(
            made, chat(f"How does thing word{'abcdefghij'[number % 10]}{'klmnopqrst'[number // 10]} work?"), **more
        )


async def test_what_means_the_same_is_told_again_and_costs_nothing(tmp_path, memory):
    async with caching(tmp_path, POLICY, Steady()) as (made, vendor):
        await taught(made, memory)
        asked = vendor.calls
        told = [await ask(made, chat(f"How does thing wordz{letter} work?")) for letter in "abcdefghijklmnop"]
        hits = [(exchange, wire) for exchange, wire in told if b"layer=semantic" in wire.field(b"x-triplegate-cache")]
    assert hits
    assert vendor.calls == asked + 16 - len(hits)
    exchange, wire = hits[0]
    assert said(wire) == "Open the page, choose help and confirm."
    assert json.loads(wire.content)["usage"].items() >= USAGE.items()
    assert exchange.numbers.saved == 200_000
    header = wire.field(b"x-triplegate-cache").decode()
    assert all(part in header for part in ("hit; layer=semantic; sim=", "; p=0.9", "; entry=", "; age="))


async def test_an_equal_question_needs_no_model(tmp_path, memory):
    async with caching(tmp_path, POLICY) as (made, vendor):
        await ask(made)
        _, wire = await ask(made)
    assert vendor.calls == 1
    assert wire.field(b"x-triplegate-cache").startswith(b"hit; layer=exact")


async def test_without_a_model_only_equal_questions_are_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "meaning_of", lambda kit, kind, name="": None)
    async with caching(tmp_path, POLICY) as (made, vendor):
        await ask(made)
        await ask(made)
        await ask(made, chat("How far away is the moon?"))
    assert vendor.calls == 2


@pytest.mark.parametrize(
    "body",
    [
        chat("How does thing number 7 work?"),
        chat("How does thing wordz not work?"),
        chat("How does thing wordz work today?"),
        chat("How does thing wordz work?", temperature=0.9),
        chat("How does thing wordz work?", max_tokens=7),
    ],
)
async def test_what_may_not_be_compared_is_asked(tmp_path, memory, body):
    async with caching(tmp_path, POLICY, Steady()) as (made, vendor):
        await taught(made, memory)
        before = vendor.calls
        _, wire = await ask(made, body)
    assert vendor.calls == before + 1
    assert wire.field(b"x-triplegate-cache") == b"miss"


def turn(role, content):
    return {"role": role, "content": content}


ASKED = turn("user", "How does thing wordzz work?")


@pytest.mark.parametrize(
    "before",
    [[turn("system", "Be brief.")], [turn("user", "Hi"), turn("assistant", "Hello")]],
    ids=["system", "history"],
)
async def test_another_system_prompt_or_history_shares_nothing(tmp_path, memory, before):
    async with caching(tmp_path, POLICY, Steady()) as (made, vendor):
        await taught(made, memory)
        calls = vendor.calls
        await ask(made, json.dumps({"model": "m", "messages": [*before, ASKED]}).encode())
    assert vendor.calls == calls + 1


async def test_teams_share_no_meaning_either(tmp_path, memory):
    async with caching(tmp_path, POLICY, Steady()) as (made, vendor):
        await taught(made, memory)
        before = vendor.calls
        call = another(made, "ops", "ci")
        for letter in "abcdefgh":
            await ask(made, chat(f"How does thing wordz{letter} work?"), **call)
    assert vendor.calls == before + 8


async def test_observing_asks_every_time(tmp_path, memory):
    async with caching(tmp_path, f"{POLICY}, mode: observe", Steady()) as (made, vendor):
        await taught(made, memory, 40)
        calls = vendor.calls
        verdicts = set()
        for letter in "abcdefghijklmnopqrst":
            exchange, _ = await ask(made, chat(f"How does thing wordz{letter} work?"))
            verdicts |= {verdict for _, verdict, _ in exchange.decisions}
    assert vendor.calls == calls + 20
    assert "would hit" in verdicts


async def test_no_cache_neither_takes_nor_learns_less(tmp_path, memory):
    async with caching(tmp_path, POLICY, Steady()) as (made, vendor):
        await taught(made, memory)
        before = vendor.calls
        await ask(made, chat("How does thing wordzz work?"), headers=[(b"cache-control", b"no-cache")])
    assert vendor.calls == before + 1


def test_what_is_said_of_equal_questions_holds_here_too():
    policy = SemanticCache(ttl="5m", scope="key", tags=("help",), largest="1KiB", client_control=False)
    terms = policy.terms()
    assert (terms.ttl, terms.scope, terms.tags, terms.largest) == (300.0, "key", ("help",), 1024)
    assert (terms.obeys, terms.tools) == (False, False)


def test_what_is_missing_is_its_status(monkeypatch):
    monkeypatch.setattr(making, "missing", lambda kind, base, name="": f"no {kind} {name}")

    class Kit:
        base = "."

    assert SemanticCache(embedder="onnx", model="mine").status(Kit()) == "no onnx mine"
    assert not SemanticCache.security


async def test_an_endpoints_vectors_are_as_good_and_it_costs_its_caller(tmp_path):
    more = "embedder: {kind: endpoint, model: e, timeout: 20s, dimensions: 24}"
    async with providing(tmp_path, f"{POLICY}, {more}") as (made, provider):
        told = await _until_hit(made)
        [memory] = made.kit.states.every(Meaning)
        records = [record for record in made.records if record.kind == "final"]
    assert told.field(b"x-triplegate-cache").startswith(b"hit; layer=semantic")
    assert memory.embedder.fingerprint == "endpoint:e:embedding-1:24"
    of_texts = [record for record in records if record.parent]
    assert len(of_texts) == len(provider.embedded)
    assert {(record.team, record.cost) for record in of_texts} == {("web", 70_000)}


async def _until_hit(made, most=200):
    """Ask ever other things until one is answered by another one's answer."""
    for number in range(most):
        word = "abcdefghij"[number % 10] + "klmnopqrst"[number // 10 % 10] + "uv"[number // 100]
        _, wire = await ask(made, chat(f"How does thing word{word} work?"))
        if b"layer=semantic" in wire.field(b"x-triplegate-cache"):
            return wire
    raise AssertionError("nothing was ever told again")


@pytest.mark.parametrize("broken", ["slow", "failing"])
async def test_an_endpoint_that_does_not_answer_leaves_equal_questions(tmp_path, broken):
    more = "embedder: {kind: endpoint, model: e, timeout: 10ms}"
    async with providing(tmp_path, f"{POLICY}, {more}") as (made, provider):
        if broken == "slow":
            provider.go.clear()
        else:
            provider.status = b"500 Internal Server Error"
        told = [await made.serve("POST", "/v1/chat/completions", body=chat(text)) for text in ("One?", "Two?")]
        assert [wire.status for _, wire in told] == [200, 200]
        provider.go.set()


async def test_a_judge_labels_what_nobody_else_can_tell(tmp_path, memory):
    """Whether what one of two answers denies matters is unclear; the judge's word is what is learnt from."""
    answers = itertools.cycle(
        ("Open the page, choose help and confirm.", "Open the page, choose help and do not wait.")
    )

    def said(body):
        return words_of(body)[0] if body["messages"][0]["role"] == "system" else next(answers)

    async with providing(tmp_path, f"{POLICY}, judge: {{model: j, share: 1, timeout: 20s}}") as (made, provider):
        provider.said = said
        await taught(made, memory, 12)
        [namespace] = memory[0].namespaces.values()
        await until(lambda: namespace.by_verdict.get("same"))
        await until(lambda: not made.kit.supervisor.running)
        records = [record for record in made.records if record.parent and record.kind == "final"]
        assert len(namespace.verdict) >= namespace.by_verdict["same"]
        [shown] = namespaces(made.kit.states)
    assert {(record.route, record.team) for record in records} == {("j", "web")}
    # what is shown is what the ledger has
    assert (shown.judge, shown.judge_cost) == ("j", sum(record.cost for record in records))
    assert shown.judged == {"same": len(records)}
    assert [verdict for verdict, _ in shown.verdicts] == ["same"] * len(records)


def test_models_that_it_names_must_be_there(tmp_path):
    text = "models:\n  m:\n    deployments: []\n    policies: [{{use: semantic_cache, {}}}]\n"
    for more in ("judge: {model: nobody}", "embedder: {kind: endpoint, model: nobody}"):
        with pytest.raises(ConfigError, match="unknown model 'nobody'"):
            documents_of(tmp_path, text.format(more))
