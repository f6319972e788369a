"""Conditions in CEL (`when:`): compiled and tried out at load, with the names that a call has."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field

NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "prompt_bytes": 1,
        "prompt_tokens": 1,
        "max_tokens": 1,
        "messages": 1,
        "tools": 1,
        "stream": True,
        "model": "m",
        "operation": "chat",
        "org": "o",
        "team": "t",
        "consumer": "c",
        "end_user": "u",
    }
)
"""What a condition may ask of a call, each with an example of its type."""


ASKED = frozenset({"args", "claims", "org", "team", "consumer", "roles", "scopes", "key_id"})
"""What a question about a call of the mcp gate may ask: `args` of the call, `claims` of the token, who calls."""


class Program(Protocol):
    """A compiled expression."""

    def variables(self) -> list[str]:
        """Names it asks."""
        ...

    def execute(self, variables: Mapping[str, Any], /) -> Any:
        """Its value. Raises RuntimeError, TypeError, ValueError."""
        ...


def compiled(text: str) -> Program:
    """The expression, ready to be asked. Raises ValueError for what is no condition."""
    program = _program(text)
    try:
        value = program.execute(dict(NAMES))
    except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"cannot be asked: {error}; a call has {', '.join(NAMES)}") from None
    if not isinstance(value, bool):
        raise ValueError("must be true or false, such as prompt_tokens > 8000")  # noqa: TRY004 - told to the writer
    return program


def compiled_question(text: str) -> Program:
    """The expression about a call of the mcp gate. Raises ValueError for what is none.

    What arguments and claims hold is known by each call only: it cannot be tried out before.
    """
    program = _program(text)
    unknown = sorted(set(program.variables()) - ASKED)
    if unknown:
        raise ValueError(f"unknown name {unknown[0]}: there are {', '.join(sorted(ASKED))}")
    return program


def _program(text: str) -> Program:
    try:
        cel = import_module("cel")  # not before a condition is written: it loads much
    except ImportError:
        raise ValueError("conditions need the package common-expression-language") from None
    try:
        program: Program = cel.compile(text)
    except ValueError as error:
        raise ValueError(f"no CEL expression: {error}") from None
    return program


def _check(text: str) -> str:
    compiled(text)
    return text


def _check_question(text: str) -> str:
    compiled_question(text)
    return text


Condition = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_check)]
"""A CEL expression that is true or false for a call."""

Question = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_check_question)]
"""A CEL expression about a call of the mcp gate and its caller that is true or false."""
