"""Pins of tool definitions as written."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from triplegate.config.documents_base import Document


class PinsDocument(Document):
    """Whether tools are offered only after somebody approved their definition; a word alone is the mode."""

    mode: Literal["enforce", "observe", "off"] = "enforce"
    """enforce: new and changed tools are hidden, and unknown to calls, until they are approved. observe: only noted."""
    first: Literal["quarantine", "trust"] = "quarantine"
    """What a server has when it is first seen: waits like the rest, or is approved unless it looks suspicious."""


def _pins(value: Any) -> Any:
    return {"mode": value} if isinstance(value, str) else value


Pins = Annotated[
    PinsDocument,
    BeforeValidator(_pins, json_schema_input_type=Literal["enforce", "observe", "off"] | PinsDocument),
]
"""Pins as written: a mode, or an object."""
