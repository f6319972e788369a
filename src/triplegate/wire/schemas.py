"""JSON Schemas compiled for use: bounded in size and work, never fetched from anywhere; and what does not fit them."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol

import msgspec

from triplegate.wire.schema_bounds import why_not

LARGEST = 262_144
"""Bytes of a schema; a larger one is not used."""

_MESSAGE = 300  # characters of what is told of a value that does not fit
_BACKTRACK = 10_000
_PATTERN = 1 << 20
_any = msgspec.json.Decoder().decode


class Validator(Protocol):
    """A compiled schema."""

    def is_valid(self, instance: Any, /) -> bool:
        """Whether a value fits."""
        ...

    def iter_errors(self, instance: Any, /) -> Any:
        """What does not."""
        ...


class Schema(msgspec.Struct, frozen=True, eq=False):
    """A schema ready for use, or the reason why it is not."""

    validator: Validator | None = None
    broken: str = ""


def compiled(text: bytes) -> Schema:
    """The schema; one that is invalid, refers elsewhere or would make endless work is broken. Nothing is fetched."""
    if len(text) > LARGEST:
        return Schema(broken=f"it is larger than {LARGEST} bytes")
    try:
        document = _any(text)
    except (msgspec.DecodeError, RecursionError):
        return Schema(broken="it is no JSON")
    reason = why_not(document)
    if reason:
        return Schema(broken=reason)
    rs = import_module("jsonschema_rs")  # not before a schema is asked for: it loads much
    patterns = rs.FancyRegexOptions(backtrack_limit=_BACKTRACK, size_limit=_PATTERN)
    try:
        return Schema(rs.validator_for(document, offline=True, validate_formats=False, pattern_options=patterns))
    except Exception as error:  # noqa: BLE001 - whatever it cannot read
        return Schema(broken=_short(str(error).partition("\n")[0]))


def faults(validator: Validator, raw: bytes) -> str:
    """The first thing that does not fit; empty when all does."""
    try:
        value = _any(raw)
        if validator.is_valid(value):
            return ""
        first = next(iter(validator.iter_errors(value)))
    except Exception as error:  # noqa: BLE001 - a number or a nesting that it cannot take
        return _short(str(error))
    return f"{_pointer(first.instance_path)}: {_short(first.message)}"


def _pointer(parts: Iterable[Any]) -> str:
    """The place as a JSON pointer."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts) or "/"


def _short(text: str) -> str:
    return text if len(text) <= _MESSAGE else f"{text[:_MESSAGE]}…"


def broken_rule(validator: Validator, raw: bytes) -> str:
    """What a value breaks, in the schema's own words: the path of the rule, never a piece of the value. Empty: none."""
    try:
        value = _any(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return "it is no JSON"
    try:
        if validator.is_valid(value):
            return ""
        first = next(iter(validator.iter_errors(value)))
    except Exception:  # noqa: BLE001 - a number or a nesting that it cannot take; what it says may hold the value
        return "it holds something that cannot be compared"
    return f"it breaks the rule at {_pointer(first.schema_path)}"
