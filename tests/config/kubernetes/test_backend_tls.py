"""BackendTLSPolicies: which is in force, whom it trusts; never plain text where one was asked for."""

import pytest
from tests.config.kubernetes.read import inventory_with
from tests.gateway_api.manifests import manifest, service
from tests.gateway_api.pairs import pair_for

from triplegate.config.kubernetes.backend_tls import BackendTls
from triplegate.config.kubernetes.objects import ServiceObject

CHAIN, _ = pair_for("a.test")
SYSTEM = {"wellKnownCACertificates": "System", "hostname": "a.test"}
BY_MAP = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}], "hostname": "a.test"}


def policy(name="p", validation=SYSTEM, target="a", **more):
    section = more.pop("section", None)
    ref = {"group": "", "kind": "Service", "name": target, **({"sectionName": section} if section else {})}
    return manifest("BackendTLSPolicy", name, {"targetRefs": [ref], "validation": validation}, **more)


def authorities(text=CHAIN):
    return manifest("ConfigMap", "ca", version="v1", top={"data": {"ca.crt": text}})


SPIFFE = "spiffe://a.test/x"
NAMES = [{"type": "Hostname", "hostname": "c.test"}, {"type": "URI", "uri": SPIFFE}]


def asked(*objects):
    inventory, _ = inventory_with(service("a"), *objects)
    made = BackendTls(inventory)
    one = inventory.find(ServiceObject, "shop", "a")
    told = [
        f"{status.name} {one.type} {one.holds} {one.reason}"
        for status in made.statuses()
        for _, conditions in status.parts
        for one in conditions.all()
        if not one.holds
    ]
    return made.find(one, one.spec.ports[0]), told


def test_without_a_policy_there_is_no_tls():
    assert asked() == (None, [])
    assert asked(policy(namespace="else"))[0] is None
    assert asked(policy(section="other"))[0] is None


def test_a_policy_says_the_name_and_the_authorities():
    assert asked(policy()) == ({"server_name": "a.test"}, [])
    found, told = asked(policy(validation=BY_MAP), authorities())
    assert (found["ca"], found["server_name"], told) == (CHAIN.strip(), "a.test", [])


def test_other_names_of_the_certificate_are_handed_on():
    found, told = asked(policy(validation={**SYSTEM, "subjectAltNames": NAMES}))
    assert (found["san"], told) == (["dns:c.test", f"uri:{SPIFFE}"], [])
    nameless = asked(policy(validation={**SYSTEM, "subjectAltNames": [{"type": "URI", "hostname": "c.test"}]}))[0]
    assert "has the name of its type" in nameless


def test_a_policy_for_the_port_wins_over_one_for_the_service():
    own = {**SYSTEM, "hostname": "own.test"}
    assert asked(policy("p"), policy("q", own, section="http"))[0]["server_name"] == "own.test"


def test_of_two_about_the_same_port_the_older_one_is_in_force():
    younger = policy("a", {**SYSTEM, "hostname": "b.test"}, creationTimestamp="2026-02-01T00:00:00Z")
    older = policy("b", SYSTEM, creationTimestamp="2026-01-01T00:00:00Z")
    found, told = asked(younger, older)
    assert found["server_name"] == "a.test"
    assert told == ["a Accepted False Conflicted"]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([policy(validation=BY_MAP)], "has no ca.crt"),
        ([policy(validation=BY_MAP), authorities("nothing")], "has no ca.crt"),
        ([policy(validation={"hostname": "a.test"})], "no authority is named"),
        ([policy(validation={**SYSTEM, "wellKnownCACertificates": "Mine"})], "either wellKnownCACertificates"),
        ([policy(validation={**SYSTEM, "hostname": "*.test"})], "cannot be read"),
        ([manifest("BackendTLSPolicy", "p", {"targetRefs": 1})], "cannot be read"),
        ([manifest("BackendTLSPolicy", "p", {"targetRefs": [{"name": "a"}], "more": 1})], "cannot be read"),
    ],
)
def test_where_tls_was_asked_for_and_cannot_be_there_is_no_plain_text(objects, said):
    found, _ = asked(*objects)
    assert isinstance(found, str)
    assert said in found


def test_a_policy_about_nothing_says_so():
    assert asked(policy(target="gone"))[1] == ["p Accepted False TargetNotFound"]
    pods = {"targetRefs": [{"group": "", "kind": "Pod", "name": "a"}], "validation": SYSTEM}
    assert asked(manifest("BackendTLSPolicy", "p", pods))[1] == ["p Accepted False Invalid"]
    broken = asked(policy(validation=BY_MAP))[1]
    assert broken == ["p Accepted False NoValidCACertificate", "p ResolvedRefs False InvalidCACertificateRef"]
