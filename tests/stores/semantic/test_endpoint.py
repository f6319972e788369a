"""Vectors from a model of the llm gate: paid for by whoever asks, together what waits together, and never a failure."""

import asyncio

import numpy as np
import pytest
from tests.policies.test_exact_cache import another
from tests.stores.semantic.providing import asked, providing, until, vector_of

from triplegate.stores.semantic import endpoint as module
from triplegate.stores.semantic.endpoint import EndpointEmbedder


def unit(text):
    row = np.array(vector_of(text), dtype=np.float32)
    return row / np.linalg.norm(row)


@pytest.fixture
async def ready(tmp_path):
    async with providing(tmp_path) as (made, provider):
        embedder = EndpointEmbedder(made.kit, "e", timeout=20)
        yield made, provider, embedder
        provider.go.set()
        embedder.close()


async def test_a_text_becomes_the_endpoints_vector_of_length_one(ready):
    made, provider, embedder = ready
    vector = await embedder.embed("How far is the moon?", asker=await asked(made))
    assert np.allclose(np.frombuffer(vector, np.float32), unit("How far is the moon?"), atol=1e-6)
    assert provider.embedded == [{"model": "x", "input": ["How far is the moon?"], "encoding_format": "float"}]
    assert (embedder.fingerprint, embedder.failure, embedder.ready) == ("endpoint:e:embedding-1:24", "", True)


async def test_it_is_a_call_of_whoever_asks_in_the_ledger(ready):
    made, _, embedder = ready
    exchange = await asked(made)
    await embedder.embed("How far is the moon?", asker=exchange)
    record = made.records[-1]
    assert (record.parent, record.team, record.consumer, record.cost) == (exchange.id, "web", "ci", 70_000)
    assert record.target == "p/x"


async def test_texts_of_one_caller_that_wait_go_together_and_those_of_two_never(ready):
    made, provider, embedder = ready
    mine, theirs = await asked(made), await asked(made, **another(made, "ops", "ci"))
    provider.go.clear()
    tasks = [asyncio.create_task(embedder.embed("first", asker=mine))]
    await provider.came.wait()
    tasks += [asyncio.create_task(embedder.embed(text, asker=mine)) for text in ("second", "third")]
    tasks.append(asyncio.create_task(embedder.embed("other", asker=theirs)))
    await until(lambda: len(provider.embedded) == 2)
    provider.go.set()
    found = await asyncio.gather(*tasks)
    assert [one["input"] for one in provider.embedded] == [["first"], ["other"], ["second", "third"]]
    for text, vector in zip(("first", "second", "third", "other"), found, strict=True):
        assert np.allclose(np.frombuffer(vector, np.float32), unit(text), atol=1e-6)


async def test_what_takes_too_long_is_not_waited_for(ready):
    made, provider, embedder = ready
    provider.go.clear()
    embedder.timeout = 0.01
    assert await embedder.embed("How far is the moon?", asker=await asked(made)) is None
    assert embedder.failure == "no answer in 0.01 s"


ROW = {"index": 0, "embedding": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"data": []}, "0 vectors for 1 texts"),
        ({"data": [ROW, ROW]}, "2 vectors for 1 texts"),
        ({"data": [{"index": 0, "embedding": []}]}, "dimensions"),
        ({"data": [{"index": 0, "embedding": [0.0, 0.0]}]}, "without a direction"),
        ({"data": [{"index": 0, "embedding": "AAAA"}]}, "array"),
        ({"error": "no"}, "upstream_malformed"),
    ],
)
async def test_what_is_no_answer_gives_no_vector(ready, body, why):
    made, provider, embedder = ready
    provider.body = body
    assert await embedder.embed("How far is the moon?", asker=await asked(made)) is None
    assert why in embedder.failure


async def test_a_provider_that_fails_gives_no_vector(ready):
    made, provider, embedder = ready
    provider.status = b"400 Bad Request"
    assert await embedder.embed("How far is the moon?", asker=await asked(made)) is None
    assert embedder.failure == "upstream_malformed: status 400"


async def test_dimensions_are_asked_for_and_others_are_none(tmp_path):
    async with providing(tmp_path) as (made, provider):
        embedder = EndpointEmbedder(made.kit, "e", 23, timeout=20)
        assert await embedder.embed("x", asker=await asked(made)) is None
        assert provider.embedded[0]["dimensions"] == 23
        assert "24" in embedder.failure


async def test_vectors_of_another_model_are_not_compared_until_it_is_the_one(ready):
    made, provider, embedder = ready
    exchange = await asked(made)
    await embedder.embed("x", asker=exchange)
    provider.model = "fallback"
    assert [await embedder.embed("x", asker=exchange) is None for _ in range(3)] == [True, True, False]
    assert embedder.fingerprint == "endpoint:e:fallback:24"


async def test_a_limit_of_the_model_holds_and_the_question_goes_on_without(tmp_path):
    limit = ", policies: [{use: rate_limit, requests: 1, window: 1h}]"
    async with providing(tmp_path, more=limit) as (made, provider):
        embedder = EndpointEmbedder(made.kit, "e", timeout=20)
        exchange = await asked(made)
        assert await embedder.embed("x", asker=exchange) is not None
        assert await embedder.embed("x", asker=exchange) is None
        assert embedder.failure.startswith("upstream_malformed: status 429")
        assert len(provider.embedded) == 1


async def test_too_many_that_wait_are_dropped(ready, monkeypatch):
    made, provider, embedder = ready
    monkeypatch.setattr(module, "_MOST", 1)
    exchange = await asked(made)
    provider.go.clear()
    first = asyncio.create_task(embedder.embed("first", asker=exchange))
    await provider.came.wait()
    second = asyncio.create_task(embedder.embed("second", asker=exchange))
    await asyncio.sleep(0)
    assert await embedder.embed("third", asker=exchange) is None
    assert embedder.dropped == 1
    provider.go.set()
    assert None not in await asyncio.gather(first, second)


async def test_nobody_is_asked_in_nobodys_name(ready):
    _, provider, embedder = ready
    assert await embedder.embed("x") is None
    assert provider.embedded == []
