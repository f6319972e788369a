"""Threads embed for all: together what waits together, in no caller's way, and nothing where there is no model."""

import asyncio
import threading

import numpy as np
import pytest

from triplegate.stores.semantic.embedding import Embedder


class Slow:
    """Embeds when it is let; notes what came together and in which thread."""

    fingerprint = "slow"

    def __init__(self):
        self.batches, self.threads = [], set()
        self.go, self.began = threading.Event(), threading.Event()
        self.held = ""
        """The text that waits; empty: all do."""
        self.go.set()

    def encode(self, texts):
        self.batches.append(list(texts))
        self.threads.add(threading.current_thread())
        self.began.set()
        if self.held in ("", *texts):
            self.go.wait(10)
        if "bad" in texts:
            raise ValueError("no vector for that")
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)


@pytest.fixture
async def slow():
    model = Slow()
    embedder = Embedder(lambda: model)
    assert await embedder.embed("too early") is None
    await until(lambda: embedder.ready)
    yield embedder, model
    model.go.set()
    embedder.close()


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.001)


async def test_a_text_becomes_its_vector_off_the_loop(slow):
    embedder, model = slow
    assert np.frombuffer(await embedder.embed("four"), np.float32).tolist() == [4.0, 1.0]
    assert threading.main_thread() not in model.threads
    assert embedder.fingerprint == "slow"


async def test_what_waits_together_is_embedded_together(slow):
    embedder, model = slow
    model.go.clear()
    first = asyncio.create_task(embedder.embed("first"))
    await until(model.began.is_set)
    others = [asyncio.create_task(embedder.embed(name)) for name in ("a", "bb")]
    await asyncio.sleep(0)
    model.go.set()
    async with asyncio.timeout(10):
        await asyncio.gather(first, *others)
    assert model.batches == [["first"], ["a", "bb"]]


async def test_what_nobody_waits_for_holds_no_caller_up(slow):
    embedder, model = slow
    model.held = "an answer"
    model.go.clear()
    answers = [asyncio.create_task(embedder.embed("an answer", later=True)) for _ in range(2)]
    await until(model.began.is_set)
    async with asyncio.timeout(10):
        assert await embedder.embed("a question") is not None
    assert not any(answer.done() for answer in answers)
    model.go.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*answers)
    assert model.batches == [["an answer"], ["a question"], ["an answer"]]


async def test_more_than_may_wait_is_not_embedded(slow):
    embedder, model = slow
    model.go.clear()
    tasks = [asyncio.create_task(embedder.embed(str(number))) for number in range(300)]
    await until(model.began.is_set)
    await until(lambda: embedder.dropped)
    model.go.set()
    async with asyncio.timeout(20):
        vectors = await asyncio.gather(*tasks)
    assert 0 < vectors.count(None) == embedder.dropped < 60


async def test_a_failure_of_the_model_is_no_failure_of_the_caller(slow):
    embedder, _ = slow
    assert await embedder.embed("bad") is None
    assert embedder.failure == "ValueError: no vector for that"
    assert await embedder.embed("good") is not None


async def test_a_model_that_cannot_be_loaded_is_told():
    def broken():
        raise FileNotFoundError("model.onnx")

    embedder = Embedder(broken)
    embedder.begin()
    await until(lambda: embedder.failure)
    assert embedder.failure == "FileNotFoundError: model.onnx"
    assert await embedder.embed("x") is None
    embedder.close()


async def test_other_work_runs_in_the_thread_that_nobody_waits_for(slow):
    embedder, model = slow
    await embedder.embed("x", later=True)
    found = []
    await embedder.run(lambda: found.append(threading.current_thread()))
    assert set(found) == model.threads


async def test_whoever_needs_the_model_waits_until_it_is_there(slow):
    _, model = slow
    fresh = Embedder(lambda: model)
    assert (fresh.ready, await fresh.loaded(), fresh.ready) == (False, True, True)
    assert await fresh.loaded()
    fresh.close()


async def test_texts_that_belong_together_are_embedded_together_or_not_at_all(slow):
    embedder, model = slow
    vectors = await embedder.embed_all(["a", "bb", "ccc"])
    assert [np.frombuffer(one, np.float32)[0] for one in vectors] == [1.0, 2.0, 3.0]
    assert model.batches == [["a", "bb", "ccc"]]
    assert await embedder.embed_all(["good", "bad"]) is None
    assert await embedder.embed_all(["x"] * 300) is None
    assert embedder.dropped == 300


async def test_who_leaves_takes_all_its_texts_along(slow):
    embedder, model = slow
    model.go.clear()
    first = asyncio.create_task(embedder.embed("first"))
    await until(model.began.is_set)
    leaving = asyncio.create_task(embedder.embed_all(["a", "b"]))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    model.go.set()
    assert await first is not None
    assert await embedder.embed("next") is not None
