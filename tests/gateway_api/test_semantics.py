"""The Gateway API's own rules, one by one, on a gateway made from manifests with backends behind it."""

import pytest
from tests.gateway_api.manifests import (
    OPEN,
    gateway,
    grant,
    listener,
    loaded,
    manifest_of,
    ref,
    route,
    rule_to,
    secret,
    service,
    slice_of,
    verdicts,
    world,
)
from tests.gateway_api.pairs import pair_for

# 1: precedence over all attached routes, never the first one -------------------------------------------------------

PAIRS = {
    "exact host before wildcard": (
        route("r1", rule_to("a", path="/long/path"), hosts=["*.shop.test"]),
        route("r2", rule_to("b", path="/")),
        {"hosts": ["a.shop.test"]},
        "a.shop.test/long/path",
        {},
    ),
    "longer wildcard before shorter": (
        route("r1", rule_to("a"), hosts=["*.test"]),
        route("r2", rule_to("b")),
        {"hosts": ["*.shop.test"]},
        "x.y.shop.test/",
        {},
    ),
    "exact path before prefix": (
        route("r1", rule_to("a", path="/one")),
        route("r2", rule_to("b", path="/one", type="Exact")),
        {},
        "a.test/one",
        {},
    ),
    "longer prefix before shorter": (
        route("r1", rule_to("a", path="/one", headers={"x-a": "1"}, method="GET")),
        route("r2", rule_to("b", path="/one/two")),
        {},
        "a.test/one/two/three",
        {"x_a": "1"},
    ),
    "method before headers": (
        route("r1", rule_to("a", headers={"x-a": "1", "x-b": "1"})),
        route("r2", rule_to("b", method="GET")),
        {},
        "a.test/",
        {"x_a": "1", "x_b": "1"},
    ),
    "more headers before more parameters": (
        route("r1", rule_to("a", headers={"x-a": "1"}, query={"q": "1", "r": "1"})),
        route("r2", rule_to("b", headers={"x-a": "1", "x-b": "1"})),
        {},
        "a.test/",
        {"x_a": "1", "x_b": "1", "query": b"q=1&r=1"},
    ),
    "more parameters before fewer": (
        route("r1", rule_to("a", query={"q": "1"})),
        route("r2", rule_to("b", query={"q": "1", "r": "1"})),
        {},
        "a.test/",
        {"query": b"q=1&r=1"},
    ),
    "older before younger": (
        route("r1", rule_to("a"), creationTimestamp="2026-02-01T00:00:00Z"),
        route("r2", rule_to("b"), creationTimestamp="2026-01-01T00:00:00Z"),
        {},
        "a.test/",
        {},
    ),
    "name when equally old": (route("r-1", rule_to("a")), route("r", rule_to("b")), {}, "a.test/", {}),
}


@pytest.mark.parametrize("case", PAIRS)
async def test_the_more_specific_match_wins_whatever_the_order_of_the_files(tmp_path, case):
    loses, wins, more, url, call = PAIRS[case]
    if "hosts" in more:
        wins = {**wins, "spec": {**wins["spec"], "hostnames": more["hosts"]}}
    async with world(tmp_path, gateway(), loses, wins) as made:
        assert await made.backend(url, **call) == "b"
        made.change(*made.extra, wins, loses, gateway())
        assert await made.backend(url, **call) == "b"


async def test_of_equal_rules_of_one_route_the_first_wins_even_the_second_of_twelve(tmp_path):
    rules = [rule_to("c", path=f"/{n}") for n in range(12)]
    rules[2], rules[10] = rule_to("a", path="/same"), rule_to("b", path="/same")
    async with world(tmp_path, gateway(), route("r", *rules)) as made:
        assert await made.backend("a.test/same") == "a"


# 2: prefixes by whole elements, wildcards by whole labels ----------------------------------------------------------


async def test_a_prefix_takes_whole_elements(tmp_path):
    async with world(tmp_path, gateway(), route("r", rule_to("a", path="/abc/"))) as made:
        for path, expected in {"/abc": "a", "/abc/": "a", "/abc/def": "a", "/abcd": 404, "/": 404}.items():
            assert await made.backend("a.test" + path) == expected, path


async def test_a_wildcard_takes_any_number_of_labels_and_not_the_apex(tmp_path):
    async with world(tmp_path, gateway(), route("r", rule_to("a"), hosts=["*.example.com"])) as made:
        for host, expected in {"a.example.com": "a", "a.b.example.com": "a", "example.com": 404, "x.test": 404}.items():
            assert await made.backend(host + "/x") == expected, host


# 3: hosts of listener and route in common --------------------------------------------------------------------------

HOSTS = [
    (None, [], {"any.test": "a"}),
    ("*.shop.test", [], {"a.shop.test": "a", "shop.test": 404}),
    ("*.shop.test", ["a.shop.test", "other.test"], {"a.shop.test": "a", "b.shop.test": 404, "other.test": 404}),
    ("a.shop.test", ["*.shop.test"], {"a.shop.test": "a", "b.shop.test": 404}),
    ("*.shop.test", ["*.test"], {"a.shop.test": "a", "a.test": 404}),
    ("*.test", ["*.shop.test"], {"a.shop.test": "a", "b.test": 404}),
    ("a.test", ["b.test"], None),
    ("*.a.test", ["a.test"], None),
]


@pytest.mark.parametrize(("at", "hosts", "calls"), HOSTS)
async def test_only_hosts_that_listener_and_route_have_in_common_are_served(tmp_path, at, hosts, calls):
    objects = gateway(listener(hosts=at) if at else listener()), route("r", hosts=hosts)
    async with world(tmp_path, *objects) as made:
        if calls is None:
            assert made.verdicts.route() == "False NoMatchingListenerHostname"
            assert made.found.documents.routes == {}
        for host, expected in (calls or {}).items():
            assert await made.backend(host + "/x") == expected, host


# 4: what leads nowhere ---------------------------------------------------------------------------------------------

ELSEWHERE = ref("a", namespace="other")
NOWHERE = {
    "missing": (ref("gone"), "False BackendNotFound"),
    "port": (ref("a") | {"port": 81}, "False BackendNotFound"),
    "kind": (ref("a", kind="Pod"), "False InvalidKind"),
    "group": (ref("a", group="example.com"), "False InvalidKind"),
    "elsewhere": (ELSEWHERE, "False RefNotPermitted"),
}


@pytest.mark.parametrize("case", NOWHERE)
async def test_a_backend_that_leads_nowhere_is_500_for_its_share(tmp_path, case):
    bad, expected = NOWHERE[case]
    elsewhere = service("a", namespace="other")
    async with world(tmp_path, gateway(), elsewhere, route("r", rule_to("a", bad))) as made:
        got = [await made.backend("a.test/") for _ in range(8)]
        assert (got.count("a"), got.count(500)) == (4, 4)
        assert made.verdicts.route() == "True Accepted"
        assert made.verdicts.route(type_="ResolvedRefs") == expected


async def test_no_backends_is_500_and_no_match_404(tmp_path):
    nothing = route("r", rule_to(path="/none"), rule_to(ref("a", weight=0), path="/zero"))
    async with world(tmp_path, gateway(), nothing) as made:
        assert await made.backend("a.test/none") == 500
        assert await made.backend("a.test/zero") == 500
        assert await made.backend("a.test/else") == 404


async def test_weights_are_kept_and_a_weight_of_0_gets_nothing(tmp_path):
    shares = rule_to(ref("a", weight=3), ref("b"), ref("c", weight=0))
    async with world(tmp_path, gateway(), route("r", shares)) as made:
        got = [await made.backend("a.test/") for _ in range(40)]
        assert (got.count("a"), got.count("b"), got.count("c")) == (30, 10, 0)


async def test_a_service_without_a_ready_endpoint_gets_no_calls(tmp_path):
    waiting = slice_of("w", 1, ready=False)
    async with world(tmp_path, gateway(), service("w"), waiting, route("r", rule_to("w"))) as made:
        assert await made.backend("a.test/") == 503
        assert made.verdicts.route(type_="ResolvedRefs") == "True ResolvedRefs"
        assert any("no ready endpoint" in str(one) for one in made.found.warnings)


# 5 (matching half): header names have no case ----------------------------------------------------------------------


async def test_header_names_have_no_case_and_of_two_entries_the_first_counts(tmp_path):
    rule = rule_to("a")
    rule["matches"] = [{"headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}]
    async with world(tmp_path, gateway(), route("r", rule)) as made:
        assert await made.backend("a.test/", x_a="1") == "a"
        assert await made.backend("a.test/", x_a="2") == 404


# 8: a listener owns its hosts --------------------------------------------------------------------------------------


async def test_the_most_specific_listener_owns_a_request_even_when_none_of_its_routes_takes_it(tmp_path):
    web = gateway(listener("all"), listener("wild", hosts="*.shop.test"), listener("one", hosts="a.shop.test"))
    routes = [
        route("r-all", rule_to("a", path="/all"), parents=[{"name": "web", "sectionName": "all"}]),
        route("r-wild", rule_to("b", path="/wild"), parents=[{"name": "web", "sectionName": "wild"}]),
        route("r-one", rule_to("c", path="/one"), parents=[{"name": "web", "sectionName": "one"}]),
    ]
    async with world(tmp_path, web, *routes) as made:
        served = {"x.test": ("/all", "a"), "b.shop.test": ("/wild", "b"), "a.shop.test": ("/one", "c")}
        for host, (path, backend) in served.items():
            for asked in ("/all", "/wild", "/one"):
                assert await made.backend(host + asked) == (backend if asked == path else 404), (host, asked)


async def test_listeners_of_other_ports_are_on_other_listeners_of_ours(tmp_path):
    native = """
listeners: {data: {serves: [80]}, inner: {port: 8090, serves: [8000, 8001]}}
orgs: {acme: {teams: {web: {}}}}
"""
    web = gateway(listener("out"), listener("in", 8000), listener("nowhere", 9999))
    only_in = route("r", rule_to("a"), parents=[{"name": "web", "port": 8000}])
    async with world(tmp_path, web, only_in, native=native) as made:
        assert await made.backend("a.test/", at="inner") == "a"
        assert await made.backend("a.test/x", at="data") == 404
        assert made.verdicts.listener("nowhere") == "False Invalid"
        assert made.verdicts.listener("nowhere", "Accepted") == "False PortUnavailable"
        assert made.verdicts.listener("out") == "True Programmed"
        assert made.verdicts.route(part="shop/web:8000") == "True Accepted"


async def test_a_method_that_a_native_route_does_not_take_is_404_where_a_listener_owns_the_host(tmp_path):
    native = """
services: {s: {endpoints: ["http://127.0.0.1:1"]}}
routes: {n: {service: s, match: {path: /n, methods: [PUT]}, identity: none, owner: web}}
orgs: {acme: {teams: {web: {}}}}
"""
    owned = route("r", rule_to("a", path="/n/more"))
    async with world(tmp_path, gateway(listener(hosts="a.test")), owned, native=native) as made:
        assert await made.backend("a.test/n/more") == "a"
        assert [await made.backend(host + "/n") for host in ("a.test", "b.test")] == [404, 405]


# 9: a connection of TLS leads to one listener ----------------------------------------------------------------------


async def test_a_host_of_another_listener_than_the_connection_was_opened_for_is_421(tmp_path):
    chain, key = pair_for("a.test")
    native = """
listeners: {secure: {port: 8443, serves: [443], tls: {certificates: {certificate: own.pem, key: "file:own.key"}}}}
services: {s: {endpoints: ["http://127.0.0.1:1"]}}
routes: {n: {service: s, match: {path: /native, methods: [GET]}, identity: none, owner: web}}
orgs: {acme: {teams: {web: {}}}}
"""
    hosts = {"one": "a.test", "two": "b.test", "wild": "*.shop.test"}
    web = gateway(
        *(
            listener(name, 443, "HTTPS", hosts=host, tls={"certificateRefs": [{"name": "tls"}]})
            for name, host in hosts.items()
        )
    )
    async with world(tmp_path, web, secret("tls", chain, key), route("r", rule_to("a")), native=native) as made:
        calls = {
            ("a.test", "a.test"): "a",
            ("a.test", "b.test"): 421,
            ("a.test", "x.shop.test"): 421,
            ("x.shop.test", "a.test"): 421,
            ("x.shop.test", "y.z.shop.test"): "a",
            ("a.test", "nobody.test"): 404,
            ("", "b.test"): "a",
        }
        for (asked, host), expected in calls.items():
            assert await made.backend(host + "/x", at="secure", asked=asked) == expected, (asked, host)
        assert await made.backend("b.test/", "OPTIONS", at="secure", asked="a.test") == 421
        # a native route belongs to no listener of a Gateway
        assert (await made.call("b.test/native", at="secure", asked="a.test"))[0] == 502


# 10: nobody is referred to from elsewhere without leave ------------------------------------------------------------


async def test_another_namespace_needs_a_grant_there_and_loses_it_with_the_grant(tmp_path):
    async with world(tmp_path) as made:
        there = route("r", rule_to(ref("a", namespace="shop")), parents=[{"name": "web"}], namespace="team")
        web = gateway(namespace="team")
        grants = [
            grant("HTTPRoute", "team", ("Service", None)),
            grant("HTTPRoute", "team", ("Service", "a")),
            grant("HTTPRoute", "team", ("Service", "b")),
            grant("HTTPRoute", "elsewhere", ("Service", "a")),
            grant("Gateway", "team", ("Service", "a")),
            grant("HTTPRoute", "team", ("Secret", None)),
            grant("HTTPRoute", "team", ("Service", "a"), namespace="team"),
            None,
        ]
        for number, one in enumerate(grants):
            made.change(web, there, *made.extra, *([one] if one else []))
            good = number < 2
            assert await made.backend("a.test/") == ("a" if good else 500), one
            expected = "True ResolvedRefs" if good else "False RefNotPermitted"
            assert made.verdicts.route("team/r", "team/web", "ResolvedRefs") == expected


# 11: each parent has its own status; generations are seen ----------------------------------------------------------


async def test_each_parent_has_its_own_status(tmp_path):
    web = gateway(listener("one", hosts="a.test"), listener("two", 81, hosts="b.test"))
    same = gateway(listener("grpc", 82, routes={"kinds": [{"kind": "GRPCRoute"}]}), name="grpc")
    parents = [
        {"name": "web", "sectionName": "one"},
        {"name": "web", "sectionName": "two"},
        {"name": "web", "sectionName": "three"},
        {"name": "web", "port": 83},
        {"name": "gone"},
        {"name": "grpc"},
    ]
    async with world(tmp_path, web, same, route("r", parents=parents, hosts=["a.test"], generation=7)) as made:
        found = manifest_of(made.found, "HTTPRoute", "r")["status"]["parents"]
        reasons = [one["conditions"][0]["reason"] for one in found]
        assert reasons == [
            "Accepted",
            "NoMatchingListenerHostname",
            "NoMatchingParent",
            "NoMatchingParent",
            "NoMatchingParent",
            "NotAllowedByListeners",
        ]
        assert {condition["observedGeneration"] for one in found for condition in one["conditions"]} == {7}
        assert found[0]["parentRef"]["sectionName"] == "one"
        assert found[0]["controllerName"] == "triplegate.dev/gateway"
        attached = manifest_of(made.found, "Gateway", "web")["status"]["listeners"]
        assert [(one["name"], one["attachedRoutes"]) for one in attached] == [("one", 1), ("two", 0)]
        assert await made.backend("a.test/") == "a"
        made.change(*made.extra, web, same, route("r", parents=parents[:1], hosts=["a.test"], generation=8))
        (parent,) = manifest_of(made.found, "HTTPRoute", "r")["status"]["parents"]
        assert {one["observedGeneration"] for one in parent["conditions"]} == {8}


NAMESPACES = [
    ({"from": "Same"}, "shop", True),
    ({"from": "Same"}, "team", False),
    ({"from": "All"}, "team", True),
    ({"from": "None"}, "shop", False),
    ({"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}, "team", True),
    ({"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}, "shop", False),
    ({"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}, "shop", True),
]


@pytest.mark.parametrize(("rule", "namespace", "allowed"), NAMESPACES)
def test_a_listener_takes_routes_of_the_namespaces_it_says(tmp_path, rule, namespace, allowed):
    team = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"tier": "gold"}}}
    web = gateway(listener(routes={"namespaces": rule}))
    one = route("r", parents=[{"name": "web", "namespace": "shop"}], namespace=namespace)
    found = verdicts(loaded(tmp_path, team, web, one, service("a", namespace=namespace)))
    expected = "True Accepted" if allowed else "False NotAllowedByListeners"
    assert found.route(f"{namespace}/r") == expected


# 12: listeners -----------------------------------------------------------------------------------------------------


def test_an_https_listener_without_a_good_certificate_is_not_programmed_and_the_others_serve(tmp_path):
    def tls(name, **more):
        return {"mode": "Terminate", "certificateRefs": [{"name": name, **more}]}

    web = gateway(
        listener("plain"),
        listener("bare", 443, "HTTPS", hosts="a.test"),
        listener("gone", 443, "HTTPS", hosts="b.test", tls=tls("gone")),
        listener("bad", 443, "HTTPS", hosts="c.test", tls=tls("bad")),
        listener("kind", 443, "HTTPS", hosts="d.test", tls=tls("bad", kind="ConfigMap")),
        listener("elsewhere", 443, "HTTPS", hosts="e.test", tls=tls("bad", namespace="other")),
    )
    found = verdicts(loaded(tmp_path, web, secret("bad", "no", "pem")))
    assert found.listener("plain") == "True Programmed"
    assert found("Gateway", "web", "", "Accepted") == "True ListenersNotValid"
    assert found.listener("bare", "Accepted") == "False Invalid"
    for name in ("gone", "bad", "kind"):
        assert found.listener(name, "ResolvedRefs") == "False InvalidCertificateRef"
        assert found.listener(name) == "False Invalid"
    assert found.listener("elsewhere", "ResolvedRefs") == "False RefNotPermitted"


def test_a_good_certificate_goes_to_the_listener_of_ours_that_speaks_tls_and_into_no_document(tmp_path):
    def tls(*names):
        return {"certificateRefs": [{"name": name} for name in names]}

    chain, key = pair_for("a.test")
    native = """
listeners:
  data: {serves: [80]}
  secure: {port: 8443, serves: [443], tls: {certificates: {certificate: own.pem, key: "file:own.key"}}}
orgs: {acme: {teams: {web: {}}}}
"""
    web = gateway(
        listener("plain"),
        listener("one", 443, "HTTPS", hosts="a.test", tls=tls("tls")),
        listener("clear", 443, "HTTPS", hosts="b.test", tls=tls("tls", "gone")),
        listener("wrong", 80, "HTTPS", hosts="c.test", tls=tls("tls")),
    )
    found = loaded(tmp_path, web, secret("tls", chain, key), native=native)
    told = verdicts(found)
    assert told.listener("one") == "True Programmed"
    assert told.listener("clear") == "False Invalid"
    ((shown_chain, shown_key),) = found.manifests.certificates["secure"]
    assert (shown_chain, shown_key.reveal()) == (chain, key)
    assert "PRIVATE" not in repr(found)
    assert "CERTIFICATE" not in str(found.documents.canonical())


def test_protocols_kinds_and_conflicts_are_told_for_each_listener(tmp_path):
    web = gateway(
        listener("good"),
        listener("tcp", 81, "TCP"),
        listener("kinds", 82, routes={"kinds": [{"kind": "TLSRoute"}, {"kind": "HTTPRoute"}]}),
        listener("one", 83, hosts="a.test"),
        listener("other", 83, hosts="a.test"),
        listener("plain", 84),
        listener("secure", 84, "HTTPS"),
    )
    found = loaded(tmp_path, web, route("r"), service("a"))
    told = verdicts(found)
    assert told.listener("tcp", "Accepted") == "False UnsupportedProtocol"
    assert told.listener("kinds", "ResolvedRefs") == "False InvalidRouteKinds"
    assert told.listener("kinds") == "True Programmed"
    for name in ("one", "other"):
        assert told.listener(name, "Conflicted") == "True HostnameConflict"
    for name in ("plain", "secure"):
        assert told.listener(name, "Conflicted") == "True ProtocolConflict"
    assert told.listener("good", "Conflicted") == "False NoConflicts"
    shown = {one["name"]: one for one in manifest_of(found, "Gateway", "web")["status"]["listeners"]}
    assert [kind["kind"] for kind in shown["kinds"]["supportedKinds"]] == ["HTTPRoute"]
    assert [kind["kind"] for kind in shown["good"]["supportedKinds"]] == ["HTTPRoute", "GRPCRoute"]
    assert shown["tcp"]["supportedKinds"] == []


def test_classes_and_gateways_say_which_parameters_they_do_not_take(tmp_path):
    def klass(name, **spec):
        spec.setdefault("controllerName", "triplegate.dev/gateway")
        version = "gateway.networking.k8s.io/v1"
        return {"apiVersion": version, "kind": "GatewayClass", "metadata": {"name": name}, "spec": spec}

    parameters = {"group": "x.test", "kind": "P", "name": "p"}
    found = loaded(
        tmp_path,
        klass("ours"),
        klass("odd", parametersRef=parameters),
        klass("theirs", controllerName="example.com/other"),
        gateway(name="ours", spec={"gatewayClassName": "ours"}),
        gateway(name="odd", spec={"gatewayClassName": "odd"}),
        gateway(name="theirs", spec={"gatewayClassName": "theirs"}),
        gateway(name="asks", spec={"infrastructure": {"parametersRef": parameters}}),
        gateway(name="placed", spec={"addresses": [{"value": "192.0.2.1"}]}),
        route("theirs", parents=[{"name": "theirs"}]),
    )
    told = verdicts(found)
    assert told("GatewayClass", "ours", "", "Accepted") == "True Accepted"
    assert told("GatewayClass", "odd", "", "Accepted") == "False InvalidParameters"
    assert told("Gateway", "ours", "", "Programmed") == "True Programmed"
    assert told("Gateway", "odd", "", "Accepted") == "False Pending"
    assert told("Gateway", "asks", "", "Accepted") == "False InvalidParameters"
    assert told("Gateway", "placed", "", "Accepted") == "False UnsupportedAddress"
    assert not any(name in ("theirs", "shop/theirs") for _, name, _, _ in told.rows)
    assert found.documents.sections.keys() == {"shop/ours/http"}


# identity: nothing is open by accident -----------------------------------------------------------------------------

KEYED = "gateway: {policies: [{use: key_auth}]}\n"
CHAIN = "policies: {keyed: [{use: key_auth}], slow: [{use: rate_limit, requests: 5, window: 1m}]}\n"
NATIVE = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}\n"
IDENTITY = [
    ("", {}, {}, "False IdentityRequired"),
    ("", OPEN, {}, "True Accepted"),
    ("", {}, OPEN, "True Accepted"),
    ("", OPEN, {"triplegate.dev/identity": "required"}, "False IdentityRequired"),
    ("", {}, {"triplegate.dev/identity": "maybe"}, "False UnsupportedValue"),
    (KEYED, {}, {}, "True Accepted"),
    (CHAIN, {}, {"triplegate.dev/policies": "slow"}, "False IdentityRequired"),
    (CHAIN, {}, {"triplegate.dev/policies": "slow, keyed"}, "True Accepted"),
    (CHAIN, {"triplegate.dev/policies": "keyed"}, {}, "True Accepted"),
    (CHAIN, OPEN, {"triplegate.dev/policies": "gone"}, "False UnsupportedValue"),
    ("", OPEN, {"triplegate.dev/owner": "acme/web"}, "True Accepted"),
    ("", OPEN, {"triplegate.dev/owner": "acme/gone"}, "False UnsupportedValue"),
]


@pytest.mark.parametrize(("native", "on_gateway", "on_route", "expected"), IDENTITY)
async def test_a_route_that_nothing_identifies_is_not_served(tmp_path, native, on_gateway, on_route, expected):
    objects = gateway(annotations=on_gateway), route("r", annotations=on_route)
    async with world(tmp_path, *objects, native=NATIVE + native) as made:
        assert made.verdicts.route() == expected
        opened = OPEN in (on_gateway, on_route) or "triplegate.dev/owner" in on_route
        wanted = 404 if expected.startswith("False") else "a" if opened else 401
        assert await made.backend("a.test/x") == wanted
