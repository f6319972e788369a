"""Manifests found in files: read by kind, told apart by name, what is not honoured named with its place."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from triplegate.config.faults import Findings, Position, did_you_mean
from triplegate.config.kubernetes.objects import (
    GATEWAY_GROUP,
    ConfigMapObject,
    EndpointSliceObject,
    NamespaceObject,
    Object,
    SecretObject,
    ServiceObject,
)
from triplegate.config.kubernetes.objects_gateway import (
    BackendTlsPolicyObject,
    GatewayClassObject,
    GatewayObject,
    ReferenceGrantObject,
)
from triplegate.config.kubernetes.objects_routes import GrpcRouteObject, HttpRouteObject
from triplegate.config.kubernetes.unsupported import Reason, reason_for
from triplegate.config.reader import Node
from triplegate.config.validate import descend, fields_at, note_errors

KINDS: dict[tuple[str, str], type[Object]] = {
    (GATEWAY_GROUP, "GatewayClass"): GatewayClassObject,
    (GATEWAY_GROUP, "Gateway"): GatewayObject,
    (GATEWAY_GROUP, "HTTPRoute"): HttpRouteObject,
    (GATEWAY_GROUP, "GRPCRoute"): GrpcRouteObject,
    (GATEWAY_GROUP, "ReferenceGrant"): ReferenceGrantObject,
    (GATEWAY_GROUP, "BackendTLSPolicy"): BackendTlsPolicyObject,
    ("", "Namespace"): NamespaceObject,
    ("", "Service"): ServiceObject,
    ("", "Secret"): SecretObject,
    ("", "ConfigMap"): ConfigMapObject,
    ("discovery.k8s.io", "EndpointSlice"): EndpointSliceObject,
}
"""(API group, kind) → what it is read as."""
_WIDE = frozenset({"GatewayClass", "Namespace"})
_VERSIONS = frozenset({"v1", "v1beta1", "v1alpha2", "v1alpha3"})
_MAX_EXTRAS = 200

T = TypeVar("T", bound=Object)


class Unread(msgspec.Struct, frozen=True):
    """An object of a known kind that does not fit its schema: it is left out, and says so in its status."""

    api_version: str
    kind: str
    namespace: str
    name: str
    position: Position
    message: str
    node: Node


class Inventory:
    """All objects of a configuration."""

    def __init__(self) -> None:
        self._objects: dict[tuple[type[Object], str, str], Object] = {}
        self._nodes: dict[int, Node] = {}
        self.unread: list[Unread] = []
        self.unused: list[tuple[Position, str]] = []
        """Fields that do nothing here and are no mistake."""

    def add(self, made: Object, node: Node) -> Position | None:
        """Keep an object; where another one of the same name was written, in which case this one is left out."""
        namespace = "" if made.kind in _WIDE else made.namespace
        key = (type(made), namespace, made.name)
        if key in self._objects:
            return self.node(self._objects[key]).place
        self._objects[key] = made
        self._nodes[id(made)] = node
        return None

    def find(self, kind: type[T], namespace: str, name: str) -> T | None:
        """The object of a name; cluster-wide kinds have no namespace."""
        found: Any = self._objects.get((kind, namespace, name))
        return found  # type: ignore[no-any-return]  # the key says which type it is

    def every(self, kind: type[T]) -> list[T]:
        """All objects of a kind, the oldest first."""
        found = [one for one in self._objects.values() if isinstance(one, kind)]
        return sorted(found, key=lambda one: one.age)

    def node(self, made: Object) -> Node:
        """Where an object was written."""
        return self._nodes[id(made)]

    def labels(self, namespace: str) -> dict[str, str] | None:
        """Labels of a namespace, written or not; None when they could not be read."""
        if any(one.kind == "Namespace" and one.name == namespace for one in self.unread):
            return None
        found = self.find(NamespaceObject, "", namespace)
        return found.labels if found is not None else {"kubernetes.io/metadata.name": namespace}


def is_manifest(node: Node) -> bool:
    """Whether a YAML document is a Kubernetes object."""
    return isinstance(node.value, dict) and "apiVersion" in node.value and "kind" in node.value


def read_manifests(nodes: Iterable[Node], findings: Findings) -> Inventory:
    """All objects; what cannot be read is noted as a warning and left out, never a fault."""
    inventory = Inventory()
    for node in _flat(nodes, findings):
        version, kind = _text(node, "apiVersion"), _text(node, "kind")
        group, _, number = version.rpartition("/")
        model = KINDS.get((group, kind))
        if model is None or number not in _VERSIONS:
            findings.warn(node.place, f"{kind or 'object'} ({version}) is not read: {_read_kinds()}")
            continue
        made = _read(node, model, inventory, findings)
        there = inventory.add(made, node) if made is not None else None
        if made is not None and there is not None:
            findings.warn(node.place, f"{kind} {made.full_name} is left out: it was given at {there}")
    return inventory


def _read_kinds() -> str:
    return "kinds are " + ", ".join(kind for _, kind in KINDS)


def _flat(nodes: Iterable[Node], findings: Findings) -> Iterator[Node]:
    """The objects, those in lists one by one."""
    for node in nodes:
        items = node.child("items")
        if not _text(node, "kind").endswith("List") or items is None or not isinstance(items.value, list):
            yield node
            continue
        for item in items.value:
            if is_manifest(item):
                yield item
            else:
                findings.warn(item.place, "an item of a list needs apiVersion and kind")


def _text(node: Node, field: str) -> str:
    found = node.child(field)
    return found.value if found is not None and isinstance(found.value, str) else ""


def _read(node: Node, model: type[Object], inventory: Inventory, findings: Findings) -> Object | None:
    plain = node.plain()
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        found = error
    _drop_extras(found, plain, node, model, inventory, findings)
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        _note_unread(error, node, model, inventory, findings)
        return None


def _drop_extras(
    error: ValidationError, plain: Any, node: Node, model: type[Object], inventory: Inventory, findings: Findings
) -> None:
    """Name each field that no model has, and go on without it."""
    kind, told = str(plain.get("kind")), 0
    for one in error.errors(include_url=False):
        if one["type"] != "extra_forbidden":
            continue
        loc = one["loc"]
        path = ".".join(str(part) for part in loc if isinstance(part, str))
        reason = reason_for(kind, path)
        if reason is None and model.exact:
            continue
        _without(plain, loc)
        told += 1
        if told > _MAX_EXTRAS:
            continue
        if reason is None:
            hint = did_you_mean(str(loc[-1]), _aliases(model, loc[:-1]))
            reason = Reason(f"no such field is known{hint}")
        place, text = descend(node, loc).key, f"{kind} {path} is not honoured: {reason.text}"
        if reason.warns:
            findings.warn(place, text)
        else:
            inventory.unused.append((place, text))


def _without(plain: Any, loc: tuple[int | str, ...]) -> None:
    for part in loc[:-1]:
        plain = plain[part]
    plain.pop(loc[-1], None)


def _aliases(model: type[Object], loc: tuple[int | str, ...]) -> list[str]:
    return [
        name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:]) for name in fields_at(model, loc)
    ]


def _note_unread(
    error: ValidationError, node: Node, model: type[Object], inventory: Inventory, findings: Findings
) -> None:
    scratch = Findings()
    note_errors(error, model, node, scratch)
    first = scratch.faults[0]
    metadata = node.child("metadata") or node
    kind, name = _text(node, "kind"), _text(metadata, "name") or "?"
    namespace = "" if kind in _WIDE else _text(metadata, "namespace") or "default"
    for fault in scratch.faults:
        findings.warn(fault.position, f"{kind} {name} is left out: {fault.message}")
    message = f"{first.position} {first.message}"
    inventory.unread.append(Unread(_text(node, "apiVersion"), kind, namespace, name, node.place, message, node))
