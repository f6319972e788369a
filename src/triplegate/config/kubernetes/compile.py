"""Manifests become routes, services and sections, each with its status; nothing here refuses the rest."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from triplegate.config.faults import Findings, Position
from triplegate.config.kubernetes.attach import Parent, attach, is_gateway
from triplegate.config.kubernetes.backend_tls import BackendTls
from triplegate.config.kubernetes.backends import Backend, Backends, Broken
from triplegate.config.kubernetes.conditions import Condition, Conditions, Status
from triplegate.config.kubernetes.filters import MOST_RETRIES, Shaped, dispatch, shape, shape_backend
from triplegate.config.kubernetes.gateways import Classes, GatewayState, Place, open_gateways
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.inventory import Inventory
from triplegate.config.kubernetes.matches import rule_matches
from triplegate.config.kubernetes.names import free, shortened
from triplegate.config.kubernetes.objects import GATEWAY_GROUP
from triplegate.config.kubernetes.objects_gateway import GatewayObject
from triplegate.config.kubernetes.objects_routes import (
    BackendRef,
    GrpcRouteObject,
    GrpcRule,
    HttpRouteObject,
    HttpRule,
    RouteObject,
    ServiceRef,
)
from triplegate.config.kubernetes.terms import Native, Terms, Trouble, terms_of
from triplegate.config.secrets import Secret


class Made:
    """What one route came to: documents by name, and its parents to blame when they turn out wrong."""

    def __init__(self, route: RouteObject, parents: list[Parent], place: Position) -> None:
        self.route, self.parents, self.place = route, parents, place
        self.routes: dict[str, dict[str, Any]] = {}
        self.services: dict[str, tuple[Mapping[str, Any], Position]] = {}

    def refuse(self, reason: str, message: str) -> None:
        """Nothing of it is served."""
        self.routes = {}
        for parent in self.parents:
            parent.conditions.refuse("Accepted", reason, message)


class Body(msgspec.Struct, frozen=True):
    """What a rule is whatever its parents."""

    shaped: Shaped
    services: list[dict[str, Any]]


class Compiler:
    """One pass over an inventory."""

    def __init__(
        self,
        inventory: Inventory,
        places: list[Place],
        native: Native,
        taken: Mapping[str, Collection[str]],
        findings: Findings,
    ) -> None:
        """`taken`: names of native routes and services."""
        self._inventory, self._native, self._findings = inventory, native, findings
        self._grants = Grants(inventory)
        self._classes = Classes(inventory)
        self.gateways = open_gateways(inventory, self._grants, self._classes, places)
        self._states = {one.gateway.full_name: one for one in self.gateways}
        self._tls = BackendTls(inventory)
        self._backends = Backends(inventory, self._grants, self._tls)
        self._route_names = set(taken.get("routes", ()))
        self._service_names: dict[str, str] = {}
        self._taken_services = set(taken.get("services", ()))
        self.made = [self._route(one) for one in self._routes()]

    def _routes(self) -> list[RouteObject]:
        found: list[RouteObject] = [*self._inventory.every(HttpRouteObject), *self._inventory.every(GrpcRouteObject)]
        return sorted(found, key=lambda one: one.age)

    def sections(self) -> dict[str, tuple[dict[str, Any], Position]]:
        """Listeners of gateways that are served; gRPC clients have a listener of their own beside them."""
        called = {
            one.listener.section
            for made in self.made
            if made.routes and made.route.kind == "GRPCRoute"
            for parent in made.parents
            for one in parent.attached
        }
        return {
            one.section: (
                {
                    "listeners": [*one.places, *(["grpc"] if one.section in called else [])],
                    "host": one.hostname or "*",
                },
                self._inventory.node(state.gateway).place,
            )
            for state in self.gateways
            for one in state.listeners
            if one.serves
        }

    def certificates(self) -> dict[str, tuple[tuple[str, Secret], ...]]:
        """Our listener → chains and keys of the HTTPS listeners that it stands for."""
        found: dict[str, tuple[tuple[str, Secret], ...]] = {}
        for one in (listener for state in self.gateways for listener in state.listeners if listener.serves):
            for place in one.places if one.certificates else ():
                found[place] = (*found.get(place, ()), *one.certificates)
        return found

    def _route(self, route: RouteObject) -> Made:
        place = self._inventory.node(route).place
        parents = [
            attach(route, ref, self._gateway(route, ref.namespace, ref.name), self._inventory)
            for ref in route.spec.parent_refs
            if self._is_ours(route, ref, place)
        ]
        made = Made(route, parents, place)
        for parent in parents:
            for one in parent.attached:
                one.listener.attached += 1
        rules: tuple[HttpRule | GrpcRule, ...] = route.spec.rules
        bodies = [self._rule(made, rule) for rule in rules]
        for terms, agreed in self._agree(made).items():
            for index, (rule, body) in enumerate(zip(rules, bodies, strict=True)):
                self._enter(made, terms, agreed, index, rule, body)
        return made

    def _is_ours(self, route: RouteObject, ref: Any, place: Position) -> bool:
        name = f"{ref.namespace or route.namespace}/{ref.name}"
        if not is_gateway(ref):
            text = f"{route.kind} {route.full_name}: parents of kind {ref.kind} are not served, only Gateways"
            self._findings.warn(place, text)
            return False
        written = self._inventory.find(GatewayObject, ref.namespace or route.namespace, ref.name)
        return written is None or name in self._states

    def _gateway(self, route: RouteObject, namespace: str | None, name: str) -> GatewayState | None:
        return self._states.get(f"{namespace or route.namespace}/{name}")

    def _agree(self, made: Made) -> dict[Terms, list[Parent]]:
        """Parents by the terms on which the route is served there."""
        found: dict[Terms, list[Parent]] = {}
        for parent in made.parents:
            if parent.accepted and parent.gateway is not None:
                terms = terms_of(made.route, parent.gateway.gateway, self._native)
                if isinstance(terms, Trouble):
                    parent.conditions.refuse("Accepted", terms.reason, terms.message)
                else:
                    found.setdefault(terms, []).append(parent)
        return found

    def _rule(self, made: Made, rule: HttpRule | GrpcRule) -> Body:
        """What a rule is whatever its parents: services and policies."""
        shaped = self._shape(made, rule)
        shares = [self._share(made, ref) for ref in rule.backend_refs]
        if shaped.answers:
            return Body(shaped, [])
        return Body(shaped, shares or [{"service": "none", "broken": "the rule has no backendRefs"}])

    def _shape(self, made: Made, rule: HttpRule | GrpcRule) -> Shaped:
        shaped = shape(rule.filters, lambda ref: self._mirrored(made, ref))
        trouble = shaped if isinstance(shaped, Trouble) else self._misfit(rule, shaped)
        if trouble is not None:
            made.refuse(trouble.reason, trouble.message)
            return Shaped([], [])
        assert isinstance(shaped, Shaped)
        if isinstance(rule, GrpcRule):
            return shaped
        if rule.retry is not None and (rule.retry.attempts or 1) > MOST_RETRIES:
            route = made.route
            self._findings.warn(made.place, f"{route.kind} {route.full_name}: retries are at most {MOST_RETRIES}")
        return Shaped(shaped.first, [*shaped.then, *dispatch(rule)])

    def _misfit(self, rule: HttpRule | GrpcRule, shaped: Shaped) -> Trouble | None:
        """What the filters and the rest of the rule cannot be together."""
        policies = [*shaped.first, *shaped.then]
        for name in policies:
            chain = self._native.chain_of(name) if isinstance(name, str) else ()
            if isinstance(chain, str):
                return Trouble("UnsupportedValue", chain)
        prefix = any(isinstance(one, dict) and "prefix" in one for one in policies)
        if prefix and isinstance(rule, HttpRule) and any(one.path.type != "PathPrefix" for one in rule.matches):
            return Trouble("UnsupportedValue", "ReplacePrefixMatch is for matches of type PathPrefix")
        return None

    def _mirrored(self, made: Made, ref: ServiceRef) -> str | None:
        """The service that gets copies; a reference that leads nowhere is told, and the calls go on."""
        found = self._backends.find(made.route, ref)
        if isinstance(found, Backend):
            return self._service(made, found)
        self._note(made, found)
        return None

    def _service(self, made: Made, found: Backend) -> str:
        name = self._service_name(found)
        made.services[name] = (found.document, self._inventory.node(found.source).place)
        return name

    def _share(self, made: Made, ref: BackendRef) -> dict[str, Any]:
        policies = shape_backend(ref.filters)
        if isinstance(policies, Trouble):
            made.refuse(policies.reason, policies.message)
            policies = []
        found = self._backends.find(made.route, ref)
        if isinstance(found, Backend):
            share: dict[str, Any] = {"service": self._service(made, found), "weight": ref.weight}
            return {**share, "policies": policies} if policies else share
        self._note(made, found)
        namespace = ref.namespace or made.route.namespace
        name = shortened(f"{namespace}.{ref.name}.{ref.port or 0}")
        share = {"service": name, "weight": ref.weight, "broken": found.message}
        return share if found.reason else {**share, "empty": True}

    def _note(self, made: Made, found: Broken) -> None:
        if not found.reason:
            self._findings.warn(made.place, f"{made.route.kind} {made.route.full_name}: {found.message}")
        for parent in made.parents if found.reason else ():
            parent.conditions.refuse("ResolvedRefs", found.reason, found.message)

    def _service_name(self, backend: Backend) -> str:
        if backend.name not in self._service_names:
            self._service_names[backend.name] = free(backend.name, self._taken_services)
            self._taken_services.add(self._service_names[backend.name])
        return self._service_names[backend.name]

    def _enter(
        self,
        made: Made,
        terms: Terms,
        parents: list[Parent],
        index: int,
        rule: HttpRule | GrpcRule,
        body: Body,
    ) -> None:
        places: dict[str, list[str]] = {}
        for parent in parents:
            for one in parent.attached:
                if one.listener.serves:
                    hosts = places.setdefault(one.listener.section, [])
                    hosts += [host for host in one.hosts if host not in hosts]
        if not places:
            return
        route = made.route
        document: dict[str, Any] = {
            "services": body.services,
            "match": rule_matches(rule, places.items()),
            "policies": [*body.shaped.first, *terms.chains, *body.shaped.then],
            "sorts": route.full_name,
        }
        if terms.open:
            document["identity"] = "none"
        if terms.owner is not None:
            document["owner"] = terms.owner
        if route.metadata.created is not None:
            document["created"] = route.metadata.created.isoformat()
        name = free(f"{route.namespace}.{route.name}.{rule.name or index}", self._route_names)
        self._route_names.add(name)
        made.routes[name] = document

    def statuses(self) -> list[Status]:
        """What became of every object that has a status."""
        found = [*self._classes.statuses, *(one.status(self._inventory) for one in self.gateways)]
        found += [_route_status(one) for one in self.made]
        return [*found, *self._tls.statuses(), *_unread(self._inventory)]


def _route_status(made: Made) -> Status:
    route, parents = made.route, made.parents
    shown = {"parents": [one.shown() for one in parents]}
    parts = tuple((one.name, one.conditions) for one in parents)
    return Status(route.api_version, route.kind, route.namespace, route.name, made.place, shown, parts)


def _unread(inventory: Inventory) -> Iterable[Status]:
    """Objects with a wrong type somewhere: not accepted, and nothing else is said of them."""
    for one in inventory.unread:
        if one.api_version.startswith(GATEWAY_GROUP) and one.kind != "ReferenceGrant":
            conditions = Conditions()
            conditions.refuse("Accepted", "Invalid", one.message)
            shown = {"conditions": conditions.shown(0)}
            parts = (("", conditions),)
            yield Status(one.api_version, one.kind, one.namespace, one.name, one.position, shown, parts)


def warnings_of(statuses: Iterable[Status]) -> Iterable[tuple[Position, str]]:
    """Everything that is wrong, once for each object and reason."""
    for status in statuses:
        told: set[Condition] = set()
        for row in status.rows():
            one = row.condition
            if row.bad and one.type != "Programmed" and one not in told:
                told.add(one)
                part = f" ({row.part})" if row.part else ""
                yield status.position, f"{row.kind} {row.name}{part}: {one.type}, {one.reason}: {one.message}"
