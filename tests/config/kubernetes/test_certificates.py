"""Certificates of listeners: there, permitted, readable, and each chain with its own key."""

import pytest
from tests.config.kubernetes.read import inventory_with
from tests.gateway_api.manifests import gateway, grant, listener, manifest, secret
from tests.gateway_api.pairs import pair_for

from triplegate.config.kubernetes.certificates import check_certificates, secret_text
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.objects import SecretObject
from triplegate.config.kubernetes.objects_gateway import GatewayObject

CHAIN, KEY = pair_for("a.test")
_, OTHER = pair_for("a.test")


def checked(*objects, refs=({"name": "tls"},), tls=None):
    tls = {"certificateRefs": list(refs)} if tls is None else tls
    found, _ = inventory_with(gateway(listener("https", 443, "HTTPS", tls=tls)), *objects)
    (made,) = found.every(GatewayObject)
    told = []
    pairs = check_certificates(
        made, made.spec.listeners[0], found, Grants(found), lambda *said: told.append(": ".join(said))
    )
    return [(chain, key.reveal()) for chain, key in pairs], told


def test_a_good_secret_gives_its_chain_and_key():
    assert checked(secret("tls", CHAIN, KEY)) == ([(CHAIN, KEY)], [])
    written = manifest("Secret", "tls", version="v1", top={"stringData": {"tls.crt": CHAIN, "tls.key": KEY}})
    assert checked(written) == ([(CHAIN, KEY)], [])


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], "there is no secret shop/tls"),
        ([secret("tls", "x", KEY)], "tls.crt is no certificate in PEM"),
        ([secret("tls", CHAIN, "x")], "tls.key is no private key in PEM"),
        ([secret("tls", CHAIN, OTHER)], "tls.key is not the key of tls.crt"),
        ([manifest("Secret", "tls", version="v1", top={"data": {"tls.crt": "%"}})], "has no tls.crt and tls.key"),
    ],
)
def test_a_bad_one_is_named_and_its_values_are_not(objects, expected):
    pairs, told = checked(*objects)
    assert pairs == []
    assert len(told) == 1
    assert told[0].startswith("ResolvedRefs: InvalidCertificateRef")
    assert expected in told[0]
    assert "BEGIN" not in told[0]


def test_a_secret_elsewhere_needs_a_grant_there():
    there, refs = secret("tls", CHAIN, KEY, namespace="vault"), [{"name": "tls", "namespace": "vault"}]
    assert checked(there, refs=refs)[1][0].startswith("ResolvedRefs: RefNotPermitted")
    leave = grant("Gateway", "shop", ("Secret", "tls"), namespace="vault")
    assert checked(there, leave, refs=refs) == ([(CHAIN, KEY)], [])


def test_https_wants_tls_that_ends_here():
    for tls in ({}, {"mode": "Passthrough", "certificateRefs": [{"name": "tls"}]}):
        assert checked(secret("tls", CHAIN, KEY), tls=tls)[1][0].startswith("Accepted: Invalid")


def test_only_secrets_hold_keys():
    pairs, told = checked(secret("tls", CHAIN, KEY), refs=[{"name": "tls", "kind": "ConfigMap"}])
    assert (pairs, len(told)) == ([], 1)


def test_what_is_no_text_is_not_read():
    made = SecretObject.model_validate(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "/w==", "b": "YQ=="}}
    )
    assert (secret_text(made, "a"), secret_text(made, "b"), secret_text(made, "c")) == (None, "a", None)
