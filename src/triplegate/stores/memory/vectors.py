"""Vectors in this process: a space is searched whole; bounded in spaces and in vectors of each."""

from collections import OrderedDict
from typing import Any

from triplegate.core.clock import Clock
from triplegate.core.ports import Near

_SPACES = 512
"""Spaces kept; the one that was used longest ago goes first."""
_MOST = 20_000
"""Vectors of one space: a search of all takes 2 ms. The oldest goes first."""
_FIRST = 64
_BLOCK = 2048
"""Rows of one matrix: a larger one would be copied for tens of milliseconds when it grows."""


class _Space:
    """Rows of matrices, and what stands beside each."""

    __slots__ = ("blocks", "dimension", "ends", "names", "next", "payloads", "rows")

    def __init__(self, dimension: int) -> None:
        import numpy as np

        self.dimension = dimension
        self.blocks: list[Any] = [np.zeros((_FIRST, dimension), dtype=np.float32)]
        """All but the last have `_BLOCK` rows."""
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
        self.write(row, vector)
        self.payloads[row], self.ends[row] = payload, end

    def write(self, row: int, vector: Any) -> None:
        """A row's numbers."""
        self.blocks[row // _BLOCK][row % _BLOCK] = vector

    def alike(self, vector: Any) -> Any:
        """The cosine of each row with `vector`."""
        import numpy as np

        return np.concatenate([block @ vector for block in self.blocks])[: len(self.names)]

    def _grow(self) -> None:
        import numpy as np

        last = self.blocks[-1]
        if len(last) == _BLOCK:
            self.blocks.append(np.zeros((_BLOCK, self.dimension), dtype=np.float32))
        else:
            self.blocks[-1] = np.concatenate([last, np.zeros_like(last)])

    def _row(self, name: str) -> int:
        count = len(self.names)
        if count < _MOST:
            if count == (len(self.blocks) - 1) * _BLOCK + len(self.blocks[-1]):
                self._grow()
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
        alike = found.alike(_read(vector))
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
            found.write(row, 0.0)


def _read(vector: bytes) -> Any:
    import numpy as np

    return np.frombuffer(vector, dtype=np.float32)
