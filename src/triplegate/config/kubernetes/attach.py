"""Which listeners a route attaches to, for each of its parents, and what becomes of that parent's status."""

from typing import Any

import msgspec

from triplegate.config.kubernetes.conditions import CONTROLLER, Conditions
from triplegate.config.kubernetes.gateways import Attachable, GatewayState
from triplegate.config.kubernetes.hosts import intersect
from triplegate.config.kubernetes.inventory import Inventory
from triplegate.config.kubernetes.objects import GATEWAY_GROUP
from triplegate.config.kubernetes.objects_routes import ParentRef, RouteObject


class Attached(msgspec.Struct, frozen=True):
    """A listener with the hosts that a route serves there."""

    listener: Attachable
    hosts: tuple[str, ...]


class Parent:
    """One parent of a route: its own status, and where the route attached."""

    def __init__(self, route: RouteObject, ref: ParentRef, gateway: GatewayState | None) -> None:
        self.route, self.ref, self.gateway = route, ref, gateway
        self.conditions = Conditions("Accepted", "ResolvedRefs")
        self.attached: list[Attached] = []

    @property
    def name(self) -> str:
        """How tables name it."""
        where = f"{self.ref.namespace or self.route.namespace}/{self.ref.name}"
        section = f"/{self.ref.section_name}" if self.ref.section_name else ""
        return where + section + (f":{self.ref.port}" if self.ref.port else "")

    @property
    def accepted(self) -> bool:
        """Whether calls come in through it."""
        return self.conditions.holds("Accepted")

    def shown(self) -> dict[str, Any]:
        """Its status as Kubernetes shows it."""
        return {
            "parentRef": self.ref.model_dump(by_alias=True, exclude_none=True),
            "controllerName": CONTROLLER,
            "conditions": self.conditions.shown(self.route.metadata.generation),
        }


def is_gateway(ref: ParentRef) -> bool:
    """Whether the parent is of a kind that is read."""
    return ref.group == GATEWAY_GROUP and ref.kind == "Gateway"


def attach(route: RouteObject, ref: ParentRef, gateway: GatewayState | None, inventory: Inventory) -> Parent:
    """The route at one of its parents: which listeners take it, for which hosts; or why none does."""
    parent = Parent(route, ref, gateway)
    if gateway is None:
        parent.conditions.refuse("Accepted", "NoMatchingParent", f"there is no gateway {parent.name}")
        return parent
    named = [one for one in gateway.listeners if _names(ref, one)]
    if not named:
        parent.conditions.refuse("Accepted", "NoMatchingParent", "the gateway has no listener of that name and port")
        return parent
    allowed = [one for one in named if _allows(one, route, inventory)]
    if not allowed:
        message = f"no listener takes routes of kind {route.kind} from namespace {route.namespace}"
        parent.conditions.refuse("Accepted", "NotAllowedByListeners", message)
        return parent
    for one in allowed:
        hosts = intersect(one.hostname, route.spec.hostnames)
        if hosts:
            parent.attached.append(Attached(one, tuple(hosts)))
    if not parent.attached:
        message = "hostnames and the listeners' have none in common"
        parent.conditions.refuse("Accepted", "NoMatchingListenerHostname", message)
    return parent


def _names(ref: ParentRef, one: Attachable) -> bool:
    return ref.section_name in (None, one.listener.name) and ref.port in (None, one.listener.port)


def _allows(one: Attachable, route: RouteObject, inventory: Inventory) -> bool:
    if route.kind not in one.kinds:
        return False
    rule = one.listener.allowed_routes.namespaces
    if rule.from_ == "Same":
        return route.namespace == one.gateway.namespace
    if rule.from_ == "Selector":
        labels = inventory.labels(route.namespace)
        return rule.selector is not None and labels is not None and rule.selector.fits(labels)
    return rule.from_ == "All"
