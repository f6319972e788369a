"""Routes become documents: names, services, terms, what is left out; the rules of the API are in tests/gateway_api."""

from tests.gateway_api.manifests import (
    OPEN,
    gateway,
    listener,
    loaded,
    manifest,
    ref,
    route,
    rule_to,
    service,
    slice_of,
    verdicts,
)

from triplegate.config.kubernetes.compile import warnings_of

BACKEND = service("a"), slice_of("a", 9001)


def test_a_rule_is_a_route_with_a_name_of_its_own(tmp_path):
    rules = rule_to("a", path="/one"), rule_to("a", path="/two", name="second")
    found = loaded(tmp_path, gateway(), route("orders", *rules), *BACKEND).documents
    assert list(found.routes) == ["shop.orders.0", "shop.orders.second"]
    one = found.routes["shop.orders.0"]
    assert [share.service for share in one.shares] == ["shop.a.80"]
    assert (one.identity, one.owner, one.sorts, one.match[0].section) == ("none", None, "shop/orders", "shop/web/http")
    assert found.services["shop.a.80"].endpoints == ("http://127.0.0.1:9001",)
    assert found.origin("routes", "shop.orders.0").startswith("apis/objects.yaml:")


def test_a_name_that_a_native_object_has_stays_its_own(tmp_path):
    native = """
services: {shop.a.80: {endpoints: ["http://127.0.0.1:1"]}}
routes: {shop.r.0: {service: shop.a.80, match: {path: /native}, identity: none}}
"""
    found = loaded(tmp_path, gateway(), route("r"), *BACKEND, native=native).documents
    assert found.routes["shop.r.0"].match[0].path == "/native"
    assert [share.service for share in found.routes["shop.r.0-2"].shares] == ["shop.a.80-2"]


def test_a_route_at_gateways_of_different_terms_is_served_on_each_ones_terms(tmp_path):
    native = "policies: {keyed: [{use: key_auth}]}\norgs: {acme: {teams: {web: {}}}}\n"
    open_one = gateway(listener("a", hosts="a.test"), name="open", annotations=OPEN)
    keyed = gateway(listener("b", hosts="b.test"), name="keyed", annotations={"triplegate.dev/policies": "keyed"})
    bare = gateway(listener("c", hosts="c.test"), name="bare", annotations={})
    parents = [{"name": name} for name in ("open", "keyed", "bare")]
    found = loaded(tmp_path, open_one, keyed, bare, route("r", parents=parents), *BACKEND, native=native)
    routes = found.documents.routes
    assert {(one.identity, one.match[0].host, len(one.policies)) for one in routes.values()} == {
        ("none", "a.test", 0),
        (None, "b.test", 1),
    }
    told = verdicts(found)
    assert told.route(part="shop/open") == told.route(part="shop/keyed") == "True Accepted"
    assert told.route(part="shop/bare") == "False IdentityRequired"


def test_a_route_of_a_listener_that_is_not_served_is_no_document(tmp_path):
    found = loaded(tmp_path, gateway(listener("tcp", 80, "TCP")), route("r"), *BACKEND)
    assert found.documents.routes == {}
    assert found.documents.sections == {}


def test_other_parents_are_named_and_those_of_other_controllers_are_not(tmp_path):
    parents = [{"name": "a", "kind": "Service", "group": ""}]
    found = loaded(tmp_path, route("r", parents=parents), *BACKEND)
    assert any("parents of kind Service are not served" in str(one) for one in found.warnings)


def test_an_object_that_cannot_be_read_has_a_status(tmp_path):
    odd = manifest("Gateway", "odd", {"gatewayClassName": 1, "listeners": []})
    found = loaded(tmp_path, odd, route("r", parents=[{"name": "odd"}]), *BACKEND)
    told = verdicts(found)
    assert told("Gateway", "odd", "", "Accepted") == "False Invalid"
    assert told.route(part="shop/odd") == "False NoMatchingParent"


def test_each_thing_that_is_wrong_is_warned_of_once(tmp_path):
    found = loaded(tmp_path, gateway(), route("r", rule_to("gone"), rule_to(ref("gone"))))
    warnings = list(warnings_of(found.manifests.statuses))
    assert [text for _, text in warnings] == [
        "HTTPRoute shop/r (shop/web): ResolvedRefs, BackendNotFound: there is no service shop/gone"
    ]
