"""Tokens are proved by pinned algorithm, issuer, audience and time; nothing in the token chooses how."""

import json

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pydantic import ValidationError
from tests.builders import DictSecrets, PlainGate, make_exchange, make_kit

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.policies.jwt import Jwt, parse_jwks

NOW = 1_767_225_600.0
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
OTHER = rsa.generate_private_key(65537, 2048)
ALGORITHMS = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def jwk(key, kid, alg=None):
    makers = {
        rsa.RSAPrivateKey: pyjwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: pyjwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: pyjwt.algorithms.OKPAlgorithm,
    }
    maker = next(maker for kind, maker in makers.items() if isinstance(key, kind))
    entry = maker.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}
    return entry | ({"alg": alg} if alg else {})


JWKS = json.dumps({"keys": [jwk(key, name, name) for name, key in ALGORITHMS.items()]})


def claims(**more):
    base = {"iss": "https://idp", "aud": "orders", "sub": "u1", "team": "web", "exp": NOW + 60, "nbf": NOW - 5}
    return {name: value for name, value in (base | more).items() if value is not None}


def token(key=RSA, alg="RS256", kid="RS256", head=None, **more):
    return pyjwt.encode(claims(**more), key, alg, headers={"kid": kid, **(head or {})})


def policy(**fields):
    return Jwt(issuer="https://idp", audience="orders", keys="file:jwks.json", **fields)


def kit_with(text=JWKS, clock=None, **ports):
    return make_kit(clock=clock or SetClock(wall=NOW), secrets=DictSecrets({"file:jwks.json": text}), **ports)


async def call(written, kit, shown):
    exchange = make_exchange(PlainGate(), principal=None, headers=[(b"authorization", b"Bearer " + shown.encode())])
    await written.build(kit)(exchange, exchange.gate.forward)
    return exchange.principal


async def refused(written, kit, shown):
    with pytest.raises(Refusal) as caught:
        await call(written, kit, shown)
    assert caught.value.code == "invalid_credentials"
    return caught.value.reason


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_each_algorithm_proves_a_token(alg):
    principal = await call(policy(), kit_with(), token(ALGORITHMS[alg], alg, alg, scope="read write"))
    assert (principal.team, principal.consumer, principal.method) == ("web", "u1", "jwt")
    assert principal.scopes == {"read", "write"}


BAD = {
    "another issuer": {"iss": "https://evil"},
    "another audience": {"aud": "billing"},
    "expired": {"exp": NOW - 61},
    "not yet valid": {"nbf": NOW + 61},
    "no exp": {"exp": None},
    "no iss": {"iss": None},
    "no aud": {"aud": None},
    "no sub": {"sub": None},
    "unknown team": {"team": "nobody"},
    "exp is no number": {"exp": "soon"},
}


@pytest.mark.parametrize("case", BAD)
async def test_a_wrong_claim_is_refused(case):
    shown = pyjwt.api_jws.encode(json.dumps(claims(**BAD[case])).encode(), RSA, "RS256", headers={"kid": "RS256"})
    await refused(policy(), kit_with(), shown)


async def test_a_clock_difference_within_the_leeway_is_forgiven():
    assert await call(policy(), kit_with(), token(exp=NOW - 59))
    assert await call(policy(), kit_with(), token(nbf=NOW + 59))


async def test_another_signature_is_refused():
    await refused(policy(), kit_with(), token(OTHER))
    good = token()
    await refused(policy(), kit_with(), good[: good.rindex(".") + 1])
    await refused(policy(), kit_with(), good[:-8] + "AAAAAAAA")


async def test_hmac_with_the_public_key_and_none_are_never_accepted():
    pem = RSA.public_key().public_numbers()
    forged = pyjwt.encode(claims(), str(pem.n).encode().ljust(64, b"0"), "HS256", headers={"kid": "RS256"})
    assert "algorithm" in await refused(policy(), kit_with(), forged)
    unsigned = pyjwt.encode(claims(), None, "none", headers={"kid": "RS256"})
    assert "algorithm" in await refused(policy(), kit_with(), unsigned)


async def test_a_key_bound_to_one_algorithm_proves_no_other():
    await refused(policy(), kit_with(), token(RSA, "PS256"))
    await refused(policy(algorithms=["PS256", "RS256"]), kit_with(), token(RSA, "PS256"))
    await refused(policy(algorithms=["ES256"]), kit_with(), token())


@pytest.mark.parametrize("head", [{"crit": ["exp"]}, {"kid": "../../etc/passwd"}, {"kid": "' OR 1=1"}])
async def test_tricks_in_the_header_are_refused(head):
    await refused(policy(), kit_with(), token(head=head))


async def test_a_key_inside_the_token_is_ignored():
    head = {"jwk": jwk(OTHER, "RS256"), "jku": "https://evil/jwks", "x5u": "https://evil"}
    await refused(policy(), kit_with(), token(OTHER, head=head))


async def test_the_required_token_type_is_checked():
    strict = policy(token_type="at+jwt")
    await refused(strict, kit_with(), token())
    assert await call(strict, kit_with(), token(head={"typ": "AT+JWT"}))


async def test_a_proved_token_expires_by_the_clock_and_by_the_whole_of_it():
    clock = SetClock(wall=NOW)
    kit = kit_with(clock=clock)
    written, shown = policy(), token()
    assert await call(written, kit, shown)
    assert await call(written, kit, shown)
    await refused(written, kit, shown[:-3] + "abc")
    clock.advance(121.0)
    assert await refused(written, kit, shown) == "expired"


async def test_two_tokens_that_begin_alike_are_two_identities():
    kit, written = kit_with(), policy()
    first = await call(written, kit, token(pad="x" * 300, sub="u1"))
    second = await call(written, kit, token(pad="x" * 300, sub="u2"))
    assert (first.consumer, second.consumer) == ("u1", "u2")


async def test_one_policys_proof_does_not_serve_another():
    kit = kit_with()
    shown = token()
    assert await call(policy(), kit, shown)
    other = Jwt(issuer="https://idp", audience="billing", keys="file:jwks.json")
    await refused(other, kit, shown)


async def test_without_a_bearer_token_the_call_is_left_to_others():
    exchange = make_exchange(PlainGate(), principal=None, headers=[(b"authorization", b"Bearer tg_live_x")])
    await policy().build(kit_with())(exchange, exchange.gate.forward)
    assert exchange.principal is None


class Server:
    """The Dial port over a JWKS that can rotate and fail."""

    def __init__(self, text):
        self.text, self.fetches, self.status = text, 0, 200

    async def fetch(self, method, url, headers, body=b""):
        self.fetches += 1
        return self.status, [], self.text.encode()


def remote():
    return Jwt(issuer="https://idp", audience="orders", keys="https://idp/jwks")


async def test_a_rotated_key_is_found_and_ten_thousand_unknown_ones_load_once():
    clock = SetClock(wall=NOW)
    server = Server(json.dumps({"keys": [jwk(RSA, "RS256")]}))
    kit, written = kit_with(clock=clock, dial=server), remote()
    assert await call(written, kit, token())
    server.text = json.dumps({"keys": [jwk(EC, "ES256"), jwk(RSA, "RS256")]})
    for number in range(200):
        await refused(written, kit, token(kid=f"kid{number}"))
    assert server.fetches == 1
    clock.advance(30.0)
    assert await call(written, kit, token(EC, "ES256", "ES256"))
    assert server.fetches == 2


async def test_an_unreachable_key_server_keeps_the_last_keys_for_a_day():
    clock = SetClock(wall=NOW)
    server = Server(JWKS)

    class Tasks:
        def spawn(self, work, name):
            work.close()
            return lambda: None

    kit, written = kit_with(clock=clock, dial=server, supervisor=Tasks()), remote()
    assert await call(written, kit, token())
    server.status = 500
    clock.advance(86_000.0)
    assert await call(written, kit, token(exp=NOW + 90_000))
    clock.advance(500.0)
    with pytest.raises(Refusal) as caught:
        await call(written, kit, token(exp=NOW + 90_001))
    assert caught.value.code == "policy_unavailable"


class Later:
    """A supervisor whose tasks run when the test says so."""

    def __init__(self):
        self.waiting = []

    def spawn(self, work, name):
        self.waiting.append(work)
        return work.close

    async def run(self):
        while self.waiting:
            await self.waiting.pop()


@pytest.mark.parametrize("left", [[jwk(EC, "ES256")], [jwk(OTHER, "RS256")]], ids=["withdrawn", "replaced"])
async def test_a_key_that_is_gone_no_longer_vouches_for_tokens_it_proved(left):
    clock, tasks = SetClock(wall=NOW), Later()
    server = Server(json.dumps({"keys": [jwk(RSA, "RS256")]}))
    kit, written = kit_with(clock=clock, dial=server, supervisor=tasks), remote()
    shown = token(exp=NOW + 90_000)
    assert await call(written, kit, shown)
    server.text = json.dumps({"keys": left})
    clock.advance(301.0)
    assert await call(written, kit, shown)
    assert len(tasks.waiting) == 1
    await tasks.run()
    assert await refused(written, kit, shown)


async def test_a_proved_token_is_not_believed_for_longer_than_a_day_without_the_key_server():
    clock, tasks = SetClock(wall=NOW), Later()
    server = Server(JWKS)
    kit, written = kit_with(clock=clock, dial=server, supervisor=tasks), remote()
    shown = token(exp=NOW + 100_000)
    assert await call(written, kit, shown)
    server.status = 500
    clock.advance(86_401.0)
    with pytest.raises(Refusal) as caught:
        await call(written, kit, shown)
    assert caught.value.code == "policy_unavailable"
    await tasks.run()


def test_a_missing_or_broken_key_file_is_a_status_not_a_crash():
    assert policy().status(kit_with()) == ""
    assert "cannot be read" in policy().status(make_kit())
    assert "not a JWKS" in policy().status(kit_with("{}"))
    assert "not a JWKS" in policy().status(kit_with("nonsense"))


def test_symmetric_and_encryption_keys_are_left_out():
    keys = [{"kty": "oct", "k": "AAAA", "kid": "a"}, jwk(RSA, "b") | {"use": "enc"}, jwk(RSA, "c")]
    assert list(parse_jwks(json.dumps({"keys": keys}))) == ["c"]


async def test_the_claims_that_are_read_are_those_that_were_named():
    named = policy(consumer_claim="who", team_claim="unit", scopes_claim="may", roles_claim="is")
    shown = token(who="bob", unit="web", may=["read"], team="nobody", scope="write", roles=["a"], **{"is": ["dev"]})
    principal = await call(named, kit_with(), shown)
    assert (principal.consumer, principal.team) == ("bob", "web")
    assert (principal.scopes, principal.roles) == ({"read"}, {"dev"})
    assert (await call(policy(team="web"), kit_with(), token(team="nobody"))).team == "web"
    several = Jwt(issuer="https://idp", audience=("billing", "orders"), keys="file:jwks.json")
    assert (await call(several, kit_with(), token())).team == "web"


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        policy(mode="observe")


async def test_a_token_holds_for_the_resource_that_is_called_and_is_remembered_for_it_alone():
    own, kit = Jwt(issuer="https://idp", audience="resource", keys="file:jwks.json"), kit_with()
    step = own.build(kit)
    shown = token(aud=["https://g/mcp/a", "resource"]).encode()

    async def at(resource):
        exchange = make_exchange(PlainGate(), principal=None, headers=[(b"authorization", b"Bearer " + shown)])
        exchange.resource = resource
        await step(exchange, exchange.gate.forward)
        return exchange.principal

    assert (await at("https://g/mcp/a")).consumer == "u1"
    for other in ("https://g/mcp/b", "https://g/mcp", "https://g/mcp/a/"):
        with pytest.raises(Refusal, match="invalid_credentials"):
            await at(other)
    with pytest.raises(Refusal, match="policy_unavailable"):  # nothing says what the resource is: nobody gets in
        await at("")


def test_resources_are_endpoints_of_the_mcp_gate():
    own = Jwt(issuer="https://idp", audience="resource", keys="file:jwks.json")
    assert own.strange_on("mcp") == ""
    assert "mcp" in own.strange_on("api")
    assert policy().strange_on("api") == ""
