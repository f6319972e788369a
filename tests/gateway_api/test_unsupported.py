"""What the Gateway API has and we have not is named: in a condition, and as a warning of `check`."""

import pytest
from tests.gateway_api.manifests import (
    gateway,
    listener,
    loaded,
    manifest,
    ref,
    route,
    rule_to,
    secret,
    service,
    slice_of,
    world,
)
from tests.gateway_api.pairs import pair_for

SECURE = """
listeners:
  data: {serves: [80]}
  secure: {port: 8443, serves: [443], tls: {certificates: {certificate: own.pem, key: "file:own.key"}}}
orgs: {acme: {teams: {web: {}}}}
"""
BACKENDS = {
    "h2c": ([service("x", protocol="kubernetes.io/h2c"), slice_of("x", 1)], "UnsupportedProtocol", "h2c is not spoken"),
    "external": (
        [service("x", spec={"type": "ExternalName", "externalName": "else.test"})],
        "UnsupportedValue",
        "ExternalName leads out of the cluster",
    ),
}


def named(found, words):
    """Whether a warning says so."""
    return any(words in str(warning) for warning in found.warnings)


@pytest.mark.parametrize("case", BACKENDS)
async def test_backends_that_cannot_be_spoken_to_are_named_and_500_for_their_share(tmp_path, case):
    objects, reason, words = BACKENDS[case]
    async with world(tmp_path, gateway(), *objects, route("r", rule_to("a", ref("x")))) as made:
        got = [await made.backend("a.test/") for _ in range(4)]
        assert (got.count("a"), got.count(500)) == (2, 2)
        assert made.verdicts.route(type_="ResolvedRefs") == f"False {reason}"
        assert named(made.found, words)


def test_client_certificates_by_manifest_are_named_and_their_listeners_let_nobody_in(tmp_path):
    chain, key = pair_for("a.test")
    https = listener("https", 443, "HTTPS", hosts="a.test", tls={"certificateRefs": [{"name": "tls"}]})
    frontend = {"default": {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}}
    objects = (listener("plain"), https), {"tls": {"frontend": frontend}}
    web = gateway(*objects[0], spec=objects[1])
    found = loaded(tmp_path, web, secret("tls", chain, key), native=SECURE)
    conditions = {
        (row.part, row.condition.type): (row.condition.holds, row.condition.reason)
        for status in found.manifests.statuses
        for row in status.rows()
    }
    assert conditions["https", "Accepted"] == (False, "UnsupportedValue")
    assert conditions["https", "Programmed"][0] is False
    assert conditions["plain", "Programmed"][0] is True
    assert named(found, "tls.frontend: client certificates are not asked for by manifest")


@pytest.mark.parametrize("version", ["gateway.networking.k8s.io/v1", "gateway.networking.x-k8s.io/v1alpha1"])
def test_sets_of_listeners_are_named_and_left_out(tmp_path, version):
    kind = "ListenerSet" if version.endswith("/v1") else "XListenerSet"
    spec = {"parentRef": {"name": "web"}, "listeners": [{"name": "more", "port": 80, "protocol": "HTTP"}]}
    web = gateway(spec={"allowedListeners": {"namespaces": {"from": "All"}}})
    attached = route("r", parents=[{"group": version.partition("/")[0], "kind": kind, "name": "more"}])
    found = loaded(tmp_path, web, manifest(kind, "more", spec, version=version), attached)
    assert named(found, f"{kind} ({version}) is not read")
    assert named(found, "ListenerSet is not read: listeners stand on the gateway")
    assert named(found, f"parents of kind {kind} are not served")
    assert found.documents.routes == {}
    assert list(found.documents.sections) == ["shop/web/http"]
