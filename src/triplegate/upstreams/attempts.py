"""The one attempts engine: every gate's `forward` tries targets through it, within one deadline and one budget."""

import asyncio
from collections.abc import Awaitable, Callable

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Role
from triplegate.core.http import Reply
from triplegate.core.policy import Dispatch
from triplegate.upstreams.hedge import Hedging
from triplegate.upstreams.retries import (
    ELSEWHERE_ONLY,
    NO_RETRY,
    UNSENT,
    UNSURE,
    Failure,
    Spares,
    back_off,
    class_of_refusal,
    class_of_status,
    drop,
    retry_after,
)

Pick = Callable[[list[Attempt]], tuple[Target, Role] | None]
Send = Callable[[Attempt], Awaitable[Reply]]

_MOST_ATTEMPTS = 16


async def attempts(
    exchange: Exchange,
    dispatch: Dispatch,
    pick: Pick,
    send: Send,
    replayable: bool,
    *,
    spares_of: Callable[[Target], Spares] | None = None,
    report: Callable[[Attempt], None] | None = None,
    rules_of: Callable[[Target], Dispatch] | None = None,
) -> Reply:
    """The first good reply, else the last failed one, else the last refusal.

    `pick` names the next target and its role, or None when there is none left; `exchange.attempts` is what it is
    shown. `send` makes one attempt; it may set `attempt.error_class` itself where only the dialect can tell.
    `replayable`: the call may be sent again even though an upstream may have seen it (idempotent, or the gate says
    so); without it only failures before anything was sent are tried again. A `one_pass` body that was begun is never
    tried again, an answer that was shed neither. `spares_of`: what each target allows besides first tries. `report`
    sees each attempt when its result is known (breakers). `rules_of`: what each target says itself of being tried
    again; else `dispatch` says it for all. `exchange.deadline` is set to the earlier of itself and `dispatch.total`
    from now, for `send` to hand on. Raises Refusal.
    """
    now = exchange.house.clock.now
    total = now() + dispatch.total
    if exchange.deadline is None or total < exchange.deadline:
        exchange.deadline = total
    failure: Failure | None = None
    chosen = pick(exchange.attempts)
    if spares_of is not None and chosen is not None:
        spares_of(chosen[0]).budget.called(now())
    hedging = None
    if dispatch.hedge is not None and replayable and spares_of is not None and chosen is not None:
        hedging = spares_of(chosen[0]).hedging if exchange.inbound.protocol == "http" else None
    while chosen is not None:
        attempt = exchange.attempt(*chosen)
        if hedging is None:
            found = await _try(exchange, attempt, send)
        else:
            found = await _hedged(exchange, dispatch, attempt, hedging, (pick, send, report, rules_of))
            hedging = None  # once a call
        if report is not None:
            report(found.attempt)
        rules = dispatch if rules_of is None else rules_of(found.attempt.target)
        if _good(found, rules):
            return _adopt(exchange, found)
        failure = _worse(failure, found)
        chosen = pick(exchange.attempts) if _may_go_on(exchange, rules, found, replayable) else None
        pause = None if chosen is None else _pause(exchange, rules, found, chosen, spares_of)
        if pause is None:
            break
        drop(found)  # before the wait: nobody else would close it if the call is cancelled meanwhile
        found.attempt.numbers.ended = found.attempt.numbers.ended or now()
        if pause > 0:
            await asyncio.sleep(pause)
    return _settle(exchange, failure)


async def _hedged(
    exchange: Exchange,
    dispatch: Dispatch,
    first: Attempt,
    hedging: Hedging,
    how: tuple[Pick, Send, Callable[[Attempt], None] | None, Callable[[Target], Dispatch] | None],
) -> Failure:
    """`first`, and another attempt beside it if it takes long."""
    pick, send, report, rules_of = how
    assert dispatch.hedge is not None

    def another() -> Attempt | None:
        chosen = pick(exchange.attempts)
        return None if chosen is None else exchange.attempt(chosen[0], "hedge")

    def good(found: Failure) -> bool:
        return _good(found, dispatch if rules_of is None else rules_of(found.attempt.target))

    return await hedging.race(
        dispatch.hedge, first, another, lambda attempt: _try(exchange, attempt, send), good, report
    )


async def _try(exchange: Exchange, attempt: Attempt, send: Send) -> Failure:
    """One attempt: intent, the target's own claims, then out."""
    house, target, numbers = exchange.house, attempt.target, attempt.numbers
    try:
        if exchange.admission is not None and exchange.admission.claims_at(target):
            taken = await exchange.admission.take(target)
            attempt.hold = taken.hold if taken is not None else None
        if not exchange.intended and exchange.route is not None and exchange.route.billed:
            house.intend(exchange)
            exchange.intended = True
        numbers.dispatched = house.clock.now()
        if not exchange.numbers.dispatched:
            exchange.numbers.dispatched = numbers.dispatched
        reply = await send(attempt)
    except Refusal as refusal:
        numbers.ended = house.clock.now()
        numbers.status = numbers.status or refusal.status
        attempt.error_class = attempt.error_class or _class(refusal, sent=bool(numbers.dispatched))
        attempt.wait = refusal.retry_after if attempt.wait is None else attempt.wait
        attempt.unsure = bool(numbers.dispatched) and refusal.code in UNSURE
        if attempt.hold is not None:
            attempt.hold.release()
        return Failure(attempt, refusal=refusal, wait=attempt.wait)
    numbers.upstream_head = house.clock.now()
    numbers.status = reply.status
    attempt.error_class = attempt.error_class or class_of_status(reply.status)
    if attempt.error_class and attempt.wait is None:
        attempt.wait = retry_after(reply.headers, house.clock.wall())
    return Failure(attempt, reply=reply, wait=attempt.wait)


def _good(found: Failure, rules: Dispatch) -> bool:
    """Whether this is the answer, though it may be an error; what only the dialect can tell is told by its class."""
    reply, kind = found.reply, found.attempt.error_class
    return reply is not None and not (kind and (reply.status in rules.retry_on or kind in rules.retry_kinds))


def _class(refusal: Refusal, *, sent: bool) -> str:
    """A target's own limit counts as `rate`; what else stops a call before it is sent is not the upstream's doing."""
    if sent:
        return class_of_refusal(refusal)
    return "rate" if refusal.status == 429 or refusal.code == "larger_than_limit" else "client"


def _may_go_on(exchange: Exchange, rules: Dispatch, found: Failure, replayable: bool) -> bool:
    """Whether anything may be sent again at all."""
    attempt, refusal, reply = found.attempt, found.refusal, found.reply
    if attempt.final or attempt.error_class == "client" or len(exchange.attempts) >= _MOST_ATTEMPTS:
        return False
    body = exchange.inbound.body
    if body.kind == "one_pass" and body.started:
        return False
    if not attempt.numbers.dispatched:
        return True
    if refusal is None:
        return replayable and not (reply is not None and any(name == NO_RETRY for name, _ in reply.headers))
    if refusal.code in rules.never_retried:
        return False
    return replayable or refusal.code in UNSENT


def _pause(
    exchange: Exchange,
    dispatch: Dispatch,
    found: Failure,
    chosen: tuple[Target, Role],
    spares_of: Callable[[Target], Spares] | None,
) -> float | None:
    """Seconds to wait before `chosen` is tried after `found`; None: policy, budget or deadline forbid it."""
    target = chosen[0]
    if any(attempt.target is target and not attempt.numbers.dispatched for attempt in exchange.attempts):
        return None  # its own limit has refused this call already
    if target is found.attempt.target and found.attempt.error_class in ELSEWHERE_ONLY:
        return None
    now = exchange.house.clock.now()
    seconds = _back_off(exchange, dispatch, found, target)
    assert exchange.deadline is not None
    if seconds >= exchange.deadline - now or seconds > dispatch.retry_after:
        return None
    return seconds if _affordable(exchange, dispatch, found, chosen, spares_of) else None


def _affordable(
    exchange: Exchange,
    dispatch: Dispatch,
    found: Failure,
    chosen: tuple[Target, Role],
    spares_of: Callable[[Target], Spares] | None,
) -> bool:
    """Whether the number of tries and the next upstream's budget leave one more, which is then taken."""
    target, role = chosen
    if not found.attempt.numbers.dispatched:
        return True
    if role == "retry":
        retried = sum(1 for attempt in exchange.attempts if attempt.role == "retry" and attempt.numbers.dispatched)
        if retried >= dispatch.retries:
            return False
    if spares_of is None:
        return True
    spares = spares_of(target)
    unseen = found.refusal is not None and found.refusal.code in UNSENT
    if role != "retry" and (unseen or not spares.fallbacks):
        return True
    return spares.budget.allow(exchange.house.clock.now(), dispatch.retry_budget)


def _back_off(exchange: Exchange, dispatch: Dispatch, found: Failure, target: Target) -> float:
    """Wait where that helps: not towards another quota group, not at once after a dead address."""
    failed = found.attempt.target
    if target is not failed and not found.attempt.numbers.dispatched:
        return 0.0  # the other one's own limit is not this one's
    if target is not failed and _limit(target) != _limit(failed):
        return 0.0
    if found.attempt.error_class in ELSEWHERE_ONLY:
        return 0.0
    failures = sum(1 for attempt in exchange.attempts if attempt.error_class)
    unsent = found.refusal is not None and found.refusal.code in UNSENT
    seconds = 0.0 if failures == 1 and unsent else back_off(failures, dispatch.back_off)
    return seconds if found.wait is None else max(found.wait, seconds)


def _limit(target: Target) -> str:
    return target.limit or target.group or target.name


def _worse(before: Failure | None, now: Failure) -> Failure:
    """What to answer with if nothing else comes: a target's own limit never hides what an upstream said."""
    if before is not None and not now.attempt.numbers.dispatched and before.attempt.numbers.dispatched:
        return before
    return now


def _adopt(exchange: Exchange, found: Failure) -> Reply:
    """The winner's numbers become the exchange's."""
    attempt, reply = found.attempt, found.reply
    assert reply is not None
    attempt.adopted = True
    exchange.target = attempt.target.name
    exchange.numbers.upstream_head = attempt.numbers.upstream_head
    return reply


def _settle(exchange: Exchange, failure: Failure | None) -> Reply:
    """Nothing better came: the last reply as it is, or the refusal."""
    if failure is None:
        raise Refusal("no_backend", "The route has no usable backend.", reason="no target can be picked")
    if failure.refusal is not None:
        exchange.target = exchange.target or failure.attempt.target.name
        raise failure.refusal
    return _adopt(exchange, failure)
