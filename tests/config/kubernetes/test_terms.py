"""Annotations: who may call, who owns, which chains; nothing is open that does not say so."""

from triplegate.config.kubernetes.objects import Object
from triplegate.config.kubernetes.terms import Native, Terms, Trouble, terms_of
from triplegate.policies.key_auth import KeyAuth
from triplegate.policies.rate_limit import RateLimit

CHAINS = {"keyed": [KeyAuth()], "slow": [RateLimit(requests=1, window=60)]}


def native(*, identified=False):
    return Native(identified, {"acme/web"}, lambda name: CHAINS.get(name, f"unknown chain '{name}'"))


def made(kind="HTTPRoute", **annotations):
    noted = {f"triplegate.dev/{name}": value for name, value in annotations.items()}
    return Object.model_validate({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "annotations": noted}})


def test_the_gateways_chains_come_before_the_routes_own():
    found = terms_of(made(policies="keyed"), made("Gateway", policies="slow", owner="acme/web"), native())
    assert found == Terms(open=False, owner="acme/web", chains=("slow", "keyed"))


def test_the_routes_own_word_on_identity_counts_before_the_gateways():
    opened = made("Gateway", identity="none")
    assert terms_of(made(), opened, native()).open
    assert not terms_of(made(identity="required", policies="keyed"), opened, native()).open
    assert terms_of(made(identity="required"), opened, native()).reason == "IdentityRequired"


def test_nothing_is_open_by_accident():
    assert terms_of(made(), made("Gateway"), native(identified=True)) == Terms(open=False, owner=None, chains=())
    found = terms_of(made(policies="slow"), made("Gateway"), native())
    assert isinstance(found, Trouble)
    assert "triplegate.dev/identity: none" in found.message


def test_what_cannot_be_used_is_said_with_its_object():
    assert "unknown chain 'gone'" in terms_of(made(policies="gone"), made("Gateway"), native()).message
    assert "of Gateway x: none or required" in terms_of(made(), made("Gateway", identity="No"), native()).message
    assert "unknown team 'x'" in terms_of(made(identity="none", owner="x"), made("Gateway"), native()).message
