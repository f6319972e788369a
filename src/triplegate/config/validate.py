"""pydantic's errors in an operator's words, each at its place in the file."""

import re
from collections.abc import Mapping, Sequence
from inspect import get_annotations
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from triplegate.config.faults import Findings, did_you_mean
from triplegate.config.reader import Node

_WORDS = {
    **dict.fromkeys(("string_type",), "must be text (put it in quotes when it looks like a number)"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "must be true or false"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_parsing", "float_type", "decimal_parsing", "decimal_type"), "must be a number"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be an object (name: value)"),
    **dict.fromkeys(("tuple_type", "list_type", "frozen_set_type", "set_type"), "must be a list"),
    "finite_number": "must be a finite number",
    "none_required": "must be null",
}
_SECRETS = frozenset({"key", "bearer", "pepper", "url"})


def note_errors(error: ValidationError, model: type[BaseModel], node: Node, findings: Findings) -> None:
    """Note each of pydantic's errors about `node`, read as a `model`."""
    for one in error.errors(include_url=False, include_input=False):
        if one["type"] != "too_short" or not descend(node, one["loc"]).value:
            # a list whose items are all wrong counts as empty: its items have been noted
            _note(one, model, node, findings)


def descend(node: Node, loc: Sequence[str | int]) -> Node:
    """The deepest node that `loc` leads to; parts that stand in no file (union tags, implied lists) are skipped."""
    for part in loc:
        child = node.child(part)
        if child is not None:
            node = child
    return node


def _named(node: Node, loc: Sequence[str | int]) -> str:
    """The last field of `loc` that stands in the file; the last part that is a name where none does."""
    names = [part for part in loc if isinstance(part, str)]
    written = ""
    for part in loc:
        child = node.child(part)
        if child is not None:
            node, written = child, part if isinstance(part, str) else written
    return written or next(reversed(names), "")


def fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Names of the fields of the object that `loc` leads to; empty when it leads to none."""
    kind: Any = model
    for part in loc:
        kind = _step(kind, part)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _step(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        if field is None and "__pydantic_extra__" in get_annotations(kind):
            return _bare(get_args(get_annotations(kind)["__pydantic_extra__"])[1])
        return kind if field is None else _bare(field.annotation)
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return _bare(arguments[1])
    return _bare(arguments[0]) if get_origin(kind) in (tuple, list) and isinstance(part, int) else kind


def _bare(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return next((_bare(one) for one in get_args(kind) if one is not type(None)), kind)
    return kind


def _note(one: Mapping[str, Any], model: type[BaseModel], node: Node, findings: Findings) -> None:
    kind, loc = one["type"], one["loc"]
    found, last = descend(node, loc), str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        findings.fault(found.key, f"unknown field '{last}'{did_you_mean(last, fields_at(model, loc[:-1]))}")
    elif kind == "missing":
        findings.fault(found.key, f"field '{last}' is missing")
    elif last == "[key]":
        findings.fault(found.key, f"'{loc[-2]}' cannot be a name here: {_words(one, found)}")
    else:
        field = _named(node, loc)
        named = "" if kind == "value_error" and isinstance(found.value, dict) else f"{field}: " if field else ""
        findings.fault(found.place, named + _words(one, found), secret=field in _SECRETS)


def _words(one: Mapping[str, Any], node: Node) -> str:
    kind, message, ctx = one["type"], str(one["msg"]), one.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in ("literal_error", "enum"):
        expected = str(ctx.get("expected", ""))
        near = did_you_mean(str(node.value), re.findall(r"'([^']*)'", expected))
        return f"must be {expected}{near}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind in ("too_short", "too_long"):
        bound, word = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"must have {bound} {ctx[word]}, not {ctx['actual_length']}"
    return (
        message.replace("Input should be", "must be").replace("String should", "must").replace("Value should", "must")
    )
