"""Vectors from an embeddings endpoint: a model of our own llm gate, asked in the name of whoever asks a question.

Texts of one caller that wait while it is asked go together in the next call; those of two callers never do, for each
pays for its own. What takes too long, or fails, is not embedded: the question is answered without.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.identity import Principal
from triplegate.core.ports import Kit
from triplegate.stores.answers.inside import inside

PATH = "/embeddings"
_BATCH = 64
_MOST = 256
"""Texts that wait; more are not embedded."""
_LARGEST = 8 << 20
_PATIENCE = 10.0
"""How many times as long the endpoint has where no caller waits for it."""
_WIDEST = 8192
"""Dimensions."""
_MOVED = 3
"""Answers of another model in a row after which it is the model: vectors of the one before are forgotten."""


class _Row(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Told(msgspec.Struct):
    data: list[_Row]
    model: str = ""


class _Line:
    """Texts of one caller that wait."""

    __slots__ = ("asker", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[str, asyncio.Future[bytes | None]]] = []
        self.asker: Exchange | None = None
        """Of the last one: in whose name all of them are asked."""


_told = msgspec.json.Decoder(_Told).decode


class EndpointEmbedder:
    """A model of the llm gate, as an embedder."""

    __slots__ = (
        "_dimensions",
        "_kit",
        "_lines",
        "_model",
        "_others",
        "_pool",
        "_waiting",
        "dropped",
        "failure",
        "fingerprint",
        "timeout",
    )
    ready = True

    def __init__(self, kit: Kit, model: str, dimensions: int = 0, timeout: float = 1.0) -> None:
        """`dimensions` are asked for where they are not 0."""
        self._kit, self._model, self._dimensions = kit, model, dimensions
        self.timeout = timeout
        """Seconds that a caller waits."""
        self._lines: dict[tuple[str, str, str], _Line] = {}
        self._waiting = self._others = 0
        self._pool: ThreadPoolExecutor | None = None
        self.fingerprint = ""
        """Of the model that answered; empty until one did."""
        self.failure = ""
        """Why the last texts were not embedded."""
        self.dropped = 0
        """Texts that were not embedded because too many waited."""

    def begin(self) -> None:
        """There is nothing to load."""

    async def embed(self, text: str, *, later: bool = False, asker: Exchange | None = None) -> bytes | None:
        """The unit vector of `text`, asked for in the name of `asker`; None where there is none in time."""
        if asker is None or asker.principal is None:
            return None
        if self._waiting >= _MOST:
            self.dropped += 1
            return None
        who = _payer(asker.principal)
        line = self._lines.get(who)
        if line is None:
            line = self._lines[who] = _Line()
            try:
                self._kit.supervisor.spawn(self._work(who, line), "embed")
            except Refusal:
                del self._lines[who]
                return None
        vector: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        line.waiting.append((text, vector))
        line.asker = asker
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE * self.timeout if later else self.timeout):
                return await vector
        except TimeoutError:
            self.failure = f"no answer in {self.timeout:g} s"
            return None

    async def _work(self, who: tuple[str, str, str], line: _Line) -> None:
        batch: list[tuple[str, asyncio.Future[bytes | None]]] = []
        try:
            while line.waiting:
                batch, line.waiting = line.waiting[:_BATCH], line.waiting[_BATCH:]
                self._waiting -= len(batch)
                batch = [(text, vector) for text, vector in batch if not vector.done()]
                assert line.asker is not None
                found = await self._ask(line.asker, [text for text, _ in batch]) if batch else []
                for (_, vector), row in zip(batch, found, strict=True):
                    if not vector.done():
                        vector.set_result(row)
        finally:
            del self._lines[who]
            self._waiting -= len(line.waiting)
            for _, vector in (*batch, *line.waiting):
                if not vector.done():
                    vector.set_result(None)

    async def _ask(self, asker: Exchange, texts: list[str]) -> list[bytes | None]:
        """The vectors; None for each where they cannot be had."""
        asked: dict[str, object] = {"model": self._model, "input": texts, "encoding_format": "float"}
        if self._dimensions:
            asked["dimensions"] = self._dimensions
        try:
            content, _ = await inside(self._kit, asker, PATH, asked, _PATIENCE * self.timeout, _LARGEST)
            told = _told(content)
            rows = _rows(told, len(texts), self._dimensions)
        except Refusal as refusal:
            self.failure = f"{refusal.code}: {refusal.reason}"
        except TimeoutError:
            self.failure = f"no answer in {_PATIENCE * self.timeout:g} s"
        except (msgspec.MsgspecError, ValueError) as error:
            self.failure = f"not what an embeddings endpoint answers: {error}"
        else:
            if self._is_the_one(f"endpoint:{self._model}:{told.model}:{rows.shape[1]}"):
                self.failure = ""
                return [row.tobytes() for row in rows]
            self.failure = f"{told.model or 'another model'} answered, whose vectors are of another kind"
        return [None] * len(texts)

    def _is_the_one(self, fingerprint: str) -> bool:
        """Whether these vectors may stand beside the others: a fallback's may not, a new model's in time."""
        self._others = 0 if fingerprint == self.fingerprint else self._others + 1
        if not self.fingerprint or self._others >= _MOVED:
            self.fingerprint, self._others = fingerprint, 0
        return fingerprint == self.fingerprint

    async def run(self, work: Callable[[], None]) -> None:
        """Something that computes, off the loop."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "embed")
        await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """The thread ends when its work is done."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _payer(principal: Principal) -> tuple[str, str, str]:
    return principal.team_ref, principal.consumer, principal.key_id


def _rows(told: _Told, count: int, dimensions: int) -> Any:
    """Unit vectors, float32, in the order of the texts. Raises ValueError."""
    if len(told.data) != count:
        raise ValueError(f"{len(told.data)} vectors for {count} texts")
    if sorted(row.index for row in told.data) == list(range(count)):
        told.data.sort(key=lambda row: row.index)
    widths = {len(row.embedding) for row in told.data}
    if len(widths) != 1 or not 1 <= next(iter(widths)) <= _WIDEST or (dimensions and widths != {dimensions}):
        raise ValueError(f"vectors of {sorted(widths)} dimensions")
    rows = np.array([row.embedding for row in told.data], dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ValueError("a vector without a direction")
    return rows / lengths
