"""Embedders: unit vectors, one for each text, alike for what is alike, and under one name; the same of every kind."""

import asyncio
import contextlib

import numpy as np
import pytest
from tests.stores.semantic.providing import asked, providing, until

from triplegate.stores.semantic.embedding import Embedder
from triplegate.stores.semantic.endpoint import EndpointEmbedder
from triplegate.stores.semantic.exporting import export
from triplegate.stores.semantic.models import can, load

ALIKE = ("How do I reset my password?", "I forgot my password, how can I get a new one?")
OTHER = "The recipe needs two eggs and a spoon of sugar."


@contextlib.asynccontextmanager
async def threaded(kind, folder):
    embedder = Embedder(lambda: load(kind, "", export(folder).parent if kind == "onnx" else None))
    embedder.begin()
    try:
        await until(lambda: embedder.ready or embedder.failure, 60)
        yield embedder, None
    finally:
        embedder.close()


@contextlib.asynccontextmanager
async def remote(kind, folder):
    """The provider behind the endpoint embeds by the static model."""
    static = load("static", "", None)
    async with providing(folder) as (made, provider):
        provider.vector_of = lambda text: [float(value) for value in 3 * static.encode([text])[0]]
        embedder = EndpointEmbedder(made.kit, "e", timeout=20)
        try:
            yield embedder, await asked(made)
        finally:
            embedder.close()


KINDS = [
    pytest.param("static", threaded, marks=pytest.mark.skipif(not can("static"), reason="needs the extra semantic")),
    pytest.param("endpoint", remote, marks=pytest.mark.skipif(not can("static"), reason="needs the extra semantic")),
    pytest.param(
        "onnx",
        threaded,
        marks=[pytest.mark.long, pytest.mark.skipif(not can("onnx"), reason="needs the extra semantic")],
    ),
    pytest.param(
        "sentence-transformers",
        threaded,
        marks=[
            pytest.mark.long,
            pytest.mark.skipif(not can("sentence-transformers"), reason="needs the extra semantic"),
        ],
    ),
]


@pytest.mark.parametrize(("kind", "opened"), KINDS)
async def test_every_embedder_keeps_the_contract(kind, opened, tmp_path):
    async with opened(kind, tmp_path) as (embedder, asker):
        texts = [*ALIKE, OTHER, "x"]
        together = await asyncio.gather(*[embedder.embed(text, asker=asker) for text in texts])
        again = await embedder.embed(OTHER, later=True, asker=asker)
        one, two, other, short = [np.frombuffer(vector, np.float32) for vector in together]
        assert all(abs(float(np.linalg.norm(row)) - 1) < 0.001 for row in (one, two, other, short))
        assert float(one @ two) > float(one @ other)
        assert float(other @ np.frombuffer(again, np.float32)) > 0.98
        assert embedder.fingerprint
        assert embedder.ready
        done = []
        await embedder.run(lambda: done.append(True))
        assert done == [True]
