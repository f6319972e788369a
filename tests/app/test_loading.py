"""Models of meaning are there before the first call: whoever opens or reloads waits for them, but not for ever."""

import asyncio
import sys
import threading

import numpy as np
import pytest
from tests.app.conftest import CONFIGURATION, QUIET, read
from tests.builders import make_kit
from tests.journeys.running import write

from triplegate.app import Building
from triplegate.app.loading import load_models
from triplegate.stores.semantic import making
from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.meaning import Meaning

REMEMBERING = (
    CONFIGURATION
    + """
providers: {vendor: {base_url: "http://127.0.0.1:9/v1", auth: null, models: {x: {input: 1, output: 2}}}}
models:
  m:
    deployments: [{provider: vendor, model: x}]
    policies: [{use: semantic_cache, embedder: static}]
llm: {policies: [{use: key_auth}]}
"""
)


class Late:
    """A model that takes as long to load as a test wants."""

    fingerprint = "late"

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, *_):
        self.begun.set()
        self.go.wait(20)
        return self

    def encode(self, texts):
        return np.ones((len(texts), 1), dtype=np.float32)


@pytest.fixture
def late(monkeypatch):
    model = Late()
    monkeypatch.setattr(making, "can", lambda kind: kind == "static")
    monkeypatch.setattr(making, "load", model)
    yield model
    model.go.set()


@pytest.fixture
def kit():
    made = make_kit()
    yield made
    for embedder in made.states.every(Embedder):
        embedder.close()


async def begun(model):
    async with asyncio.timeout(20):
        while not model.begun.is_set():
            await asyncio.sleep(0.002)


async def test_it_waits_until_each_model_is_there(kit):
    slow, quick = Late(), Late()
    quick.go.set()
    embedders = [
        kit.state(Embedder, name, lambda model=model: Embedder(model)) for name, model in (("a", slow), ("b", quick))
    ]
    loading = asyncio.create_task(load_models(kit))
    await begun(slow)
    assert not loading.done()
    slow.go.set()
    async with asyncio.timeout(20):
        await loading
    assert [one.ready for one in embedders] == [True, True]


async def test_what_takes_too_long_is_loaded_while_calls_are_served(kit, capsys):
    slow = Late()
    embedder = kit.state(Embedder, "a", lambda: Embedder(slow))
    await load_models(kit, 0.01)
    assert not embedder.ready
    assert "calls are served meanwhile" in capsys.readouterr().err
    slow.go.set()
    async with asyncio.timeout(20):
        assert await embedder.loaded()


async def test_what_cannot_be_loaded_holds_nobody_up(kit):
    def broken():
        raise OSError("no such file")

    embedder = kit.state(Embedder, "a", lambda: Embedder(broken))
    await load_models(kit)
    assert embedder.failure == "OSError: no such file"


async def test_where_nothing_is_compared_nothing_is_imported(kit, monkeypatch):
    monkeypatch.delitem(sys.modules, "triplegate.stores.semantic.embedding")
    await load_models(kit)
    assert "triplegate.stores.semantic.embedding" not in sys.modules


async def test_a_gateway_opens_with_its_models(folder, late):
    write(folder, REMEMBERING)
    made = Building(read(folder), folder, {}, environment=QUIET)
    opening = asyncio.create_task(made.open())
    try:
        await begun(late)
        assert not opening.done()
        late.go.set()
        async with asyncio.timeout(20):
            await opening
        assert [one.ready for one in made.kit.states.every(Embedder)] == [True]
    finally:
        late.go.set()
        await made.close()


async def test_a_reload_that_needs_a_model_serves_when_it_is_there(building, folder, late):
    found = []
    building.gateway.on_swap.append(lambda _: found.extend([one.ready for one in building.kit.states.every(Embedder)]))
    write(folder, REMEMBERING)
    reloading = asyncio.create_task(building.reloading.reload())
    await begun(late)
    assert not reloading.done()
    late.go.set()
    async with asyncio.timeout(20):
        assert (await reloading).changed
    assert found == [True]


async def test_what_was_learnt_outlives_reloads_that_saw_no_call(building, folder, late):
    late.go.set()
    write(folder, REMEMBERING)
    await building.reloading.reload()
    [memory] = building.kit.states.every(Meaning)
    for path in ("/a", "/b", "/c"):
        write(folder, REMEMBERING.replace("path: /orders", f"path: {path}"))
        assert (await building.reloading.reload()).changed
    assert building.kit.states.every(Meaning) == [memory]
