"""One timer, however many deadlines; it goes off when the soonest is due and not much more often."""

import asyncio
import time

from triplegate.upstreams.deadlines import NEVER, Deadlines


class Member:
    def __init__(self, due):
        self.due, self.fired, self.checks = due, None, 0

    def check(self, now):
        self.checks += 1
        if self.due <= now:
            self.fired, self.due = time.monotonic(), NEVER
        return self.due


async def test_each_deadline_is_kept_within_its_grain():
    now = time.monotonic()
    members = [Member(now + seconds) for seconds in (0.05, 0.1, 0.1, 0.2)]
    dues = [member.due for member in members]
    deadlines = Deadlines(lambda: members, time.monotonic)
    for member in reversed(members):
        deadlines.pull(member.due)
    async with asyncio.timeout(5):
        while not all(member.fired for member in members):
            await asyncio.sleep(0.01)
    for member, due in zip(members, dues, strict=True):
        assert member.fired >= due - 0.005
    assert deadlines.soonest == NEVER
    assert members[-1].checks <= 6


async def test_deadlines_that_move_forward_cost_no_timer():
    member = Member(NEVER)
    deadlines = Deadlines(lambda: [member], time.monotonic)
    now = time.monotonic()
    deadlines.pull(now + 1.0)
    handle = deadlines._handle
    for step in range(1000):
        member.due = now + 2.0 + step
        deadlines.pull(member.due)
    assert deadlines._handle is handle
    deadlines.stop()
    assert handle.cancelled()
    assert deadlines.soonest == NEVER
