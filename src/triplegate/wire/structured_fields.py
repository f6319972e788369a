"""A small writer of HTTP structured fields (RFC 9651): what RateLimit, RateLimit-Policy and Cache-Status need."""

import re
from collections.abc import Mapping

Bare = bool | int | float | str | bytes
"""A bare item; plain str becomes a String, `Token` a Token, bytes a Byte Sequence."""

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*")
_MOST = 999_999_999_999_999


class Token(str):
    """A Token (RFC 9651 §3.3.4); writing one that is made of something else is a ValueError."""

    __slots__ = ()


def string(text: str) -> str:
    """A String; raises ValueError outside printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"not a structured field string: {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def printable(text: str) -> str:
    """`text` with everything outside printable ASCII escaped, for names that people chose."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one.isascii() and one.isprintable() else f"%{ord(one):X}" for one in text)


def bare(value: Bare) -> str:
    """One bare item. Raises ValueError for what the format cannot carry."""
    if value is True or value is False:
        return "?1" if value else "?0"
    if isinstance(value, Token):
        if not _TOKEN.fullmatch(value):
            raise ValueError(f"not a token: {value!r}")
        return str(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, int):
        if not -_MOST <= value <= _MOST:
            raise ValueError("integers have at most 15 digits")
        return str(value)
    if isinstance(value, bytes):
        return _bytes(value)
    return _decimal(value)


def _bytes(value: bytes) -> str:
    from binascii import b2a_base64

    return f":{b2a_base64(value, newline=False).decode('ascii')}:"


def _decimal(value: float) -> str:
    if not abs(value) < 1e12:
        raise ValueError("decimals have at most 12 digits before the point")
    text = f"{value:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def item(value: Bare, parameters: Mapping[str, Bare] | None = None) -> str:
    """An item with its parameters, in their order; a parameter that is True stands alone."""
    text = bare(value)
    for key, parameter in (parameters or {}).items():
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a parameter key: {key!r}")
        text += f";{key}" if parameter is True else f";{key}={bare(parameter)}"
    return text


def cache_status(cache: str, *, hit: bool = False, forward: str | None = None, **more: Bare | None) -> bytes:
    """One member of `Cache-Status` (RFC 9211): `hit`, or `forward` says why not (`uri-miss`, `stale`, `bypass`, …).

    `more` are the other parameters, underscores for hyphens: fwd_status, ttl (seconds), stored, collapsed, key,
    detail; None and False are left out.
    """
    parameters: dict[str, Bare] = {}
    if hit:
        parameters["hit"] = True
    elif forward is not None:
        parameters["fwd"] = Token(forward)
    for name, value in more.items():
        if value is not None and value is not False:
            parameters[name.replace("_", "-")] = value
    return item(Token(cache), parameters).encode("ascii")
