"""Where a route attaches: by name and port, by leave, by hosts."""

import pytest
from tests.config.kubernetes.read import inventory_with
from tests.gateway_api.manifests import gateway, listener, route

from triplegate.config.kubernetes.attach import attach, is_gateway
from triplegate.config.kubernetes.gateways import Classes, Place, open_gateways
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.objects_routes import HttpRouteObject, ParentRef

WEB = gateway(listener("a", 80), listener("b", 81, hosts="*.b.test"), listener("c", 81, hosts="c.test"))


def attached(ref, **more):
    inventory, _ = inventory_with(WEB, route(parents=[ref], **more))
    (state,) = open_gateways(inventory, Grants(inventory), Classes(inventory), [Place("data", "::1", ())])
    (made,) = inventory.every(HttpRouteObject)
    return attach(made, made.spec.parent_refs[0], state, inventory)


@pytest.mark.parametrize(
    ("ref", "hosts", "expected"),
    [
        ({}, [], [("a", ("*",)), ("b", ("*.b.test",)), ("c", ("c.test",))]),
        ({"sectionName": "a"}, ["x.test"], [("a", ("x.test",))]),
        ({"port": 81}, ["x.b.test", "c.test"], [("b", ("x.b.test",)), ("c", ("c.test",))]),
        ({"sectionName": "b", "port": 80}, [], []),
        ({"sectionName": "c"}, ["x.test"], []),
    ],
)
def test_it_attaches_to_what_it_names_for_the_hosts_in_common(ref, hosts, expected):
    parent = attached({"name": "web", **ref}, hosts=hosts)
    assert [(one.listener.listener.name, one.hosts) for one in parent.attached] == expected
    assert parent.accepted is bool(expected)


def test_a_parent_is_named_as_it_was_written():
    assert attached({"name": "web", "sectionName": "a", "port": 80}).name == "shop/web/a:80"
    shown = attached({"name": "web"}).shown()
    assert shown["parentRef"] == {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}


def test_other_kinds_of_parents_are_not_ours():
    assert is_gateway(ParentRef(name="web"))
    assert not is_gateway(ParentRef(name="web", kind="Service", group=""))
