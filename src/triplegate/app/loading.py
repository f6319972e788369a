"""Models that compare texts are loaded before calls come: whatever thread loads one, it holds the loop up."""

import asyncio
import sys

from triplegate.core.ports import Kit

LONGEST = 30.0
"""Seconds; what takes longer is loaded while calls are served, and questions are not compared until then."""


async def load_models(kit: Kit, within: float = LONGEST) -> None:
    """Load what the documents' policies have prepared; nothing, and no import, where none has.

    One that cannot be loaded says so itself.
    """
    module = sys.modules.get("triplegate.stores.semantic.embedding")
    embedders = kit.states.every(module.Embedder) if module is not None else ()
    for embedder in embedders:
        embedder.begin()
    try:
        async with asyncio.timeout(within):
            for embedder in embedders:
                await embedder.loaded()
    except TimeoutError:
        print("the embedding models take long to load; calls are served meanwhile", file=sys.stderr, flush=True)
