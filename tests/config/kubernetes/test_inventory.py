"""Manifests are read with positions; what is wrong is named and left out, and the rest is kept."""

from tests.config.kubernetes.read import inventory_of

from triplegate.config.faults import Findings
from triplegate.config.kubernetes.inventory import is_manifest
from triplegate.config.kubernetes.objects import NamespaceObject, ServiceObject
from triplegate.config.kubernetes.objects_gateway import GatewayObject, ReferenceGrantObject
from triplegate.config.kubernetes.objects_routes import HttpRouteObject
from triplegate.config.reader import read

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec: {ports: [{port: 80}]}\n"


def test_objects_stand_in_documents_and_in_lists():
    listed = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {ports: [{port: 80}]}}
- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: gold}}}
- {kind: Service}
"""
    found, warnings = inventory_of(SERVICE % "a" + "---" + listed)
    assert [one.full_name for one in found.every(ServiceObject)] == ["default/b", "shop/a"]
    assert found.find(NamespaceObject, "", "shop").labels["tier"] == "gold"
    assert found.labels("shop")["tier"] == "gold"
    assert found.labels("other") == {"kubernetes.io/metadata.name": "other"}
    assert found.find(ServiceObject, "shop", "gone") is None
    assert warnings == ["k.yaml:11:3 an item of a list needs apiVersion and kind"]


def test_what_is_a_manifest():
    nodes = read("apiVersion: v1\nkind: X\n---\nroutes: {}\n---\n[1]\n", "k.yaml", Findings())
    assert [is_manifest(one) for one in nodes] == [True, False, False]


def test_other_kinds_and_versions_are_named_and_left_out():
    found, warnings = inventory_of(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\n"
        "apiVersion: gateway.networking.k8s.io/v9\nkind: Gateway\nmetadata: {name: g}\n---\n"
        "apiVersion: gateway.networking.k8s.io/v1\nkind: TCPRoute\nmetadata: {name: t}\n---\n"
        "apiVersion: 1\nkind: [x]\n"
    )
    assert [one.partition(" is not read")[0] for one in warnings] == [
        "k.yaml:1:1 Deployment (apps/v1)",
        "k.yaml:5:1 Gateway (gateway.networking.k8s.io/v9)",
        "k.yaml:9:1 TCPRoute (gateway.networking.k8s.io/v1)",
        "k.yaml:13:1 object ()",
    ]
    assert found.every(GatewayObject) == []


def test_a_field_that_does_nothing_is_named_with_its_place_and_the_object_is_kept():
    found, warnings = inventory_of("""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  hostname: [a.test]
  rules:
  - sessionPersistence: {sessionName: x}
    backendRefs: [{name: a, port: 80}]
""")
    session = "calls are not kept at one backend by cookie or header; a policy can do so"
    assert sorted(warnings) == [
        "k.yaml:5:3 HTTPRoute spec.hostname is not honoured: no such field is known (did you mean 'hostnames'?)",
        f"k.yaml:7:5 HTTPRoute spec.rules.sessionPersistence is not honoured: {session}",
    ]
    assert found.every(HttpRouteObject)[0].spec.rules[0].backend_refs[0].name == "a"


def test_what_the_clusters_own_machinery_reads_is_no_warning():
    found, warnings = inventory_of(SERVICE.replace("{ports", "{selector: {app: a}, ports") % "a")
    assert warnings == []
    ((place, text),) = found.unused
    assert str(place) == "k.yaml:4:8"
    assert text.startswith("Service spec.selector is not honoured")


def test_a_wrong_type_leaves_the_object_out_and_no_other():
    found, warnings = inventory_of(SERVICE % "a" + "---\n" + SERVICE.replace("port: 80", 'port: "80"') % "b")
    assert [one.name for one in found.every(ServiceObject)] == ["a"]
    (unread,) = found.unread
    assert (unread.kind, unread.namespace, unread.name) == ("Service", "shop", "b")
    assert warnings == ["k.yaml:9:23 Service b is left out: port: must be a whole number"]


def test_a_name_given_twice_counts_once():
    found, warnings = inventory_of(SERVICE % "a" + "---\n" + SERVICE % "a")
    assert len(found.every(ServiceObject)) == 1
    assert warnings == ["k.yaml:6:1 Service shop/a is left out: it was given at k.yaml:1:1"]


def test_a_grant_with_a_field_that_would_narrow_it_grants_nothing():
    grant = """apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: g, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team}]
  to: [{group: "", kind: Service, names: [orders]}]
"""
    found, warnings = inventory_of(grant)
    assert found.every(ReferenceGrantObject) == []
    assert "unknown field 'names'" in warnings[0]


def test_a_namespace_that_cannot_be_read_has_no_known_labels():
    found, _ = inventory_of("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: 1}}\n")
    assert found.labels("shop") is None
