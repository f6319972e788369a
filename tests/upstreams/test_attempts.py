"""The one engine: what is tried again, where, when, and what is never."""

import asyncio
import time

import pytest
from tests.builders import ListSpool, OpenStore, Seen, make_exchange

from triplegate.core.admission import Claim, Limit, Taken, Taker
from triplegate.core.catalog import Route, Target
from triplegate.core.clock import SetClock, SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.house import Household
from triplegate.core.http import BytesBody, Frames, Reply
from triplegate.core.money import Price
from triplegate.core.policy import Dispatch
from triplegate.upstreams.attempts import attempts
from triplegate.upstreams.retries import Spares


class Told(Frames):
    """Frames that remember being closed."""

    def __init__(self):
        self.done, self.closed = False, 0

    async def __anext__(self):
        raise StopAsyncIteration

    def close(self):
        self.closed += 1


def answer(status, *headers):
    return Reply(status, list(headers), Told())


def exchange_for(method="POST", billed=False, **options):
    house = Household(SystemClock(), ListSpool(), Seen(), "node-1")
    route = Route("r", "llm" if billed else "api", "acme/web")
    return make_exchange(route=route, house=house, method=method, **options)


A, B, C = (Target("deployment", name) for name in "abc")


def in_order(*targets):
    """pick: the first as first, the same again as retry, another as fallback."""

    def pick(tried):
        if len(tried) >= len(targets):
            return None
        target = targets[len(tried)]
        if not tried:
            return target, "first"
        return target, "retry" if target is tried[-1].target else "fallback"

    return pick


def script(*outcomes):
    """send: the given replies and refusals in turn."""
    left = list(outcomes)

    async def send(attempt):
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    send.left = left
    return send


async def run(exchange, pick, send, replayable=True, dispatch=None, **options):
    return await asyncio.wait_for(attempts(exchange, dispatch or Dispatch(), pick, send, replayable, **options), 10)


async def test_a_good_first_reply_is_adopted_with_its_numbers():
    exchange = exchange_for()
    reply = answer(200)
    assert await run(exchange, in_order(A, B), script(reply)) is reply
    (attempt,) = exchange.attempts
    assert attempt.adopted
    assert (attempt.n, attempt.role, attempt.error_class, attempt.numbers.status) == (1, "first", "", 200)
    assert exchange.target == "a"
    assert exchange.started <= exchange.numbers.dispatched <= exchange.numbers.upstream_head
    assert attempt.numbers.upstream_head == exchange.numbers.upstream_head


async def test_a_failed_reply_is_closed_and_tried_elsewhere():
    exchange = exchange_for()
    failed, good = answer(503), answer(200)
    seen = []
    reply = await run(
        exchange, in_order(A, B), script(failed, good), report=lambda attempt: seen.append(attempt.error_class)
    )
    assert reply is good
    assert failed.frames.closed == 1
    assert good.frames.closed == 0
    assert seen == ["overload", ""]
    assert [(a.target.name, a.role, a.adopted) for a in exchange.attempts] == [
        ("a", "first", False),
        ("b", "fallback", True),
    ]


async def test_the_last_failed_reply_is_the_answer_untouched():
    exchange = exchange_for()
    last = answer(503, (b"retry-after", b"1"))
    assert await run(exchange, in_order(A, B), script(answer(502), last)) is last
    assert last.frames.closed == 0
    assert exchange.target == "b"
    assert exchange.attempts[-1].adopted


async def test_the_last_refusal_is_raised():
    with pytest.raises(Refusal, match="upstream_reset"):
        await run(exchange_for(), in_order(A, B), script(answer(503), Refusal("upstream_reset")))


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 501])
async def test_a_status_that_is_not_to_be_retried_is_returned_as_it_is(status):
    reply = answer(status)
    send = script(reply)
    exchange = exchange_for()
    assert await run(exchange, in_order(A, B), send) is reply
    assert len(exchange.attempts) == 1


async def test_a_refusal_of_our_own_or_the_clients_is_never_retried():
    for code in ("body_too_large", "body_timeout", "internal", "overloaded"):
        exchange = exchange_for()
        with pytest.raises(Refusal, match=code):
            await run(exchange, in_order(A, B), script(Refusal(code)))
        assert [attempt.error_class for attempt in exchange.attempts] == ["client"]


async def test_what_may_not_be_repeated_is_tried_again_only_when_nothing_was_sent():
    exchange = exchange_for()
    good = answer(200)
    assert await run(exchange, in_order(A, B), script(Refusal("upstream_unreachable"), good), replayable=False) is good
    for failure in (Refusal("upstream_reset"), Refusal("upstream_timeout"), Refusal("upstream_malformed")):
        exchange = exchange_for()
        with pytest.raises(Refusal, match=failure.code):
            await run(exchange, in_order(A, B), script(failure), replayable=False)
        assert len(exchange.attempts) == 1
    failed = answer(503)
    assert await run(exchange_for(), in_order(A, B), script(failed), replayable=False) is failed


async def test_what_must_not_be_done_again_is_not_whatever_became_of_it():
    async def spoilt(attempt):
        attempt.final = True
        raise Refusal("upstream_malformed")

    exchange = exchange_for()
    with pytest.raises(Refusal):
        await run(exchange, in_order(A, B), spoilt)
    assert len(exchange.attempts) == 1


async def test_nothing_is_retried_once_a_one_pass_body_was_begun():
    class OnePass(BytesBody):
        kind = "one_pass"

        def __init__(self):
            self.started = False

    exchange = exchange_for()
    exchange.inbound = exchange.inbound.__class__(
        *(
            OnePass() if field == "body" else getattr(exchange.inbound, field)
            for field in exchange.inbound.__struct_fields__
        )
    )

    async def begins(attempt):
        exchange.inbound.body.started = True
        raise Refusal("upstream_unreachable")

    with pytest.raises(Refusal, match="upstream_unreachable"):
        await run(exchange, in_order(A, B), begins)
    assert len(exchange.attempts) == 1


async def test_retries_at_the_same_target_are_counted_fallbacks_are_not():
    exchange = exchange_for()
    failures = [Refusal("upstream_unreachable") for _ in range(6)]
    with pytest.raises(Refusal):
        await run(exchange, in_order(A, A, A, A, A), script(*failures), dispatch=Dispatch(retries=2))
    assert [attempt.role for attempt in exchange.attempts] == ["first", "retry", "retry"]
    exchange = exchange_for()
    assert (
        await run(exchange, in_order(A, B, C), script(*failures[:2], answer(200)), dispatch=Dispatch(retries=0))
    ).status == 200


async def test_the_budget_bounds_retries_over_all_calls():
    spares = Spares()
    sent = 0

    async def send(attempt):
        nonlocal sent
        sent += 1
        raise Refusal("upstream_unreachable")

    for _ in range(100):
        with pytest.raises(Refusal):
            await run(exchange_for(), in_order(A, A), send, spares_of=lambda _: spares)
    assert sent == 130
    assert spares.budget.refused == 70


async def test_attempts_are_bounded_whatever_pick_says():
    exchange = exchange_for()

    def endless(tried):
        return Target("service", f"t{len(tried)}"), "fallback"

    async def send(attempt):
        raise Refusal("upstream_unreachable")

    with pytest.raises(Refusal):
        await run(exchange, endless, send)
    assert len(exchange.attempts) == 16


async def test_retry_after_is_honoured_at_the_same_target_and_skipped_for_another_one():
    limited = answer(429, (b"retry-after-ms", b"200"))
    dispatch = Dispatch(retry_on=frozenset({429}))
    began = time.monotonic()
    await run(exchange_for(), in_order(A, A), script(limited, answer(200)), dispatch=dispatch)
    assert time.monotonic() - began >= 0.19
    began = time.monotonic()
    await run(
        exchange_for(), in_order(A, B), script(answer(429, (b"retry-after", b"7")), answer(200)), dispatch=dispatch
    )
    assert time.monotonic() - began < 5


async def test_a_429_cools_its_whole_quota_group():
    one, two = (Target("deployment", name, group="shared") for name in ("one", "two"))
    dispatch = Dispatch(retry_on=frozenset({429}))
    began = time.monotonic()
    await run(
        exchange_for(),
        in_order(one, two),
        script(answer(429, (b"retry-after-ms", b"150")), answer(200)),
        dispatch=dispatch,
    )
    assert time.monotonic() - began >= 0.14


@pytest.mark.parametrize("asked", [b"3", b"9999"])
async def test_a_wait_beyond_the_deadline_or_the_cap_is_not_begun(asked):
    limited = answer(429, (b"retry-after", asked))
    exchange = exchange_for()
    dispatch = Dispatch(total=2.0 if asked == b"3" else 100_000.0, retry_on=frozenset({429}))
    began = time.monotonic()
    assert await run(exchange, in_order(A, A), script(limited), dispatch=dispatch) is limited
    assert time.monotonic() - began < 1.5
    assert limited.frames.closed == 0


async def test_the_deadline_covers_all_attempts():
    exchange = exchange_for()
    await run(exchange, in_order(A), script(answer(200)), dispatch=Dispatch(total=5.0))
    assert exchange.deadline <= exchange.house.clock.now() + 5.0
    exchange = exchange_for()
    exchange.deadline = earlier = exchange.house.clock.now() + 1.0
    await run(exchange, in_order(A), script(answer(200)), dispatch=Dispatch(total=5.0))
    assert exchange.deadline == earlier


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_dead_credential_rotates_at_once_and_never_to_itself(status):
    dispatch = Dispatch(retry_on=frozenset({status}))
    exchange = exchange_for()
    assert (await run(exchange, in_order(A, B), script(answer(status), answer(200)), dispatch=dispatch)).status == 200
    exchange = exchange_for()
    refused = answer(status)
    assert await run(exchange, in_order(A, A), script(refused), dispatch=dispatch) is refused
    assert exchange.attempts[0].error_class == "credential"


async def test_the_gate_may_name_the_class_itself():
    async def send(attempt):
        if attempt.target is A:
            attempt.error_class = "context_window"
            return answer(400)
        return answer(200)

    exchange = exchange_for()
    reply = await run(exchange, in_order(A, B), send, dispatch=Dispatch(retry_on=frozenset({400})))
    assert reply.status == 200
    assert [attempt.error_class for attempt in exchange.attempts] == ["context_window", ""]


async def test_an_intent_stands_before_the_first_byte_of_a_billed_call_once():
    exchange = exchange_for(billed=True)
    spool = exchange.house.spool

    async def send(attempt):
        assert [record.kind for record in spool.records] == ["intent"]
        if attempt.n == 1:
            raise Refusal("upstream_unreachable")
        return answer(200)

    await run(exchange, in_order(A, B), send)
    assert exchange.intended
    assert len(spool.records) == 1
    unbilled = exchange_for()
    await run(unbilled, in_order(A), script(answer(200)))
    assert unbilled.house.spool.records == []


async def test_a_full_ledger_stops_the_call_before_it_is_sent():
    exchange = exchange_for(billed=True)

    def full(record):
        raise Refusal("ledger_full")

    exchange.house.spool.append = full
    send = script(answer(200))
    with pytest.raises(Refusal, match="ledger_full"):
        await run(exchange, in_order(A, B), send)
    assert len(send.left) == 1


class OwnLimit:
    """Claims one request of a target's own limit."""

    def __init__(self, name):
        self.limit = Limit(name, "rate", "requests", 10, 60.0)

    def claims(self, exchange, target):
        return [Claim(f"{self.limit.name}:{target.name}", self.limit)]


async def test_a_target_refused_by_its_own_limit_is_skipped():
    store = OpenStore()
    store.deny = {"a-limit"}
    limited = Target("deployment", "a", claimants=(OwnLimit("a-limit"),))
    other = Target("deployment", "b", claimants=(OwnLimit("b-limit"),))
    exchange = exchange_for(billed=True)
    exchange.admission = Taker(store, (), exchange)
    send = script(answer(200))
    reply = await run(exchange, in_order(limited, other), send)
    assert reply.status == 200
    assert exchange.target == "b"
    assert [(a.error_class, bool(a.numbers.dispatched)) for a in exchange.attempts] == [("rate", False), ("", True)]
    assert [[claim.bucket for claim in claims] for claims in store.calls] == [["a-limit:a"], ["b-limit:b"]]


async def test_a_target_whose_limit_can_never_hold_the_call_is_passed_over():
    class TooSmall:
        def claims(self, exchange, target):
            raise Refusal("larger_than_limit", "too large")

    limited = Target("deployment", "a", claimants=(TooSmall(),))
    exchange = exchange_for()
    exchange.admission = Taker(OpenStore(), (), exchange)
    reply = await run(exchange, in_order(limited, Target("deployment", "b")), script(answer(200)))
    assert (reply.status, exchange.target) == (200, "b")


async def test_when_nothing_else_is_left_the_limits_own_429_is_raised():
    store = OpenStore()
    store.deny = {"a-limit"}
    limited = Target("deployment", "a", claimants=(OwnLimit("a-limit"),))
    exchange = exchange_for()
    exchange.admission = Taker(store, (), exchange)
    with pytest.raises(Refusal) as caught:
        await run(exchange, in_order(limited, limited, limited), script())
    assert caught.value.code == "quota_exceeded"
    assert caught.value.retry_after == 7.0
    assert len(exchange.attempts) == len(store.calls) == 1


async def test_a_failed_attempts_hold_is_released_and_the_winners_is_kept():
    class Held:
        released = 0

        def release(self):
            self.released += 1

    holds = [Held(), Held()]

    class Holding(OpenStore):
        async def take(self, claims, ttl):
            taken = await super().take(claims, ttl)
            return Taken(taken.standings, None, holds[len(self.calls) - 1])

    first, second = (Target("deployment", name, claimants=(OwnLimit(name),)) for name in "ab")
    exchange = exchange_for()
    exchange.admission = Taker(Holding(), (), exchange)
    await run(exchange, in_order(first, second), script(answer(503), answer(200)))
    assert [hold.released for hold in holds] == [1, 0]
    assert exchange.attempts[1].hold is holds[1]


async def test_without_any_target_there_is_no_backend():
    with pytest.raises(Refusal, match="no_backend"):
        await run(exchange_for(), in_order(), script())


async def test_a_cancelled_call_stops_at_once():
    async def send(attempt):
        await asyncio.sleep(60)

    exchange = exchange_for()
    task = asyncio.ensure_future(run(exchange, in_order(A, B), send))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(exchange.attempts) == 1


def test_a_priced_route_is_billed():
    assert Route("r", "api", "acme/web", price=Price(version="v", call=1)).billed


async def test_a_call_cancelled_while_it_backs_off_leaves_no_reply_open():
    failed = answer(429, (b"retry-after", b"5"))
    dispatch = Dispatch(retry_on=frozenset({429}))
    task = asyncio.ensure_future(run(exchange_for(), in_order(A, A), script(failed), dispatch=dispatch))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert failed.frames.closed == 1


async def test_a_limit_of_our_own_never_hides_what_the_upstream_said():
    store = OpenStore()
    store.deny = {"b-limit"}
    limited = Target("deployment", "b", claimants=(OwnLimit("b-limit"),))
    exchange = exchange_for()
    exchange.admission = Taker(store, (), exchange)
    failed = answer(429, (b"retry-after", b"3"))
    with pytest.raises(Refusal) as caught:
        await run(exchange, in_order(A, limited), script(failed), dispatch=Dispatch(retry_on=frozenset({429})))
    assert caught.value.code == "upstream_rate_limited"
    assert caught.value.retry_after == 3.0
    assert failed.frames.closed == 1


async def test_each_upstream_has_its_own_budget():
    spares = {"a": Spares(), "b": Spares()}
    sent = {"a": 0, "b": 0}

    async def send(attempt):
        sent[attempt.target.name] += 1
        return answer(503)

    for target, calls in ((A, 100), (B, 10)):
        for _ in range(calls):
            await run(exchange_for(), in_order(target, target), send, spares_of=lambda target: spares[target.name])
    assert sent == {"a": 130, "b": 20}


async def test_where_fallbacks_cost_another_upstream_is_spared_what_the_first_has_seen():
    spares = {"a": Spares(fallbacks=True), "b": Spares(fallbacks=True)}

    async def seen(attempt):
        return answer(503)

    async def unseen(attempt):
        raise Refusal("upstream_unreachable")

    tried = 0
    for _ in range(100):
        exchange = exchange_for()
        await run(exchange, in_order(A, B), seen, spares_of=lambda target: spares[target.name])
        tried += len(exchange.attempts)
    assert tried == 130
    exchange = exchange_for()
    with pytest.raises(Refusal):
        await run(exchange, in_order(A, B), unseen, spares_of=lambda target: spares[target.name])
    assert len(exchange.attempts) == 2, "who never got the call cost nothing"


async def test_an_answer_that_was_shed_is_never_tried_again():
    shed = answer(503, (b"x-triplegate-no-retry", b"1"))
    exchange = exchange_for()
    assert await run(exchange, in_order(A, A, B), script(shed), dispatch=Dispatch(retries=2)) is shed
    assert len(exchange.attempts) == 1


@pytest.mark.parametrize(
    ("code", "sent"), [("upstream_unreachable", 2), ("upstream_reset", 1), ("upstream_timeout", 1)]
)
async def test_only_the_failures_that_were_named_are_tried_again(code, sent):
    rules = Dispatch(never_retried=frozenset({"upstream_reset", "upstream_timeout"}))
    exchange = exchange_for()
    with pytest.raises(Refusal):
        await run(exchange, in_order(A, A), script(Refusal(code), Refusal(code)), dispatch=rules)
    assert len(exchange.attempts) == sent


async def test_waits_before_retries_are_as_long_as_the_rules_say(monkeypatch):
    asked = []
    monkeypatch.setattr("triplegate.upstreams.attempts.back_off", lambda *how: asked.append(how) or 0.0)
    rules = Dispatch(retries=2, back_off=(0.5, 3.0))
    await run(exchange_for(), in_order(A, A, A), script(answer(503), answer(503), answer(200)), dispatch=rules)
    assert asked == [(1, (0.5, 3.0)), (2, (0.5, 3.0))]


async def test_what_an_upstream_asks_for_is_waited_for_up_to_a_bound():
    limited = answer(503, (b"retry-after", b"3"))
    assert await run(exchange_for(), in_order(A, A), script(limited), dispatch=Dispatch(retry_after=2.0)) is limited


async def test_an_upstream_that_always_fails_sees_a_tenth_more_and_through_two_gateways_a_fifth():
    """Each of two gateways adds its own tenth (F-15); the clock stands for 300 calls a second."""
    clock = SetClock()
    house = Household(clock, ListSpool(), Seen(), "node-1")
    outer, inner = Spares(), Spares()
    rules = Dispatch(retries=2, back_off=(0.0, 0.0))
    counts = {"outer": 0, "inner": 0}

    async def upstream(attempt):
        counts["inner"] += 1
        return answer(503)

    async def gateway(attempt):
        counts["outer"] += 1
        exchange = make_exchange(route=Route("r", "api", "acme/web"), house=house)
        return await attempts(exchange, rules, in_order(A, A, A), upstream, replayable=True, spares_of=lambda _: inner)

    for _ in range(9_000):
        exchange = make_exchange(route=Route("r", "api", "acme/web"), house=house)
        await attempts(exchange, rules, in_order(B, B, B), gateway, replayable=True, spares_of=lambda _: outer)
        clock.advance(1 / 300)
    assert counts["outer"] <= 1.1 * 9_000 + 1
    assert counts["inner"] <= 1.21 * 9_000 + 2


@pytest.mark.parametrize(
    ("code", "unsure"),
    [("upstream_timeout", True), ("upstream_reset", True), ("upstream_unreachable", False), ("upstream_failed", False)],
)
async def test_it_is_noted_where_nobody_knows_whether_the_call_was_carried_out(code, unsure):
    seen = []

    async def send(attempt):
        raise Refusal(code)

    with pytest.raises(Refusal):
        await attempts(
            exchange_for(),
            Dispatch(retries=0),
            in_order(A),
            send,
            replayable=True,
            report=lambda attempt: seen.append(attempt.unsure),
        )
    assert seen == [unsure]
