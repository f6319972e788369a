"""Gateways and their listeners: whose they are, what they ask for, and which of our listeners stand for them."""

from collections.abc import Mapping
from typing import Any

from triplegate.config.kubernetes.certificates import check_certificates
from triplegate.config.kubernetes.conditions import CONTROLLER, Conditions, Status
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.inventory import Inventory
from triplegate.config.kubernetes.objects import GATEWAY_GROUP
from triplegate.config.kubernetes.objects_gateway import GatewayClassObject, GatewayObject, Listener
from triplegate.config.secrets import Secret

ROUTE_KINDS = ("HTTPRoute", "GRPCRoute")
_PROTOCOLS = ("HTTP", "HTTPS")


class Place:
    """One of our listeners as manifests see it."""

    __slots__ = ("address", "name", "secure", "serves")

    def __init__(self, name: str, address: str, serves: tuple[int, ...], *, secure: bool = False) -> None:
        self.name, self.address, self.serves, self.secure = name, address, serves, secure


class Attachable:
    """A listener of a gateway: what it takes, and what became of it."""

    def __init__(self, gateway: GatewayObject, listener: Listener) -> None:
        self.gateway, self.listener = gateway, listener
        self.conditions = Conditions("Accepted", "Programmed", "ResolvedRefs", "Conflicted")
        self.conditions.put("Conflicted", "NoConflicts", "", holds=False)
        self.kinds: list[str] = []
        self.attached = 0
        self.places: tuple[str, ...] = ()
        self.addresses: tuple[str, ...] = ()
        self.certificates: list[tuple[str, Secret]] = []

    @property
    def section(self) -> str:
        """Its name among all listeners of all gateways."""
        return f"{self.gateway.full_name}/{self.listener.name}"

    @property
    def hostname(self) -> str | None:
        """The hosts it is for; None for any."""
        return self.listener.hostname or None

    @property
    def serves(self) -> bool:
        """Whether calls reach it."""
        return self.conditions.holds("Programmed")

    def refuse(self, name: str, reason: str, message: str) -> None:
        """`name` does not hold, and so nothing is served."""
        self.conditions.refuse(name, reason, message)
        self.conditions.refuse("Programmed", "Invalid", message)

    def conflict(self, reason: str, message: str) -> None:
        """Another listener wants the same: neither is served."""
        self.conditions.put("Conflicted", reason, message)
        self.refuse("Accepted", reason, message)

    def shown(self) -> dict[str, Any]:
        """Its status as Kubernetes shows it."""
        return {
            "name": self.listener.name,
            "supportedKinds": [{"group": GATEWAY_GROUP, "kind": kind} for kind in self.kinds],
            "attachedRoutes": self.attached,
            "conditions": self.conditions.shown(self.gateway.metadata.generation),
        }


class GatewayState:
    """A gateway with its listeners."""

    def __init__(self, gateway: GatewayObject) -> None:
        self.gateway = gateway
        self.conditions = Conditions("Accepted", "Programmed")
        self.listeners = [Attachable(gateway, one) for one in gateway.spec.listeners]

    @property
    def accepted(self) -> bool:
        """Whether routes may attach."""
        return self.conditions.holds("Accepted")

    def status(self, inventory: Inventory) -> Status:
        """What became of it and of its listeners."""
        addresses = dict.fromkeys(one for listener in self.listeners if listener.serves for one in listener.addresses)
        generation = self.gateway.metadata.generation
        shown = {
            "addresses": [{"type": "IPAddress", "value": one} for one in addresses],
            "conditions": self.conditions.shown(generation),
            "listeners": [one.shown() for one in self.listeners],
        }
        gateway = self.gateway
        parts = (("", self.conditions), *((one.listener.name, one.conditions) for one in self.listeners))
        place = inventory.node(gateway).place
        return Status(gateway.api_version, gateway.kind, gateway.namespace, gateway.name, place, shown, parts)


class Classes:
    """Gateway classes: which of them are ours, and what became of those."""

    def __init__(self, inventory: Inventory) -> None:
        self._conditions: dict[str, Conditions | None] = {}
        self.statuses: list[Status] = []
        for one in inventory.every(GatewayClassObject):
            conditions = self._conditions[one.name] = self._judge(one)
            if conditions is not None:
                shown = {"conditions": conditions.shown(one.metadata.generation)}
                parts = (("", conditions),)
                place = inventory.node(one).place
                self.statuses.append(Status(one.api_version, one.kind, "", one.name, place, shown, parts))

    @staticmethod
    def _judge(one: GatewayClassObject) -> Conditions | None:
        if one.spec.controller_name != CONTROLLER:
            return None
        conditions = Conditions("Accepted")
        if one.spec.parameters_ref is not None:
            conditions.refuse("Accepted", "InvalidParameters", "parametersRef: this implementation has no parameters")
        return conditions

    def ours(self, name: str) -> bool:
        """Whether gateways of that class are served here; a class that is not in the files counts as ours."""
        return name not in self._conditions or self._conditions[name] is not None

    def accepted(self, name: str) -> bool:
        """Whether a class of ours is in order."""
        found = self._conditions.get(name)
        return found is None or found.holds("Accepted")


def open_gateways(inventory: Inventory, grants: Grants, classes: Classes, places: list[Place]) -> list[GatewayState]:
    """All gateways that are served here, the oldest first."""
    found = [GatewayState(one) for one in inventory.every(GatewayObject) if classes.ours(one.spec.gateway_class_name)]
    taken: dict[tuple[int, str, str | None], str] = {}
    for state in found:
        _judge_gateway(state, classes)
        _find_conflicts(state)
        for one in state.listeners:
            _judge_listener(one, inventory, grants, places)
        for one in state.listeners if state.accepted else ():
            _claim(one, taken)
        _sum_up(state)
    return found


def _judge_gateway(state: GatewayState, classes: Classes) -> None:
    spec = state.gateway.spec
    refuse = state.conditions.refuse
    if not classes.accepted(spec.gateway_class_name):
        refuse("Accepted", "Pending", f"gateway class '{spec.gateway_class_name}' is not accepted")
    if spec.infrastructure is not None and spec.infrastructure.parameters_ref is not None:
        message = "infrastructure.parametersRef: this implementation has no parameters"
        refuse("Accepted", "InvalidParameters", message)
    if any(one.value for one in spec.addresses):
        refuse("Accepted", "UnsupportedAddress", "addresses are those of the settings' listeners")


def _find_conflicts(state: GatewayState) -> None:
    """Listeners that cannot be told apart: none of them wins."""
    for one in state.listeners:
        port, protocol = one.listener.port, one.listener.protocol
        alike = [other for other in state.listeners if other is not one and other.listener.port == port]
        same = [other for other in alike if other.listener.protocol == protocol]
        if len(same) < len(alike):
            one.conflict("ProtocolConflict", f"port {port} is asked for with several protocols")
        elif any(other.hostname == one.hostname for other in same):
            hosts = one.hostname or "any host"
            one.conflict("HostnameConflict", f"several listeners are for {hosts} on port {port}")


def _claim(one: Attachable, taken: dict[tuple[int, str, str | None], str]) -> None:
    """Our listeners are shared by all gateways: the older one has a port and host."""
    if not one.serves:
        return
    key = (one.listener.port, one.listener.protocol, one.hostname)
    if key in taken:
        one.conflict("HostnameConflict", f"listener {taken[key]} already has this port and host")
    taken.setdefault(key, one.section)


def _judge_listener(one: Attachable, inventory: Inventory, grants: Grants, places: list[Place]) -> None:
    listener = one.listener
    if listener.protocol not in _PROTOCOLS:
        message = f"protocol {listener.protocol} is not served: HTTP and HTTPS are"
        one.refuse("Accepted", "UnsupportedProtocol", message)
        return
    _judge_kinds(one)
    if listener.protocol == "HTTP" and listener.tls is not None:
        one.refuse("Accepted", "Invalid", "a listener with protocol HTTP has no tls")
    if listener.protocol == "HTTPS":
        one.certificates = check_certificates(one.gateway, listener, inventory, grants, one.refuse)
        if one.gateway.spec.tls.frontend is not None:
            message = "tls.frontend: client certificates are not asked for by manifest, and so nobody gets in"
            one.refuse("Accepted", "UnsupportedValue", message)
    serving = [place for place in places if not place.serves or listener.port in place.serves]
    if not serving:
        message = (
            f"none of the settings' listeners serves port {listener.port}: write `serves: [{listener.port}]` there"
        )
        one.refuse("Accepted", "PortUnavailable", message)
        return
    fitting = [place for place in serving if place.secure == (listener.protocol == "HTTPS")]
    if not fitting:
        names = ", ".join(place.name for place in serving)
        how = "has no tls" if listener.protocol == "HTTPS" else "speaks TLS"
        one.refuse("Accepted", "PortUnavailable", f"listener {names}, which serves port {listener.port}, {how}")
        return
    one.places = tuple(place.name for place in fitting)
    one.addresses = tuple(place.address for place in fitting)


def _judge_kinds(one: Attachable) -> None:
    wanted = one.listener.allowed_routes.kinds
    if not wanted:
        one.kinds = list(ROUTE_KINDS)
        return
    for kind in wanted:
        if kind.group == GATEWAY_GROUP and kind.kind in ROUTE_KINDS:
            one.kinds.append(kind.kind)
        else:
            message = f"routes of kind {kind.kind} ({kind.group}) cannot attach here"
            one.conditions.refuse("ResolvedRefs", "InvalidRouteKinds", message)
    if not one.kinds:
        one.conditions.refuse("Programmed", "Invalid", "no kind of routes can attach")


def _sum_up(state: GatewayState) -> None:
    """A gateway with one good listener is accepted."""
    good = [one for one in state.listeners if one.serves]
    conditions = state.conditions
    if not good:
        conditions.refuse("Accepted", "ListenersNotValid", "no listener can be served")
    elif len(good) < len(state.listeners):
        names = ", ".join(one.listener.name for one in state.listeners if not one.serves)
        conditions.put("Accepted", "ListenersNotValid", f"not served: {names}")
    if not state.accepted:
        reason = next(one for one in conditions.all() if one.type == "Accepted")
        conditions.refuse("Programmed", "Invalid", reason.message)
        for one in state.listeners:
            one.conditions.refuse("Programmed", "Pending", "the gateway is not accepted")


def places_of(listeners: Mapping[str, Any]) -> list[Place]:
    """Our listeners for clients; where none says which ports it serves, `data` serves them all."""
    found = [
        Place(name, one.host, tuple(one.serves), secure=getattr(one, "tls", None) is not None)
        for name, one in listeners.items()
    ]
    explicit = [place for place in found if place.serves]
    return explicit or [place for place in found if place.name == "data"]
