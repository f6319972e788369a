"""A virtual key names its principal; everything else gets the same 401."""

import pytest
from pydantic import ValidationError
from tests.builders import ListKeys, PlainGate, make_exchange, make_kit

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.identity import Directory, KeyRecord, Team, digest_key, new_key
from triplegate.policies.key_auth import KeyAuth

PEPPER = b"pepper"


def issue(**fields):
    key, key_id = new_key()
    fields = {"org": "acme", "team": "web", "consumer": "ci"} | fields
    return key, KeyRecord(key_id, digest_key(PEPPER, key), **fields)


async def call(kit, headers):
    exchange = make_exchange(PlainGate(), principal=None, headers=headers)
    await KeyAuth().build(kit)(exchange, exchange.gate.forward)
    return exchange


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key"])
async def test_both_carriers_name_the_principal(name):
    key, record = issue(scopes=frozenset({"read"}))
    value = key.encode() if name == b"x-api-key" else b"Bearer " + key.encode()
    principal = (await call(make_kit(keys=ListKeys([record])), [(name, value)])).principal
    assert (principal.org, principal.team, principal.consumer, principal.plan) == ("acme", "web", "ci", "free")
    assert (principal.key_id, principal.method, principal.scopes) == (record.key_id, "key", {"read"})


async def test_wrong_unknown_and_malformed_keys_get_one_answer():
    key, record = issue()
    stranger, _ = new_key()
    forged = KeyRecord(record.key_id, digest_key(PEPPER, stranger), "acme", "web", "ci")
    answers = set()
    for keys, shown in [([], key), ([record], stranger), ([forged], key), ([record], key[:-1] + "?"), ([record], "x")]:
        with pytest.raises(Refusal) as caught:
            await call(make_kit(keys=ListKeys(keys)), [(b"x-api-key", shown.encode())])
        answers.add((caught.value.code, caught.value.detail))
    assert answers == {("invalid_credentials", "The key is not valid.")}


async def test_a_malformed_key_costs_no_look_up():
    class Refusing:
        def find(self, key_id):
            raise AssertionError("looked up")

    key, _ = issue()
    with pytest.raises(Refusal):
        await call(make_kit(keys=Refusing()), [(b"x-api-key", (key[:-1] + "_").encode())])


async def test_an_expired_key_stops_at_its_second_even_when_it_was_proved_before():
    clock = SetClock(wall=1000.0)
    key, record = issue(expires=1010.0)
    kit = make_kit(clock=clock, keys=ListKeys([record]))
    await call(kit, [(b"x-api-key", key.encode())])
    clock.advance(10.0)
    with pytest.raises(Refusal):
        await call(kit, [(b"x-api-key", key.encode())])


async def test_a_revoked_key_stops_though_it_was_proved_before():
    key, record = issue()
    keys = ListKeys([record])
    kit = make_kit(keys=keys)
    headers = [(b"x-api-key", key.encode())]
    await call(kit, headers)
    keys.by_id[record.key_id] = KeyRecord(record.key_id, record.digest, "acme", "web", "ci", revoked=1.0)
    with pytest.raises(Refusal):
        await call(kit, headers)
    del keys.by_id[record.key_id]
    with pytest.raises(Refusal):
        await call(kit, headers)


async def test_a_changed_plan_is_seen_at_the_next_call():
    key, record = issue()
    kit = make_kit(keys=ListKeys([record]))
    headers = [(b"x-api-key", key.encode())]
    assert (await call(kit, headers)).principal.plan == "free"
    gold = kit.with_directory(Directory({"acme/web": Team("acme", "web", "gold")}))
    assert (await call(gold, headers)).principal.plan == "gold"


async def test_a_call_without_a_virtual_key_is_left_to_others():
    kit = make_kit()
    assert (await call(kit, [])).principal is None
    assert (await call(kit, [(b"authorization", b"Bearer eyJhbGciOi")])).principal is None


async def test_the_key_itself_is_kept_nowhere():
    key, record = issue()
    kit = make_kit(keys=ListKeys([record]))
    exchange = await call(kit, [(b"x-api-key", key.encode())])
    kept = repr((kit.states._kept, exchange.principal, exchange.decisions))
    assert key not in kept
    assert key[-49:] not in kept


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        KeyAuth.model_validate({"mode": "observe"})
