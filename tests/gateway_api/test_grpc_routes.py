"""GRPCRoutes: native clients and browsers reach gRPC backends by the rules of their manifests."""

import grpc
import pytest
from tests.gateway_api.manifests import gateway, listener, loaded, route, service, slice_of, verdicts, write_all
from tests.journeys.running import House, free_port

from triplegate.samples.grpc_echo import SERVICE
from triplegate.samples.start import start_grpc

NATIVE = "listeners: {grpc: {port: %d}}\norgs: {acme: {teams: {web: {}}}}\n"


def grpc_rule(*backends, **match):
    found = {"backendRefs": [{"name": name, "port": 80} for name in backends]}
    return {**found, "matches": [match]} if match else found


def test_a_grpc_route_may_stand_beside_a_http_route_of_the_same_host(tmp_path):
    calls = grpc_rule("a", method={"service": SERVICE, "method": "Echo"}, headers=[{"name": "x-a", "value": "1"}])
    objects = gateway(), route("r"), route("g", calls, kind="GRPCRoute"), service("a"), slice_of("a", 9001)
    found = loaded(tmp_path, *objects)
    assert verdicts(found).route("g", kind="GRPCRoute") == "True Accepted"
    documents = found.documents
    (match,) = documents.routes["shop.g.0"].match
    assert (match.path, match.type, match.methods, match.headers) == (
        f"/{SERVICE}/Echo",
        "exact",
        ("POST",),
        {"x-a": "1"},
    )
    assert documents.services["shop.a.80.grpc"].protocol == "grpc"
    assert documents.services["shop.a.80"].protocol == "http"
    assert documents.sections["shop/web/http"].listeners == ("data", "grpc")
    assert documents.speaks_grpc


def test_a_section_without_grpc_routes_is_not_on_the_listener_for_grpc(tmp_path):
    web = gateway(listener("a", hosts="a.test"), listener("b", hosts="b.test"))
    only = route("g", grpc_rule("a"), kind="GRPCRoute", parents=[{"name": "web", "sectionName": "b"}])
    sections = loaded(tmp_path, web, only, service("a")).documents.sections
    assert {name: one.listeners for name, one in sections.items()} == {
        "shop/web/a": ("data",),
        "shop/web/b": ("data", "grpc"),
    }


def test_a_native_client_calls_through_manifests(tmp_path):
    port = free_port()
    with start_grpc() as echo:
        calls = grpc_rule("a", method={"service": SERVICE, "method": "Echo"})
        objects = (
            gateway(),
            route("g", calls, kind="GRPCRoute"),
            service("a", protocol="grpc"),
            slice_of("a", echo.ports["grpc"]),
        )
        write_all(tmp_path, *objects, native=NATIVE % port)
        with House(tmp_path), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert channel.unary_unary(f"/{SERVICE}/Echo")(b"hello", timeout=10) == b"hello"
            with pytest.raises(grpc.RpcError) as failed:
                channel.unary_unary(f"/{SERVICE}/Seen")(b"", timeout=10)
            assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED
