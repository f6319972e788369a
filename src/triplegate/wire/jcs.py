"""Canonical JSON (RFC 8785): the same value is the same text, however it was written."""

import json
from decimal import Decimal
from typing import Any

DEEPEST = 128
"""Levels of what is made canonical."""
_SAFE = (1 << 53) - 1
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def read(text: bytes) -> Any:
    """The value of `text`. Raises ValueError for what readers understand in different ways.

    That is: a member said twice, a number beyond a double, half a character, and what nests too deep.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_int=_int, parse_float=_float)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def canonical(value: Any) -> str:
    """Its one text. Raises ValueError for what `read` refuses."""
    pieces: list[str] = []
    _write(value, pieces, 0)
    text = "".join(pieces)
    text.encode()  # half a character fits no UTF-8
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands more than once")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _int(digits: str) -> int | float:
    """Every number is a double to the standard, also 2^63 - 1, which many schemas name."""
    number = int(digits) if len(digits) < 20 else _SAFE + 1
    return number if abs(number) <= _SAFE else _float(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too big")
    return number


def _write(value: Any, pieces: list[str], depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("it nests too deep")
    if isinstance(value, str):
        pieces.append(_quoted(value))
    elif isinstance(value, dict):
        _write_object(value, pieces, depth)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            pieces.append("," if place else "[")
            _write(item, pieces, depth + 1)
        pieces.append("]" if value else "[]")
    else:
        pieces.append(_plain(value))


def _write_object(value: dict[str, Any], pieces: list[str], depth: int) -> None:
    for place, name in enumerate(sorted(value, key=_utf16)):
        pieces.append(("," if place else "{") + _quoted(name) + ":")
        _write(value[name], pieces, depth + 1)
    pieces.append("}" if value else "{}")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and abs(value) <= _SAFE else _ecmascript(float(value))


def _ecmascript(number: float) -> str:
    """As ECMAScript writes a number (ECMA-262, Number::toString)."""
    if number == 0:
        return "0"
    sign, places, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, places))
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return ("-" if sign else "") + text
