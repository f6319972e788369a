"""The texts within JSON: every string, every name of a member and every long number, however they are written."""

import json
from collections.abc import Callable
from typing import Any

Change = Callable[[str], str]
"""A text → the same, or what stands in its place. May raise to say that it must not pass."""
_LONG = 7
"""Digits of a number that may mean somebody."""


def changed(text: str, change: Change) -> str:
    """`text` with `change` at every text in it; as it came where nothing changes. Raises ValueError for no JSON."""
    touched = False

    def one(piece: str) -> str:
        nonlocal touched
        found = change(piece)
        touched = touched or found != piece
        return found

    def number(digits: str, plain: Callable[[str], Any]) -> Any:
        found = one(digits) if len(digits) >= _LONG else digits
        return plain(digits) if found == digits else found

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """All of them are looked at, those that another of the same name hides, too."""
        return {one(name): _walked(value, one) for name, value in pairs}

    try:
        read = json.loads(
            text,
            object_pairs_hook=members,
            parse_int=lambda digits: number(digits, int),
            parse_float=lambda digits: number(digits, float),
        )
        if isinstance(read, str | list):
            read = _walked(read, one)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return json.dumps(read, ensure_ascii=False, separators=(",", ":")) if touched else text


def _walked(value: Any, one: Change) -> Any:
    """Strings and lists of them; objects have been looked at already when they were read."""
    if isinstance(value, str):
        return one(value)
    if isinstance(value, list):
        return [_walked(each, one) for each in value]
    return value
