"""Texts become vectors: one thread for all, several texts at once when several wait, and never on the loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from triplegate.core.exchange import Exchange

_BATCH = 16
_MOST = 256
"""Texts that wait; more are not embedded."""


class Model(Protocol):
    """An embedding model, loaded."""

    fingerprint: str
    """Model and build: vectors of two builds are never compared."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit vectors, float32, one row a text. Blocks."""
        ...


class Embeds(Protocol):
    """What makes vectors of texts."""

    failure: str
    """Why texts are not embedded now; empty when they are."""

    @property
    def fingerprint(self) -> str:
        """Of the model; empty until it is known."""
        ...

    @property
    def ready(self) -> bool:
        """Whether texts can be embedded now."""
        ...

    def begin(self) -> None:
        """Load what must be loaded, unless that has begun."""
        ...

    async def embed(self, text: str, *, later: bool = False, asker: Exchange | None = None) -> bytes | None:
        """The unit vector of `text`; None where there is none in time.

        `later`: no caller waits for it. `asker`: in whose name a provider is asked, if one is.
        """
        ...

    async def run(self, work: Callable[[], None]) -> None:
        """Something else that computes, off the loop."""
        ...


class Embedder:
    """A model behind one thread. It is loaded there, too: until it is there, nothing is embedded."""

    __slots__ = ("_busy", "_later", "_load", "_loading", "_model", "_pool", "_waiting", "dropped", "failure")

    def __init__(self, load: Callable[[], Model]) -> None:
        self._load = load
        self._model: Model | None = None
        self._pool = ThreadPoolExecutor(1, "embed")
        self._waiting: list[tuple[str, asyncio.Future[bytes]]] = []
        self._later: list[tuple[str, asyncio.Future[bytes]]] = []
        """Texts that nobody waits for: one at a time, when no other waits."""
        self._busy = False
        self._loading: asyncio.Future[None] | None = None
        self.failure = ""
        """Why the model cannot be had."""
        self.dropped = 0
        """Texts that were not embedded because too many waited."""

    @property
    def fingerprint(self) -> str:
        """Of the model; empty until it is loaded."""
        return self._model.fingerprint if self._model is not None else ""

    @property
    def ready(self) -> bool:
        """Whether texts can be embedded now."""
        return self._model is not None

    def begin(self) -> None:
        """Load the model in its thread, unless that has begun or failed."""
        if self._model is None and not self._busy and not self.failure:
            self._busy = True
            self._loading = asyncio.get_running_loop().run_in_executor(self._pool, self._take)
            self._loading.add_done_callback(lambda _: self._next())

    async def loaded(self) -> bool:
        """Wait until the model is loaded; False where it cannot be had."""
        self.begin()
        if self._model is None and self._loading is not None:
            await asyncio.wait([self._loading])
        return self._model is not None

    def _take(self) -> None:
        try:
            self._model = self._load()
        except Exception as error:  # noqa: BLE001 - a library's own; told as the status of whoever needs it
            self.failure = f"{type(error).__name__}: {error}"

    async def embed(
        self,
        text: str,
        *,
        later: bool = False,
        asker: Exchange | None = None,
    ) -> bytes | None:
        """The unit vector of `text`; None where the model is not there or too much waits.

        `later`: no caller waits for it, so that it lets those pass for whom one does.
        """
        if self._model is None:
            self.begin()
            return None
        queue = self._later if later else self._waiting
        if len(queue) >= _MOST:
            self.dropped += 1
            return None
        vector: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        queue.append((text, vector))
        if not self._busy:
            self._start()
        try:
            return await vector
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self.failure = f"{type(error).__name__}: {error}"
            return None

    async def embed_all(self, texts: Sequence[str]) -> list[bytes] | None:
        """The unit vectors of texts that belong together; None where the model is not there or too much waits."""
        if self._model is None or len(self._waiting) + len(texts) > _MOST:
            self.dropped += len(texts)
            return None
        make = asyncio.get_running_loop().create_future
        queued: list[tuple[str, asyncio.Future[bytes]]] = [(text, make()) for text in texts]
        vectors = [vector for _, vector in queued]
        self._waiting += queued
        if not self._busy:
            self._start()
        try:
            await asyncio.wait(vectors)
            return [vector.result() for vector in vectors]
        except asyncio.CancelledError:
            for vector in vectors:
                vector.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self.failure = f"{type(error).__name__}: {error}"
            return None

    async def run(self, work: Callable[[], None]) -> None:
        """Something else that computes, in the same thread."""
        await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _start(self) -> None:
        if self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        else:
            batch, self._later = self._later[:1], self._later[1:]
        self._busy = True
        working = asyncio.get_running_loop().run_in_executor(self._pool, self._encoded, [text for text, _ in batch])
        working.add_done_callback(lambda done: self._done(done, batch))

    def _encoded(self, texts: list[str]) -> list[bytes]:
        assert self._model is not None
        rows = np.asarray(self._model.encode(texts), dtype=np.float32)
        return [row.tobytes() for row in rows]

    def _done(self, done: "asyncio.Future[list[bytes]]", batch: list[tuple[str, "asyncio.Future[bytes]"]]) -> None:
        error = done.exception()
        self.failure = "" if error is None else self.failure
        for at, (_, vector) in enumerate(batch):
            if vector.done():
                continue
            if error is not None:
                vector.set_exception(error)
            else:
                vector.set_result(done.result()[at])
        self._next()

    def _next(self) -> None:
        self._busy = False
        if (self._waiting or self._later) and self._model is not None:
            self._start()

    def close(self) -> None:
        """The thread ends when its work is done."""
        self._pool.shutdown(wait=False, cancel_futures=True)
