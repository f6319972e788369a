"""Backends of routes: a service with its addresses, or the reason why its share of the calls is answered 500."""

from collections.abc import Mapping
from typing import Any

import msgspec

from triplegate.config.kubernetes.backend_tls import BackendTls
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.inventory import Inventory
from triplegate.config.kubernetes.names import shortened
from triplegate.config.kubernetes.objects import EndpointSliceObject, Object, ServiceObject, ServicePort
from triplegate.config.kubernetes.objects_routes import ServiceRef

MAX_ENDPOINTS = 256
_PLAIN = frozenset({None, "", "http", "tcp", "kubernetes.io/ws"})
_HTTP2 = frozenset({"kubernetes.io/h2c", "h2c", "http2", "grpc"})
_TLS = frozenset({"https", "kubernetes.io/wss"})


class Broken(msgspec.Struct, frozen=True):
    """Why a backend cannot be called."""

    reason: str
    """Of the route's condition ResolvedRefs; empty: the reference is good, and nothing is behind it now."""
    message: str


class Backend(msgspec.Struct, frozen=True):
    """A service that can be called."""

    name: str
    """Of the service document."""
    document: Mapping[str, Any]
    source: Object


class Backends:
    """Finds and remembers the services that routes refer to."""

    def __init__(self, inventory: Inventory, grants: Grants, tls: BackendTls) -> None:
        self._inventory, self._grants, self._tls = inventory, grants, tls
        self._slices: dict[tuple[str, str], list[EndpointSliceObject]] = {}
        for one in inventory.every(EndpointSliceObject):
            if one.service is not None:
                self._slices.setdefault((one.namespace, one.service), []).append(one)

    def find(self, route: Object, ref: ServiceRef) -> Backend | Broken:
        """The service that `route` means by `ref`."""
        namespace = ref.namespace or route.namespace
        if ref.group not in ("", "core") or ref.kind != "Service":
            return Broken("InvalidKind", f"{ref.kind} ({ref.group or 'core'}) {ref.name} is no service")
        if not self._grants.permit(route, "Service", namespace, ref.name):
            message = f"no ReferenceGrant in namespace {namespace} lets {route.kind}s of {route.namespace} use it"
            return Broken("RefNotPermitted", f"service {namespace}/{ref.name}: {message}")
        service = self._inventory.find(ServiceObject, namespace, ref.name)
        if service is None:
            return Broken("BackendNotFound", f"there is no service {namespace}/{ref.name}")
        if ref.port is None:
            return Broken("InvalidKind", f"service {namespace}/{ref.name}: a port must be named")
        port = next((one for one in service.spec.ports if one.port == ref.port and one.protocol == "TCP"), None)
        if port is None:
            return Broken("BackendNotFound", f"service {namespace}/{ref.name} has no TCP port {ref.port}")
        if service.spec.type == "ExternalName":
            return Broken("UnsupportedValue", f"service {namespace}/{ref.name}: ExternalName leads out of the cluster")
        return self._reach(service, port, grpc=route.kind == "GRPCRoute")

    def _reach(self, service: ServiceObject, port: ServicePort, *, grpc: bool) -> Backend | Broken:
        tls = self._tls.find(service, port)
        if isinstance(tls, str):
            return Broken("InvalidKind", tls)
        if grpc and tls is not None and "san" in tls:
            return Broken(
                "UnsupportedValue", f"service {service.full_name}: gRPC checks the hostname only, no other name"
            )
        trouble = _protocol_trouble(port.app_protocol, grpc=grpc, secure=tls is not None)
        if trouble:
            return Broken("UnsupportedProtocol", f"service {service.full_name} port {port.port}: {trouble}")
        scheme = "http" if tls is None else "https"
        addresses = self._addresses(service, port)
        if not addresses:
            return Broken("", f"service {service.full_name} port {port.port} has no ready endpoint")
        document: dict[str, Any] = {
            "endpoints": [f"{scheme}://{one}" for one in addresses[:MAX_ENDPOINTS]],
            **({"protocol": "grpc"} if grpc else {"host": "keep"}),
        }
        if tls is not None:
            document["tls"] = dict(tls)
        name = f"{service.namespace}.{service.name}.{port.port}{'.grpc' if grpc else ''}"
        return Backend(shortened(name), document, service)

    def _addresses(self, service: ServiceObject, port: ServicePort) -> list[str]:
        """host:port of its ready endpoints; by the cluster's DNS where the files hold no endpoints."""
        slices = self._slices.get((service.namespace, service.name))
        if slices is None:
            headless = service.spec.cluster_ip == "None"
            number = port.target_port if headless and isinstance(port.target_port, int) else port.port
            return [f"{service.name}.{service.namespace}.svc:{number}"]
        found = []
        for one in slices:
            numbers = [
                each.port for each in one.ports or () if (each.name or "") == port.name and each.port is not None
            ]
            for endpoint in one.endpoints or ():
                host = endpoint.addresses[0]
                shown = f"[{host}]" if one.address_type == "IPv6" else host
                found += [f"{shown}:{number}" for number in numbers if endpoint.ready]
        return list(dict.fromkeys(found))


def _protocol_trouble(protocol: str | None, *, grpc: bool, secure: bool) -> str:
    """Why calls of that kind cannot go to a port that says it speaks `protocol`; empty when they can."""
    if protocol in _PLAIN or (grpc and protocol in _HTTP2) or (secure and protocol in _TLS):
        return ""
    if protocol in _TLS:
        return f"appProtocol {protocol} needs a BackendTLSPolicy, which says how its certificate is checked"
    return f"appProtocol {protocol} is not spoken to backends"
