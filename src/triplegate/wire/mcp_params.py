"""`Mcp-Param-*`: arguments that a tool's schema mirrors into headers by `x-mcp-header` (2026-07-28)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.wire.mcp_headers import decode_value, encode_value

ANNOTATION = "x-mcp-header"
PREFIX = b"mcp-param-"
Mirrored = tuple[tuple[tuple[str, ...], bytes], ...]
"""(path of property names, lower-case header name) of each mirrored argument."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_TYPES = ("string", "integer", "boolean")
_DEPTH = 64
_any = msgspec.json.Decoder().decode
_MISSING = object()


def mirrored(schema: bytes) -> Mirrored | None:
    """What a raw input schema mirrors; None when an annotation is invalid: such a tool must not be offered."""
    if ANNOTATION.encode() not in schema:
        return ()
    try:
        found = tuple(_walk(_any(schema), (), reachable=True))
    except (ValueError, RecursionError):
        return None
    names = [name for _, name in found]
    return found if len(set(names)) == len(names) else None


def _walk(node: Any, path: tuple[str, ...], *, reachable: bool) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Annotations below `node`. Raises ValueError at an invalid one."""
    if len(path) > _DEPTH:
        raise ValueError("too deep")
    if isinstance(node, dict) and ANNOTATION in node:
        yield path, _header(node, reachable=reachable and bool(path))
    for name, child, plain in _below(node):
        yield from _walk(child, (*path, name), reachable=reachable and plain)


def _below(node: Any) -> Iterator[tuple[str, Any, bool]]:
    """(name, schema, whether it is a property) of everything below a schema; what is only a value is left out."""
    if isinstance(node, list):
        yield from [("", item, False) for item in node]
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            yield from [(name, child, True) for name, child in value.items()]
        elif key not in _DATA:
            yield key, value, False


_DATA = frozenset({"default", "examples", "const", "enum", "required", ANNOTATION})


def _header(node: Mapping[str, Any], *, reachable: bool) -> bytes:
    name = node[ANNOTATION]
    if not reachable or not isinstance(name, str) or not _TOKEN.fullmatch(name) or node.get("type") not in _TYPES:
        raise ValueError("invalid annotation")
    return PREFIX + name.lower().encode("ascii")


def check_params(headers: Headers, mirrors: Mirrored, arguments: bytes) -> None:
    """Step 7 of the ladder: each mirrored argument and its header are there together and equal, or both absent.

    Raises Refusal rpc_header_mismatch.
    """
    given: dict[bytes, str] = {}
    for name, value in headers:
        if name.startswith(PREFIX):
            if name in given:
                raise _mismatch(name, "stands more than once")
            given[name] = value.strip(b" \t").decode("latin-1")
    values: Any = _any(arguments) if arguments else {}
    for path, header in mirrors:
        value, said = _at(values, path), given.get(header)
        if value is _MISSING or value is None:
            if said is not None:
                raise _mismatch(header, "has no argument to mirror")
        elif said is None or not _equal(decode_value(said), value):
            raise _mismatch(header, "does not equal its argument")


def params_of(mirrors: Mirrored, arguments: bytes) -> Headers:
    """The headers that mirror these raw arguments."""
    values: Any = _any(arguments) if arguments else {}
    found: Headers = []
    for path, header in mirrors:
        text = _written(_at(values, path))
        if text is not None:
            found.append((header, encode_value(text).encode("latin-1")))
    return found


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values.get(name, _MISSING) if isinstance(values, dict) else _MISSING
    return values


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _equal(said: str | None, value: Any) -> bool:
    if said is None:
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(said) == float(value) and (not isinstance(value, int) or _whole(said, value))
        except (ValueError, OverflowError):
            return False
    return said == _written(value)


def _whole(said: str, value: int) -> bool:
    """Integers beyond a float's precision are compared as they are written."""
    return int(said) == value if said.lstrip("+-").isdigit() and len(said) < 64 else True


def _mismatch(header: bytes, what: str) -> Refusal:
    return Refusal("rpc_header_mismatch", f"The header {header.decode('ascii', 'replace')} {what}.")
