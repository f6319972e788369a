"""Names are remembered and asked for again off the way of calls; a name server that is away or hangs costs nobody."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.upstreams.names import Fixed

from triplegate.upstreams.lookups import Address
from triplegate.upstreams.resolve import Resolver, interleave, literal
from triplegate.upstreams.supervisor import TaskSupervisor

V4, V6 = socket.AF_INET, socket.AF_INET6
ONE, TWO, THREE = (Address(V4, (f"192.0.2.{number}", 80)) for number in (1, 2, 3))


def test_families_take_turns_beginning_with_the_resolvers_choice():
    rows = [Address(V6, ("a", 1)), Address(V6, ("b", 1)), Address(V4, ("c", 1)), Address(V4, ("d", 1))]
    assert [address.sockaddr[0] for address in interleave(rows)] == ["a", "c", "b", "d"]
    assert [address.sockaddr[0] for address in interleave(rows, 1)] == ["b", "c", "a", "d"]


@given(st.integers(1, 20), st.integers(0, 100))
def test_every_address_begins_in_its_turn_and_few_are_tried(count, turn):
    rows = [Address(V4, (str(number), 1)) for number in range(count)]
    found = interleave(rows, turn)
    assert found[0] == rows[turn % count]
    assert len(found) == len(set(found)) == min(count, 8)


async def test_a_name_is_asked_for_once_per_lifetime_and_outlives_its_server():
    now = 0.0
    resolver = Fixed([ONE], ttl=30.0, now=lambda: now)
    for _ in range(5):
        assert await resolver.addresses("a.test", 80) == (ONE,)
    assert resolver.asked == 1
    now = 31.0
    resolver.rows = OSError("the name server is gone")
    assert await resolver.addresses("a.test", 80) == (ONE,)
    assert resolver.asked == 2
    with pytest.raises(OSError, match="gone"):
        await resolver.addresses("unknown.test", 80)


async def test_f27_a_call_never_waits_for_a_name_that_is_known():
    now, supervisor = 0.0, TaskSupervisor()
    resolver = Fixed([ONE], ttl=30.0, now=lambda: now, supervisor=supervisor)
    await resolver.addresses("a.test", 80)
    now, resolver.hangs = 31.0, True
    async with asyncio.timeout(1):
        for _ in range(10):
            assert await resolver.addresses("a.test", 80) == (ONE,)
    await asyncio.sleep(0)
    assert resolver.asked == 2  # one question for all of them
    await supervisor.close()


async def test_a_change_is_seen_by_the_calls_after_the_answer():
    now, supervisor = 0.0, TaskSupervisor()
    resolver = Fixed([ONE], ttl=30.0, now=lambda: now, supervisor=supervisor)
    await resolver.addresses("a.test", 80)
    now, resolver.rows = 31.0, [TWO]
    assert await resolver.addresses("a.test", 80) == (ONE,)
    while supervisor.running:
        await asyncio.sleep(0)
    assert await resolver.addresses("a.test", 80) == (TWO,)


async def test_after_a_failure_it_is_asked_again_soon_and_not_at_each_call():
    now = 0.0
    resolver = Fixed([ONE], ttl=30.0, now=lambda: now)
    await resolver.addresses("a.test", 80)
    now, resolver.rows = 31.0, OSError("away")
    for later in (0.0, 2.0, 2.9):  # 35.9 in all
        now += later
        await resolver.addresses("a.test", 80)
    assert resolver.asked == 2
    now = 42.0
    await resolver.addresses("a.test", 80)
    assert resolver.asked == 3


async def test_f27_first_calls_share_one_look_up_and_one_that_leaves_takes_nobody_along():
    resolver = Fixed([ONE], supervisor=TaskSupervisor())
    calls = [asyncio.create_task(resolver.addresses("a.test", 80)) for _ in range(200)]
    await asyncio.sleep(0)
    calls[0].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert found[1:] == [(ONE,)] * 199
    assert resolver.asked == 1


async def test_f27_a_name_without_addresses_is_asked_for_once_in_two_seconds():
    now = 0.0
    resolver = Fixed(socket.gaierror(socket.EAI_NONAME, "no such name"), now=lambda: now)
    for later in (0.0, 0.0, 1.0, 1.9, 2.1, 4.0):
        now = later
        with pytest.raises(socket.gaierror, match="no such name"):
            await resolver.addresses("a.test", 80)
    assert resolver.asked == 2
    now, resolver.rows = 4.2, [ONE]
    assert await resolver.addresses("a.test", 80) == (ONE,)
    now, resolver.rows = 35.0, OSError("away")
    assert await resolver.addresses("a.test", 80) == (ONE,)  # it has led somewhere: that serves on


async def test_an_answer_that_comes_after_the_calls_left_is_kept():
    resolver = Fixed([ONE])
    call = asyncio.create_task(resolver.addresses("a.test", 80))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    resolver.hangs = True
    async with asyncio.timeout(1):
        assert await resolver.addresses("a.test", 80) == (ONE,)
    assert resolver.asked == 1


async def test_addresses_take_turns_and_are_counted():
    resolver = Fixed([ONE, TWO, THREE, Address(V6, ("2001:db8::1", 80, 0, 0))])
    assert resolver.spread("a.test", 80) == 1
    firsts = [(await resolver.addresses("a.test", 80))[0] for _ in range(4)]
    assert firsts == [ONE, TWO, THREE, ONE]
    assert resolver.spread("a.test", 80) == 3


async def test_the_address_with_the_fewest_connections_comes_first():
    resolver = Fixed([ONE, TWO, THREE])
    load = {"192.0.2.1": 1, "192.0.2.2": 0, "192.0.2.3": 1}
    assert [(await resolver.addresses("a.test", 80, load.get))[0] for _ in range(3)] == [TWO] * 3


async def test_who_did_not_answer_comes_last_until_the_name_is_asked_for_again():
    resolver = Fixed([ONE, TWO])
    await resolver.addresses("a.test", 80)
    resolver.doubt("a.test", 80, [TWO])
    resolver.doubt("unknown.test", 80, [TWO])
    assert [await resolver.addresses("a.test", 80) for _ in range(2)] == [(ONE, TWO)] * 2
    await resolver.renew("a.test", 80)
    assert {(await resolver.addresses("a.test", 80))[0] for _ in range(2)} == {ONE, TWO}


async def test_only_names_in_use_are_asked_for_again():
    resolver = Fixed([ONE])
    assert await resolver.renew("a.test", 80) == frozenset()
    assert resolver.asked == 0
    await resolver.addresses("a.test", 80)
    resolver.rows = [TWO]
    assert await resolver.renew("a.test", 80) == {"192.0.2.2"}
    resolver.rows = OSError("away")
    assert await resolver.renew("a.test", 80) == frozenset()
    assert await resolver.addresses("a.test", 80) == (TWO,)


async def test_without_room_for_a_task_the_last_addresses_serve_on():
    now = 0.0
    resolver = Fixed([ONE], ttl=30.0, now=lambda: now, supervisor=TaskSupervisor(limit=0))
    await resolver.addresses("a.test", 80)
    now = 31.0
    assert await resolver.addresses("a.test", 80) == (ONE,)


async def test_names_are_a_bounded_number():
    resolver = Fixed([ONE])
    for number in range(1100):
        await resolver.addresses(f"n{number}.test", 80)
    resolver.rows = OSError("away")
    for number in range(1100):
        with pytest.raises(OSError, match="away"):
            await resolver.addresses(f"m{number}.test", 80)
    assert len(resolver._known) == len(resolver._failed) == 1024


async def test_literals_need_no_resolver():
    resolver = Fixed(OSError("never asked"))
    assert await resolver.addresses("127.0.0.1", 80) == (Address(V4, ("127.0.0.1", 80)),)
    assert await resolver.addresses("::1", 80) == (Address(V6, ("::1", 80, 0, 0)),)
    assert literal("a1", 80) is None


async def test_a_real_name_resolves():
    assert Address(V4, ("127.0.0.1", 80)) in await Resolver().addresses("localhost", 80)
