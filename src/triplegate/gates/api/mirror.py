"""Copies of calls that go to other services: detached, bounded, and nobody hears of their answers."""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Numbers
from triplegate.core.fold import Chain
from triplegate.core.http import Headers, Inbound
from triplegate.core.outgoing import Copy
from triplegate.core.ports import Kit
from triplegate.core.usage import Usage
from triplegate.upstreams.retries import TEED

MARK = (b"x-triplegate-mirror", b"1")
CREDENTIALS = frozenset({b"authorization", b"cookie", b"x-api-key", b"api-key", b"x-goog-api-key"})
"""Fields of the client that a copy goes without, unless its policy says otherwise."""


class Job(msgspec.Struct, frozen=True, eq=False):
    """One copy, ready to be sent."""

    copy: Copy
    exchange: Exchange
    headers: Headers
    chain: Chain
    target: Target


class Copies:
    """What became of a policy's copies, and those that wait; kept by `kit.state` under the policy's label."""

    __slots__ = ("counts", "label", "running", "waiting")

    def __init__(self, label: str) -> None:
        self.label = label
        self.counts: Counter[str] = Counter()
        """By outcome: sent, failed, dropped (no room), unfit (the body is too large or comes in pieces)."""
        self.running = 0
        self.waiting: deque[Job] = deque()


def copies_of(kit: Kit, label: str) -> Copies:
    """The copies of the policy with this label."""
    return kit.state(Copies, label, lambda: Copies(label))


class Mirrors:
    """Sends the copies that policies ask for."""

    __slots__ = ("_kit", "_services")

    def __init__(self, kit: Kit, services: Mapping[str, Target]) -> None:
        self._kit, self._services = kit, services

    async def send(self, exchange: Exchange, headers: Headers, chain: Chain, copies: list[Copy]) -> None:
        """Start what there is room for; only a small body of known length is waited for, as for a retry."""
        fit = await _kept(exchange.inbound)
        for copy in copies:
            state = copies_of(self._kit, copy.label)
            if not fit:
                state.counts["unfit"] += 1
                continue
            kept = headers if copy.credentials else [line for line in headers if line[0] not in CREDENTIALS]
            job = Job(copy, exchange, [*kept, MARK], chain, self._services[copy.service])
            if state.running < copy.concurrency:
                self._start(state, job)
            elif len(state.waiting) < copy.queue:
                state.waiting.append(job)
            else:
                state.counts["dropped"] += 1

    def _start(self, state: Copies, job: Job) -> None:
        try:
            self._kit.supervisor.spawn(_run(state, job), "mirror")
        except Refusal:
            state.counts["dropped"] += 1
        else:
            state.running += 1


async def _run(state: Copies, job: Job) -> None:
    """This copy, then those that waited for its place."""
    try:
        while True:
            state.counts["sent" if await _sent(job) else "failed"] += 1
            if not state.waiting:
                return
            job = state.waiting.popleft()
    finally:
        state.running -= 1


async def _sent(job: Job) -> bool:
    """Whether an answer came; its connection is given up with it."""
    exchange, target = job.exchange, job.target
    started = exchange.house.clock.now()
    attempt = Attempt(1, target, "mirror", None, job.headers, started, Numbers(), Usage())
    attempt.outgoing = exchange.outgoing
    try:
        async with asyncio.timeout(job.copy.timeout):
            reply = await target.wiring.send(exchange, job.headers, job.chain, attempt)
        reply.frames.close()
    except (Refusal, TimeoutError):
        return False
    else:
        return True
    finally:
        if attempt.use is not None:
            attempt.use.end()


async def _kept(inbound: Inbound) -> bool:
    """Whether the body can be sent twice."""
    body = inbound.body
    if body.kind == "one_pass" and body.length is not None and body.length <= TEED:
        if inbound.header(b"expect") is not None:
            return False
        await body.whole(TEED)
    return body.kind != "one_pass"
