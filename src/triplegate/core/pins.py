"""The definition of a tool, prompt or resource as it was seen, and what an admin said to it."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

Standing = Literal["new", "approved", "rejected"]


Pinnable = Literal["tool", "prompt", "resource", "template"]
OTHERS: tuple[Pinnable, ...] = ("prompt", "resource", "template")
"""What is pinned besides tools."""


def label_of(kind: Pinnable, name: str) -> str:
    """What a pin calls an item: a tool by its name, others with their kind before it; no two are called the same."""
    return name if kind == "tool" and kind_of(name) == "tool" and not name.startswith("tool:") else f"{kind}:{name}"


def kind_of(label: str) -> Pinnable:
    """What is called so."""
    return next((kind for kind in OTHERS if label.startswith(kind + ":")), "tool")


class Pin(msgspec.Struct, frozen=True):
    """One definition of one tool, prompt, resource or template. Times in Unix seconds."""

    server: str
    tool: str
    """Its label: a tool's name at the server, `prompt:` and a prompt's, `resource:` and a URI."""
    fingerprint: str
    """SHA-256 of the pinned members."""
    shape: str = ""
    """The same without the name; empty where nothing describes it."""
    findings: str = "[]"
    """What is suspicious about it, as JSON."""
    first_seen: float = 0.0
    standing: Standing = "new"
    actor: str = ""
    """Who approved or rejected it."""
    decided: float = 0.0


class Pins(Protocol):
    """Every definition that was seen, in memory; durable where it changes."""

    loaded: bool
    """False until they were read once: nothing counts as approved then."""
    on_news: list[Callable[[], None]]
    """Told after any of them has changed."""

    def all(self) -> Sequence[Pin]:
        """All of them, in the order in which they were first seen."""
        ...

    def find(self, server: str, tool: str, fingerprint: str) -> Pin | None:
        """One of them."""
        ...

    async def note(self, seen: Sequence[tuple[Pin, str]], *, trust: bool) -> bool:
        """Keep new ones of one server with their pinned text; False where that cannot be done now.

        They are of one kind. `trust`: where nothing of this kind was ever seen of this server, those without findings
        are approved at once.
        """
        ...
