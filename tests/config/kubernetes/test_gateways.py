"""Gateways: which of our listeners stand for theirs; of two that ask for the same the older one has it."""

from tests.config.kubernetes.read import inventory_with
from tests.gateway_api.manifests import gateway, listener

from triplegate.config.kubernetes.gateways import Classes, Place, open_gateways, places_of
from triplegate.config.kubernetes.grants import Grants
from triplegate.config.listeners import Listeners

DATA = Place("data", "192.0.2.1", ())


def opened(*gateways, places=(DATA,)):
    inventory, _ = inventory_with(*gateways)
    found = open_gateways(inventory, Grants(inventory), Classes(inventory), list(places))
    return {f"{state.gateway.name}/{one.listener.name}": one for state in found for one in state.listeners}


def test_where_no_listener_says_what_it_serves_data_serves_every_port():
    plain = places_of(Listeners.model_validate({"inner": {"port": 8090}}).gates)
    assert [(one.name, one.serves) for one in plain] == [("data", ())]
    said = places_of(Listeners.model_validate({"data": {"serves": [80]}, "inner": {"port": 8090}}).gates)
    assert [(one.name, one.serves, one.secure) for one in said] == [("data", (80,), False)]


def test_a_listener_stands_where_its_port_is_served():
    found = opened(gateway(listener("a", 80), listener("b", 81)), places=[Place("x", "::1", (81,))])
    assert (found["web/a"].serves, found["web/b"].serves) == (False, True)
    assert (found["web/b"].places, found["web/b"].addresses) == (("x",), ("::1",))
    assert found["web/b"].section == "shop/web/b"


def test_of_two_gateways_that_ask_for_the_same_the_older_one_has_it():
    young = gateway(listener("a"), listener("b", hosts="b.test"), creationTimestamp="2026-02-01T00:00:00Z", name="a")
    old = gateway(listener("a"), creationTimestamp="2026-01-01T00:00:00Z", name="b")
    found = opened(young, old)
    assert {name for name, one in found.items() if one.serves} == {"b/a", "a/b"}
    assert found["a/a"].conditions.holds("Conflicted")


def test_client_certificates_that_cannot_be_asked_for_let_nobody_in():
    tls = {"frontend": {"default": {"validation": {"caCertificateRefs": []}}}}
    secure = listener("s", 443, "HTTPS", tls={"certificateRefs": [{"name": "x"}]})
    found = opened(gateway(listener("p"), secure, spec={"tls": tls}), places=[Place("d", "::1", (), secure=True), DATA])
    assert found["web/p"].serves
    assert not found["web/s"].conditions.holds("Accepted")
