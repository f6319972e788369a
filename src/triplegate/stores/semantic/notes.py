"""What nodes tell each other of a namespace: each thing that was learnt, and from time to time the sum of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from triplegate.stores.semantic.verdict import NAMES

VERSION = 1
"""Of both forms; what is written in another is passed over."""


class Note(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that was learnt, and what was counted since the one before."""

    features: tuple[float, ...]
    """Of the candidate; empty where somebody only says that a told answer was wrong."""
    answer: str
    chance: float
    """How likely it was said to be right."""
    right: bool
    audited: bool
    version: int = VERSION
    node: str = ""
    questions: int = 0
    hits: int = 0
    saved: int = 0
    vetoes: dict[str, int] = {}
    judge: str = ""
    judge_cost: int = 0
    judged: dict[str, int] = {}


class Learnt(msgspec.Struct, frozen=True, array_like=True):
    """A namespace as it stood after the note `after`."""

    version: int
    after: str
    features: bytes
    """float32, a row an observation."""
    right: bytes
    """A byte an observation."""
    answers: list[str]
    recent: bytes
    """Features of the last questions, float32."""
    questions: int
    hits: int
    saved: int
    audits: int
    wrong: int
    expected: float
    literal: tuple[int, int]
    closed: bool
    left: int
    vetoes: dict[str, int]
    judge: str = ""
    judge_cost: int = 0
    judged: dict[str, int] = {}


_note = msgspec.msgpack.Decoder(Note).decode
_learnt = msgspec.msgpack.Decoder(Learnt).decode
write = msgspec.msgpack.Encoder().encode
"""A note or a sum, as it is kept."""


def read_note(content: bytes) -> Note | None:
    """The note; None for one of another form."""
    try:
        found = _note(content)
    except msgspec.MsgspecError:
        return None
    return found if found.version == VERSION and len(found.features) in (0, len(NAMES)) else None


def read_learnt(content: bytes | None) -> Learnt | None:
    """The sum; None for none, or one of another form."""
    if content is None:
        return None
    try:
        found = _learnt(content)
    except msgspec.MsgspecError:
        return None
    size = 4 * len(NAMES)
    count = len(found.answers)
    whole = len(found.features) == count * size and len(found.right) == count and len(found.recent) % size == 0
    return found if found.version == VERSION and whole else None


def packed(rows: Sequence[Sequence[float]]) -> bytes:
    """Features, a row each."""
    return np.array(rows, dtype=np.float32).tobytes()


def rows_of(content: bytes) -> list[tuple[float, ...]]:
    """The same read again."""
    rows: Any = np.frombuffer(content, np.float32).reshape(-1, len(NAMES))
    return [tuple(row) for row in rows.tolist()]
