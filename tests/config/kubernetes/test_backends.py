"""Backends: addresses of services, what they speak, and why some cannot be called."""

import pytest
from tests.config.kubernetes.read import inventory_with
from tests.gateway_api.manifests import manifest, ref, route, service, slice_of

from triplegate.config.kubernetes.backend_tls import BackendTls
from triplegate.config.kubernetes.backends import Backend, Backends, Broken
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.objects_routes import GrpcRouteObject, HttpRouteObject, ServiceRef


def found(*objects, backend=None, kind="HTTPRoute"):
    inventory, _ = inventory_with(route(kind=kind), *objects)
    (made,) = inventory.every(HttpRouteObject if kind == "HTTPRoute" else GrpcRouteObject)
    backends = Backends(inventory, Grants(inventory), BackendTls(inventory))
    return backends.find(made, ServiceRef.model_validate(backend or ref("a")))


def test_a_services_endpoints_are_those_of_its_slices_that_are_ready():
    ready = slice_of("a", 9001, 9002)
    ready["endpoints"].append({"addresses": ["127.0.0.2"], "conditions": {"ready": False}})
    six = {**slice_of("a", 9003), "addressType": "IPv6", "endpoints": [{"addresses": ["::1"]}]}
    six["metadata"] = {**six["metadata"], "name": "a-2"}
    other = slice_of("a", 9004, port_name="metrics")
    other["metadata"] = {**other["metadata"], "name": "a-3"}
    made = found(service("a"), ready, six, other)
    assert isinstance(made, Backend)
    assert made.name == "shop.a.80"
    assert made.document == {
        "endpoints": ["http://127.0.0.1:9001", "http://127.0.0.1:9002", "http://[::1]:9003"],
        "host": "keep",
    }


def test_without_slices_the_clusters_dns_knows_it():
    assert found(service("a")).document["endpoints"] == ["http://a.shop.svc:80"]
    port = {"port": 80, "targetPort": 8080}
    headless = manifest("Service", "a", {"clusterIP": "None", "ports": [port]}, version="v1")
    assert found(headless).document["endpoints"] == ["http://a.shop.svc:8080"]


@pytest.mark.parametrize(
    ("protocol", "kind", "good"),
    [
        ("http", "HTTPRoute", True),
        ("kubernetes.io/ws", "HTTPRoute", True),
        ("kubernetes.io/h2c", "HTTPRoute", False),
        ("kubernetes.io/h2c", "GRPCRoute", True),
        ("grpc", "GRPCRoute", True),
        ("https", "HTTPRoute", False),
        ("kubernetes.io/wss", "HTTPRoute", False),
        ("mysql", "HTTPRoute", False),
    ],
)
def test_a_port_says_what_it_speaks(protocol, kind, good):
    made = found(service("a", protocol=protocol), kind=kind)
    assert isinstance(made, Backend) is good
    if not good:
        assert made.reason == "UnsupportedProtocol"
        assert protocol in made.message


def test_a_grpc_route_speaks_grpc_to_a_service_of_its_own():
    made = found(service("a"), kind="GRPCRoute")
    assert (made.name, made.document) == (
        "shop.a.80.grpc",
        {"endpoints": ["http://a.shop.svc:80"], "protocol": "grpc"},
    )


@pytest.mark.parametrize(
    ("objects", "backend", "reason"),
    [
        ([], ref("a"), "BackendNotFound"),
        ([service("a")], {"name": "a"}, "InvalidKind"),
        ([service("a")], ref("a", kind="Pod"), "InvalidKind"),
        ([service("a")], {"name": "a", "port": 81}, "BackendNotFound"),
        ([service("a", namespace="else")], ref("a", namespace="else"), "RefNotPermitted"),
        ([service("a", spec={"type": "ExternalName"})], ref("a"), "UnsupportedValue"),
        ([service("a"), slice_of("a", 1, ready=False)], ref("a"), ""),
    ],
)
def test_what_cannot_be_called_says_why(objects, backend, reason):
    made = found(*objects, backend=backend)
    assert isinstance(made, Broken)
    assert made.reason == reason
