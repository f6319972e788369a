"""Fold policies into one chain, once per configuration: stage first, written order inside a stage."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from triplegate.core.admission import Admission, AtOnce, Taker, claims_of
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import OUTER, Dispatch, Policy, Reads, ReadsReply, Stage
from triplegate.core.ports import Kit

_READS: tuple[Reads, ...] = ("none", "call", "whole")
_READS_REPLY: tuple[ReadsReply, ...] = ("none", "tap", "events", "whole")


class Chain(msgspec.Struct, frozen=True, eq=False):
    """A folded chain and what the gate must know of it before forwarding."""

    proceed: Proceed
    dispatch: Dispatch
    policies: tuple[Policy, ...] = ()
    """In the order they run."""
    reads_call: Reads = "none"
    reads_reply: ReadsReply = "none"


def ordered(policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies in the order they run."""
    return tuple(sorted(policies, key=lambda policy: policy.stage))


def fold(policies: Sequence[Policy], last: Proceed, kit: Kit, *, traced: bool = False, budgeted: bool = False) -> Chain:
    """One chain out of `policies` and the function behind the last of them.

    `budgeted`: its callers have budgets of their own, so that calls are admitted even where no policy claims.
    `traced` wraps each step so that it notes its verdict and time on the exchange.
    """
    run = ordered(policies)
    dispatch = Dispatch()
    for policy in run:
        if policy.form == "tune":
            policy.tune(dispatch)
    # a limit of one name in two places is one allowance: a call takes of it once
    claimants = tuple({one.label: one for one in run if one.form == "claims"}.values())
    proceed = last
    admit = _admit(claimants, kit.admission, offline=kit.offline) if claimants or budgeted else None
    for policy in reversed(run):
        if admit is not None and (policy.form == "claims" or policy.stage < Stage.ADMIT):
            proceed = _wrap(admit, proceed, "admit", kit, traced=traced)
            admit = None
        if policy.form not in ("tune", "claims"):
            proceed = _wrap(_step(policy, kit), proceed, policy.label, kit, traced=traced)
    if admit is not None:
        proceed = _wrap(admit, proceed, "admit", kit, traced=traced)
    return Chain(
        proceed,
        dispatch,
        run,
        max((policy.reads_call for policy in run), key=_READS.index, default="none"),
        max((policy.reads_reply for policy in run), key=_READS_REPLY.index, default="none"),
    )


def tuned(base: Dispatch, chain: Chain, own: Sequence[Policy] = ()) -> Dispatch:
    """`base` as a chain's `tune` policies change it; `own` ones of a target that are not in the chain come last."""
    dispatch = msgspec.structs.replace(base, tuned=dict(base.tuned))
    known = {id(policy) for policy in chain.policies}
    for policy in (*chain.policies, *[policy for policy in own if id(policy) not in known]):
        if policy.form == "tune":
            policy.tune(dispatch)
    return dispatch


def split(policies: Sequence[Policy]) -> tuple[tuple[Policy, ...], tuple[Policy, ...]]:
    """The outer policies (by head only) and the inner ones."""
    outer = tuple(policy for policy in policies if policy.stage in OUTER)
    return outer, tuple(policy for policy in policies if policy.stage not in OUTER)


def _wrap(step: Step, proceed: Proceed, label: str, kit: Kit, *, traced: bool) -> Proceed:
    if not traced:
        return lambda exchange: step(exchange, proceed)
    now = kit.clock.now

    async def timed(exchange: Exchange) -> Reply:
        begun = now()
        try:
            reply = await step(exchange, _noting(proceed, exchange, label, begun, now))
        except Refusal as refusal:
            if refusal.policy == label:
                exchange.decisions.append((label, "refuse", f"{refusal.code}: {refusal.reason}"))
            raise
        return reply

    return timed


def _noting(proceed: Proceed, exchange: Exchange, label: str, begun: float, now: Callable[[], float]) -> Proceed:
    async def passed(inner: Exchange) -> Reply:
        exchange.decisions.append((label, "pass", f"{(now() - begun) * 1000:.3f} ms"))
        return await proceed(inner)

    return passed


def _step(policy: Policy, kit: Kit) -> Step:
    missing = policy.status(kit)
    if missing and policy.security:
        return _broken(policy, missing)
    if policy.form == "build":
        return policy.build(kit)
    return _decide(policy)


def _broken(policy: Policy, missing: str) -> Step:
    """A security policy that cannot decide never lets pass (design: what degrades)."""

    async def step(exchange: Exchange, proceed: Proceed) -> Reply:
        raise Refusal(
            "policy_unavailable",
            "A security policy of this route cannot decide at the moment.",
            reason=f"{policy.origin} {policy.label}: {missing}",
            policy=policy.label,
        )

    return step


def _decide(policy: Policy) -> Step:
    decide, label = policy.decide, policy.label
    enforce: Literal[True, False] = policy.mode == "enforce"

    async def refuse(exchange: Exchange, refusal: Refusal, proceed: Proceed) -> Reply:
        refusal.policy = refusal.policy or label
        if enforce:
            raise refusal
        exchange.decisions.append((label, "would refuse", refusal.code))
        return await proceed(exchange)

    def step(exchange: Exchange, proceed: Proceed) -> "object":
        refusal = decide(exchange)
        return proceed(exchange) if refusal is None else refuse(exchange, refusal, proceed)

    return step  # type: ignore[return-value]  # both branches return the awaitable


def _admit(written: tuple[Policy, ...], store: Admission, *, offline: bool) -> Step:
    claimants = tuple([one for one in written if not one.each_attempt])
    of_attempts = tuple([one for one in written if one.each_attempt])
    take_now: AtOnce | None = getattr(store, "take_now", None)

    def at_once(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
        assert take_now is not None
        taker = exchange.admission = Taker(store, claimants, exchange, of_attempts=of_attempts)
        taker.take_now(take_now)
        return proceed(exchange)

    async def step(exchange: Exchange, proceed: Proceed) -> Reply:
        taker = exchange.admission = Taker(store, claimants, exchange, of_attempts=of_attempts)
        await taker.take(None)
        return await proceed(exchange)

    async def look(exchange: Exchange, proceed: Proceed) -> Reply:
        budgets = () if exchange.principal is None else exchange.principal.budgets
        exchange.standings = await store.peek(claims_of(claimants, exchange, None, budgets))
        return await proceed(exchange)

    if offline:
        return look
    return step if take_now is None else at_once


def stage_disorder(policies: Sequence[Policy]) -> list[tuple[Policy, Policy]]:
    """Neighbours written in another order than they will run; `check` warns of them."""
    return [(a, b) for a, b in pairwise(policies) if Stage(a.stage) > Stage(b.stage)]
