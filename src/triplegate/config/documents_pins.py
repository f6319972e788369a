"""Pins of definitions as written."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from triplegate.config.documents_base import Document
from triplegate.core.pins import Pinnable

_KINDS: dict[str, tuple[Pinnable, ...]] = {
    "tools": ("tool",),
    "prompts": ("prompt",),
    "resources": ("resource", "template"),
}


class PinsDocument(Document):
    """Whether things are offered only after somebody approved their definition; a word alone is the mode."""

    mode: Literal["enforce", "observe", "off"] = "enforce"
    """enforce: new and changed ones are hidden, and unknown to calls, until they are approved. observe: only noted."""
    first: Literal["quarantine", "trust"] = "quarantine"
    """What a server has when it is first seen: waits like the rest, or is approved unless it looks suspicious."""
    of: Annotated[tuple[Literal["tools", "prompts", "resources"], ...], Field(min_length=1, max_length=3)] = ("tools",)
    """Whose definitions; those of resources with their templates."""

    @property
    def kinds(self) -> tuple[Pinnable, ...]:
        """The same, one by one."""
        return tuple(kind for one in dict.fromkeys(self.of) for kind in _KINDS[one])


def _pins(value: Any) -> Any:
    return {"mode": value} if isinstance(value, str) else value


Pins = Annotated[
    PinsDocument,
    BeforeValidator(_pins, json_schema_input_type=Literal["enforce", "observe", "off"] | PinsDocument),
]
"""Pins as written: a mode, or an object."""
