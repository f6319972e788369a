"""Vectors in this process: one matrix a space, searched whole; bounded in spaces and in vectors of each."""

from collections import OrderedDict
from typing import Any

from triplegate.core.clock import Clock
from triplegate.core.ports import Near

_SPACES = 512
"""Spaces kept; the one that was used longest ago goes first."""
_MOST = 20_000
"""Vectors of one space: a search of all takes 2 ms. The oldest goes first."""
_FIRST = 64


class _Space:
    """Rows of a matrix, and what stands beside each."""

    __slots__ = ("dimension", "ends", "matrix", "names", "next", "payloads", "rows")

    def __init__(self, dimension: int) -> None:
        import numpy as np

        self.dimension = dimension
        self.matrix: Any = np.zeros((_FIRST, dimension), dtype=np.float32)
        self.names: list[str] = []
        self.payloads: list[bytes] = []
        self.ends: list[float] = []
        self.rows: dict[str, int] = {}
        self.next = 0
        """The row that is given up when the space is full."""

    def put(self, name: str, vector: Any, payload: bytes, end: float) -> None:
        row = self.rows.get(name)
        if row is None:
            row = self._row(name)
        self.matrix[row] = vector
        self.payloads[row], self.ends[row] = payload, end

    def _row(self, name: str) -> int:
        count = len(self.names)
        if count < _MOST:
            if count == len(self.matrix):
                import numpy as np

                self.matrix = np.concatenate([self.matrix, np.zeros_like(self.matrix)])
            self.names.append(name)
            self.payloads.append(b"")
            self.ends.append(0.0)
            row = count
        else:
            row, self.next = self.next, (self.next + 1) % _MOST
            self.rows.pop(self.names[row], None)
            self.names[row] = name
        self.rows[name] = row
        return row


class MemoryVectors:
    """The Vectors port."""

    __slots__ = ("_clock", "_spaces")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spaces: OrderedDict[str, _Space] = OrderedDict()

    async def add(self, space: str, name: str, vector: bytes, payload: bytes, ttl: float) -> None:
        """Keep one. Raises ValueError for another length than the space's vectors have."""
        row = _read(vector)
        found = self._spaces.get(space)
        if found is None:
            found = self._spaces[space] = _Space(len(row))
            if len(self._spaces) > _SPACES:
                self._spaces.popitem(last=False)
        if len(row) != found.dimension:
            raise ValueError(f"a vector of {len(row)} where all others have {found.dimension}")
        self._spaces.move_to_end(space)
        found.put(name, row, payload, self._clock.now() + ttl)

    async def near(self, space: str, vector: bytes, most: int) -> list[Near]:
        """The nearest ones that still live."""
        found = self._spaces.get(space)
        if found is None or not found.names:
            return []
        import numpy as np

        self._spaces.move_to_end(space)
        alike = found.matrix[: len(found.names)] @ _read(vector)
        now, near = self._clock.now(), []
        wanted = min(len(alike), most + 16)
        order = np.argpartition(-alike, wanted - 1)[:wanted]
        for row in order[np.argsort(-alike[order])]:
            if found.ends[row] > now:
                near.append(Near(found.names[row], float(alike[row]), found.payloads[row]))
        return near[:most]

    async def drop(self, space: str, name: str) -> None:
        """Forget one: its row is empty until another needs it."""
        found = self._spaces.get(space)
        row = found.rows.get(name) if found is not None else None
        if found is not None and row is not None:
            found.ends[row] = 0.0
            found.payloads[row] = b""
            found.matrix[row] = 0.0


def _read(vector: bytes) -> Any:
    import numpy as np

    return np.frombuffer(vector, dtype=np.float32)
