"""Function arguments that Vertex streams in parts, each at its JSON path, put together to one JSON text."""

import re
from itertools import pairwise

import msgspec

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,4})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_MOST_STEPS = 32
_MOST_SIZE = 1_048_576
_encode = msgspec.json.Encoder().encode

_Tree = dict[str, "_Value"] | list["_Value"]
_Value = str | int | float | bool | None | _Tree


class Partial(msgspec.Struct, rename="camel"):
    """A piece of one value; text of the same path follows text."""

    json_path: str = "$"
    string_value: str | None = None
    number_value: int | float | None = None
    bool_value: bool | None = None
    null_value: str | int | None = None


class Arguments:
    """Takes the pieces in; what cannot be placed makes the whole unreadable, and is never guessed."""

    __slots__ = ("_root", "_size")

    def __init__(self) -> None:
        self._root: dict[str, _Value] = {}
        self._size = 0

    def add(self, piece: Partial) -> None:
        """Raises ValueError for a path that is none, does not fit what came before, or over the bound of the whole."""
        steps = _steps(piece.json_path)
        self._size += len(piece.json_path) + len(piece.string_value or "")
        if not steps or self._size > _MOST_SIZE:
            raise ValueError("the arguments are malformed or too large")
        tree: _Tree = self._root
        for step, following in pairwise(steps):
            inner = _inside(tree, step, following)
            if inner is None:
                raise ValueError("a path leads into a plain value")
            tree = inner
        before = _get(tree, steps[-1])
        if piece.string_value is not None and isinstance(before, str):
            _set(tree, steps[-1], before + piece.string_value)
        else:
            _set(tree, steps[-1], _value(piece))

    def text(self) -> str:
        """The JSON text of what came."""
        return _encode(self._root).decode()


def _value(piece: Partial) -> _Value:
    if piece.string_value is not None:
        return piece.string_value
    if piece.bool_value is not None:
        return piece.bool_value
    number = piece.number_value
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 2**53 else number


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None or len(steps) == _MOST_STEPS:
            return []
        if step[2] is not None:
            steps.append(int(step[2]))
        else:
            steps.append(step[1] or re.sub(r"\\(.)", r"\1", step[3] or step[4] or ""))
        position = step.end()
    return steps if path[:1] == "$" else []


def _inside(tree: _Tree, step: str | int, following: str | int) -> _Tree | None:
    inner = _get(tree, step)
    if inner is None:
        inner = [] if isinstance(following, int) else {}
        _set(tree, step, inner)
    return inner if isinstance(inner, dict | list) else None


def _get(tree: _Tree, step: str | int) -> _Value:
    if isinstance(tree, dict):
        return tree.get(str(step))
    return tree[step] if isinstance(step, int) and step < len(tree) else None


def _set(tree: _Tree, step: str | int, value: _Value) -> None:
    if isinstance(tree, dict):
        tree[str(step)] = value
    elif isinstance(step, int) and step < len(tree):
        tree[step] = value
    elif step == len(tree):
        tree.append(value)
    else:
        raise ValueError("a path leaves a gap in a list")
