"""Manifests among native documents: what does not fit is left out, and never takes anything else down."""

import pytest
from tests.gateway_api.manifests import NATIVE, gateway, loaded, route, rule_to, service, slice_of, verdicts, write_all

from triplegate.config.diff import diff
from triplegate.config.faults import ConfigError
from triplegate.config.keep import keep, last_good
from triplegate.config.load import load
from triplegate.policies import registry

BACKEND = service("a"), slice_of("a", 9001)
OWN = (
    NATIVE
    + """
services: {own: {endpoints: ["http://127.0.0.1:1"]}}
routes: {own: {service: own, match: {path: /own}, identity: none}}
"""
)


def test_an_object_that_no_document_can_be_made_of_is_refused_and_the_others_serve(tmp_path):
    odd = route("odd", rule_to("a", path="/a//b"))
    also = route("also", rule_to("a", path="(", type="RegularExpression"))
    found = loaded(tmp_path, gateway(), odd, also, *(route(f"r{n}") for n in range(5)), *BACKEND, native=OWN)
    assert set(found.documents.routes) == {"own", *(f"shop.r{n}.0" for n in range(5))}
    told = verdicts(found)
    assert told.route("odd") == told.route("also") == "False UnsupportedValue"
    assert told.route("r1") == "True Accepted"
    said = [str(one) for one in found.warnings]
    assert any("HTTPRoute shop/odd" in one and "no dot segments" in one for one in said)


def test_a_fault_of_the_native_documents_is_told_as_ever(tmp_path):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, gateway(), route("r"), *BACKEND, native="routes: {r: {service: gone, match: {path: /}}}")
    assert [one.position.file for one in caught.value.faults] == ["triplegate.yaml", "triplegate.yaml"]


def test_many_that_do_not_fit_are_not_looked_at_one_by_one(tmp_path):
    odd = [route(f"r{n:02}", rule_to("a", path="/a//b")) for n in range(80)]
    found = loaded(tmp_path, gateway(), *odd, *BACKEND, native=OWN)
    assert set(found.documents.routes) == {"own"}
    assert all(verdicts(found).route(f"r{n:02}") == "False UnsupportedValue" for n in range(80))


def test_a_chain_of_policies_that_does_not_fit_is_the_routes_own_trouble(tmp_path):
    native = (
        NATIVE
        + "policies: {one: [{use: rate_limit, name: x, requests: 1, window: 1m}]}\n"
        + """
services: {own: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  own:
    service: own
    match: {path: /own}
    identity: none
    policies: [{use: rate_limit, name: x, requests: 2, window: 1m}]
"""
    )
    named = {"triplegate.dev/policies": "one"}
    found = loaded(tmp_path, gateway(), route("r", annotations=named), route("s"), *BACKEND, native=native)
    assert set(found.documents.routes) == {"own", "shop.s.0"}
    assert verdicts(found).route("r") == "False UnsupportedValue"


def test_the_digest_does_not_depend_on_order_and_the_last_good_ones_are_the_same(tmp_path):
    objects = [gateway(), route("r", rule_to("a", path="/r")), route("s"), *BACKEND]
    first = loaded(tmp_path, *objects)
    again = loaded(tmp_path, *reversed(objects))
    assert first.hash == again.hash
    assert diff(first.documents, again.documents) == []
    keep(first, tmp_path)
    kept = last_good(first.settings.model_copy(update={"state_dir": "."}), registry())
    assert kept.hash == first.hash
    changed = loaded(tmp_path, gateway(), route("r", rule_to("a", path="/other")), route("s"), *BACKEND)
    assert [str(one) for one in diff(first.documents, changed.documents)] == [
        "~ routes.shop.r.0.match.0.path: '/r' -> '/other'"
    ]


def test_manifests_and_native_documents_may_share_a_file(tmp_path):
    write_all(tmp_path, gateway(), route("r"), *BACKEND)
    file = tmp_path / "apis" / "objects.yaml"
    more = '\n---\nservices: {own: {endpoints: ["http://127.0.0.1:1"]}}\n'
    file.write_text(file.read_text() + more)
    found = load(tmp_path, registry(), environment={})
    assert set(found.documents.services) == {"own", "shop.a.80"}
