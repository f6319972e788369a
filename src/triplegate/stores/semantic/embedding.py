"""Texts become vectors: one thread for callers, one for the rest, several texts at once, and never on the loop."""

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


class _Lane:
    """Texts that wait for one thread."""

    __slots__ = ("busy", "most", "pool", "waiting")

    def __init__(self, name: str, most: int) -> None:
        self.pool = ThreadPoolExecutor(1, name)
        self.most = most
        """Texts that are embedded together."""
        self.waiting: list[tuple[str, asyncio.Future[bytes]]] = []
        self.busy = False


class Embedder:
    """A model behind two threads: one for texts that somebody waits for, one for those that nobody does.

    An answer takes ten times as long as a question: it must not stand in a question's way. The model is loaded there,
    too: until it is there, nothing is embedded.
    """

    __slots__ = ("_calls", "_later", "_load", "_loading", "_model", "dropped", "failure")

    def __init__(self, load: Callable[[], Model]) -> None:
        self._load = load
        self._model: Model | None = None
        self._calls, self._later = _Lane("embed", _BATCH), _Lane("embed-later", 1)
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
        """Load the model in a thread, unless that has begun or failed."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._calls.pool, self._take)

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

        `later`: no caller waits for it, so that it is in no caller's way.
        """
        if self._model is None:
            self.begin()
            return None
        lane = self._later if later else self._calls
        if len(lane.waiting) >= _MOST:
            self.dropped += 1
            return None
        vector: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        lane.waiting.append((text, vector))
        if not lane.busy:
            self._start(lane)
        try:
            return await vector
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self.failure = f"{type(error).__name__}: {error}"
            return None

    async def embed_all(self, texts: Sequence[str]) -> list[bytes] | None:
        """The unit vectors of texts that belong together; None where the model is not there or too much waits."""
        lane = self._calls
        if self._model is None or len(lane.waiting) + len(texts) > _MOST:
            self.dropped += len(texts)
            return None
        make = asyncio.get_running_loop().create_future
        queued: list[tuple[str, asyncio.Future[bytes]]] = [(text, make()) for text in texts]
        vectors = [vector for _, vector in queued]
        lane.waiting += queued
        if not lane.busy:
            self._start(lane)
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
        """Something else that computes, in the thread that nobody waits for."""
        await asyncio.get_running_loop().run_in_executor(self._later.pool, work)

    def _start(self, lane: _Lane) -> None:
        batch, lane.waiting = lane.waiting[: lane.most], lane.waiting[lane.most :]
        lane.busy = True
        working = asyncio.get_running_loop().run_in_executor(lane.pool, self._encoded, [text for text, _ in batch])
        working.add_done_callback(lambda done: self._done(done, lane, batch))

    def _encoded(self, texts: list[str]) -> list[bytes]:
        assert self._model is not None
        rows = np.asarray(self._model.encode(texts), dtype=np.float32)
        return [row.tobytes() for row in rows]

    def _done(
        self, done: "asyncio.Future[list[bytes]]", lane: _Lane, batch: list[tuple[str, "asyncio.Future[bytes]"]]
    ) -> None:
        error = done.exception()
        self.failure = "" if error is None else self.failure
        for at, (_, vector) in enumerate(batch):
            if vector.done():
                continue
            if error is not None:
                vector.set_exception(error)
            else:
                vector.set_result(done.result()[at])
        lane.busy = False
        if lane.waiting:
            self._start(lane)

    def close(self) -> None:
        """The threads end when their work is done."""
        for lane in (self._calls, self._later):
            lane.pool.shutdown(wait=False, cancel_futures=True)
