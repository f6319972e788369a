"""Callers are known by their certificates: by SAN, fingerprint or issuer, and nobody by what a header says."""

import base64
import time

import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from tests.builders import ALICE, make_exchange, make_inbound, make_kit
from tests.certificates import Authority

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Peer, Reply
from triplegate.policies.client_cert import ClientCert


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certs"), "house")


@pytest.fixture(scope="module")
def pairs(authority):
    return {
        "one": authority.sign("one", "spiffe://house/agents/one", "one.test"),
        "two": authority.sign("two", "spiffe://house/people/two"),
        "bare": authority.sign("bare"),
        "old": authority.sign("old", "spiffe://house/agents/old", days=-1),
    }


async def call(policy, pair=None, principal=None, clock=None, headers=()):
    """The exchange after the policy; raises Refusal."""

    async def proceed(exchange):
        return Reply(200, [], OneFrame())

    exchange = make_exchange(principal=principal)
    peer = Peer("192.0.2.7", 1, pair.der if pair else None)
    exchange.inbound = replace(make_inbound(headers=headers), peer=peer)
    now = SetClock(wall=time.time()) if clock is None else clock
    step = policy.build(make_kit(clock=now))
    await step(exchange, proceed)
    return exchange


async def refused(policy, pair=None, **more):
    with pytest.raises(Refusal) as caught:
        await call(policy, pair, **more)
    return caught.value.code


@pytest.mark.parametrize(
    ("fields", "passing"),
    [
        ({"uris": ["spiffe://house/agents/*"]}, {"one"}),
        ({"uris": ["spiffe://house/agents/one"]}, {"one"}),
        ({"uris": ["spiffe://house/agents"]}, set()),
        ({"names": ["one.test"]}, {"one"}),
        ({"uris": ["spiffe://house/*"], "names": ["one.test"]}, {"one", "two"}),
        ({"issuers": ["CN=house"]}, {"one", "two", "bare"}),
        ({"issuers": ["CN=other"]}, set()),
        ({"issuers": ["CN=other"], "uris": ["spiffe://house/*"]}, set()),
        ({}, {"one", "two", "bare"}),
    ],
)
async def test_who_is_listed_passes_and_everybody_else_is_forbidden(pairs, fields, passing):
    policy = ClientCert(**fields)
    for name in ("one", "two", "bare"):
        if name in passing:
            await call(policy, pairs[name])
        else:
            assert await refused(policy, pairs[name]) == "forbidden"


async def test_a_fingerprint_may_be_written_with_colons(pairs):
    text = pairs["bare"].fingerprint
    spelled = ":".join(text[at : at + 2] for at in range(0, 64, 2)).upper()
    for written in (text, spelled):
        await call(ClientCert(fingerprints=[written]), pairs["bare"])
        assert await refused(ClientCert(fingerprints=[written]), pairs["one"]) == "forbidden"


async def test_a_certificate_is_needed_and_a_header_is_none(pairs):
    field = base64.b64encode(pairs["one"].der).decode()
    headers = [(b"client-cert", f":{field}:".encode()), (b"x-forwarded-client-cert", b"x")]
    assert await refused(ClientCert(team="web"), headers=headers) == "unauthenticated"
    exchange = await call(ClientCert(team="web", required=False), headers=headers)
    assert exchange.principal is None


async def test_one_that_has_ended_while_its_connection_lives_is_refused(pairs):
    assert await refused(ClientCert(team="web"), pairs["old"]) == "forbidden"
    assert (await call(ClientCert(team="web", required=False), pairs["old"])).principal is None


@pytest.mark.parametrize(
    ("fields", "name", "consumer"),
    [
        ({}, "one", "spiffe://house/agents/one"),
        ({"consumer": "ci"}, "one", "ci"),
        ({}, "bare", None),
    ],
)
async def test_the_caller_is_of_the_team_and_named_by_the_certificate(pairs, fields, name, consumer):
    principal = (await call(ClientCert(team="web", **fields), pairs[name])).principal
    assert (principal.team_ref, principal.method) == ("acme/web", "certificate")
    assert principal.consumer == (consumer or pairs[name].fingerprint)


async def test_each_of_several_names_its_own_and_who_is_known_stays_so(pairs):
    policies = [
        ClientCert(uris=[f"spiffe://house/{kind}/*"], team="web", consumer=kind, required=False)
        for kind in ("agents", "people")
    ]
    for name, kind in (("one", "agents"), ("two", "people"), ("bare", None)):
        principal = None
        for policy in policies:
            principal = (await call(policy, pairs[name], principal=principal)).principal
        assert (principal.consumer if principal else None) == kind
    assert (await call(ClientCert(team="web"), pairs["one"], principal=ALICE)).principal is ALICE


async def test_a_team_that_is_not_configured_lets_nobody_in(pairs):
    assert await refused(ClientCert(team="gone"), pairs["one"]) == "forbidden"


async def test_the_service_is_shown_it_only_when_that_is_written(pairs):
    assert (await call(ClientCert(), pairs["one"])).outgoing is None
    [edit] = (await call(ClientCert(forward=True), pairs["one"])).outgoing.edits
    assert (edit.how, edit.name) == ("set", b"client-cert")
    assert base64.b64decode(edit.value.strip(b":")) == pairs["one"].der


def test_what_cannot_be_meant_is_refused():
    for fields in ({"consumer": "ci"}, {"fingerprints": ["ab"]}, {"mode": "observe"}):
        with pytest.raises(ValidationError, match=r"team too|hexadecimal|enforce"):
            ClientCert(**fields)
