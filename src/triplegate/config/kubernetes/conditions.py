"""Conditions and statuses as Kubernetes shows them: what became of each object, with type, status and reason."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from triplegate.config.faults import Position
from triplegate.config.secrets import Secret

CONTROLLER = "triplegate.dev/gateway"
"""Our controller's name: in GatewayClass.spec.controllerName, and in each parent's status."""


class Condition(msgspec.Struct, frozen=True):
    """One thing that is true of an object, or not."""

    type: str
    holds: bool
    reason: str
    message: str = ""


class Conditions:
    """The conditions of one object or part of it; the first refusal of a type is the one that is told."""

    def __init__(self, *types: str) -> None:
        self._found = {name: Condition(name, True, name) for name in types}

    def refuse(self, name: str, reason: str, message: str) -> None:
        """`name` does not hold; what was refused before stays as it is."""
        known = self._found.get(name)
        if known is None or known.holds:
            self.put(name, reason, message, holds=False)

    def put(self, name: str, reason: str, message: str, *, holds: bool = True) -> None:
        """`name` holds or not, whatever was said before."""
        self._found[name] = Condition(name, holds, reason, message)

    def holds(self, name: str) -> bool:
        """Whether a type holds; one that was never spoken of does not."""
        found = self._found.get(name)
        return found is not None and found.holds

    def all(self) -> tuple[Condition, ...]:
        """All of them, in the order in which they were first spoken of."""
        return tuple(self._found.values())

    def shown(self, generation: int) -> list[dict[str, Any]]:
        """As they stand in a manifest's status."""
        return [
            {
                "type": one.type,
                "status": "True" if one.holds else "False",
                "reason": one.reason,
                "message": one.message,
                "observedGeneration": generation,
            }
            for one in self._found.values()
        ]


WANTED_FALSE = frozenset({"Conflicted"})
"""Types of which False is the good news."""


class Row(msgspec.Struct, frozen=True):
    """One condition as a line of a table."""

    kind: str
    name: str
    """namespace/name."""
    part: str
    """The listener or the parent it is about; empty for the object itself."""
    condition: Condition
    position: Position

    @property
    def bad(self) -> bool:
        """Whether something is wrong."""
        return self.condition.holds == (self.condition.type in WANTED_FALSE)


class Status(msgspec.Struct, frozen=True):
    """What became of one object."""

    api_version: str
    kind: str
    namespace: str
    name: str
    position: Position
    shown: dict[str, Any]
    """`status` as Kubernetes would show it."""
    parts: tuple[tuple[str, Conditions], ...]
    """The object's own conditions under "", those of listeners and parents under their names."""

    def manifest(self) -> dict[str, Any]:
        """The object with its status alone."""
        metadata = {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, "status": self.shown}

    def rows(self) -> Iterable[Row]:
        """All conditions, a line each."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        for part, conditions in self.parts:
            for one in conditions.all():
                yield Row(self.kind, name, part, one, self.position)


class Outcome(msgspec.Struct, frozen=True):
    """What became of all Kubernetes objects of a configuration."""

    statuses: tuple[Status, ...] = ()
    unused: tuple[tuple[Position, str], ...] = ()
    """Fields that do nothing here and are no mistake."""
    certificates: Mapping[str, tuple[tuple[str, Secret], ...]] = MappingProxyType({})
    """Our listener → chains and keys (PEM) of HTTPS listeners that it stands for; in no document and no digest."""
