"""Who may call by the address that counts: the one behind trusted proxies."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange
from tests.gates.built import built

from triplegate.policies.ip_access import IpAccess


@pytest.mark.parametrize(
    ("fields", "passing", "refused"),
    [
        ({"allow": ["10.0.0.0/8", "2001:db8::/32"]}, ["10.1.2.3", "2001:db8::1"], ["192.0.2.1", "", "::1"]),
        ({"deny": ["10.0.0.0/8"]}, ["192.0.2.1", "::1"], ["10.1.2.3", "::ffff:10.0.0.1"]),
        ({"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]}, ["10.2.0.1"], ["10.1.0.1", "11.0.0.1"]),
        ({"allow": ["192.0.2.7"]}, ["192.0.2.7"], ["192.0.2.8"]),
    ],
)
def test_a_denied_address_never_passes_and_where_some_are_allowed_nobody_else_does(fields, passing, refused):
    policy = IpAccess(**fields)
    for address in passing:
        assert policy.decide(make_exchange(client=address)) is None, address
    for address in refused:
        refusal = policy.decide(make_exchange(client=address))
        assert (refusal.code, address in refusal.detail and bool(address)) == ("forbidden", False)


async def test_one_that_only_observes_lets_pass_and_is_shown(tmp_path):
    guard = "{use: ip_access, deny: [192.0.2.0/24], allow: [10.0.0.0/8], mode: %s}"
    seen = {}
    for mode in ("observe", "enforce"):
        document = "services: {s: {endpoints: ['http://127.0.0.1:1']}}\nroutes: {r: {service: s, identity: none, %s}}\n"
        route = f"owner: web, match: {{path: /r}}, policies: [{guard % mode}, {{use: redirect, hostname: else.test}}]"
        async with built(tmp_path, document % route) as made:
            for client in ("192.0.2.7", "10.0.0.1"):
                exchange, wire = await made.serve("GET", "/r", key=False, client=client)
                seen[mode, client] = wire.status, [decision[1:] for decision in exchange.decisions]
    assert seen["observe", "192.0.2.7"] == (302, [("would refuse", "forbidden")])
    assert seen["enforce", "192.0.2.7"][0] == 403
    assert seen["observe", "10.0.0.1"] == seen["enforce", "10.0.0.1"] == (302, [])


@pytest.mark.parametrize("fields", [{}, {"allow": []}, {"deny": ["10.0.0.0/33"]}, {"allow": ["example.com"]}])
def test_lists_of_nobody_and_what_is_no_network_cannot_be_written(fields):
    with pytest.raises(ValidationError, match=r"everyone would pass|must be an address or a network"):
        IpAccess(**fields)
