"""Threads for what would hold up the loop: few of them, and a bounded number of calls that wait for one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit

T = TypeVar("T")
Inputs = TypeVarTuple("Inputs")

REWRITTEN = 65_536
"""Bytes from which on what is translated is translated in a thread: up to 2 ms for each 16 KiB of small parts."""
READ = 524_288
"""Bytes from which on what passes is searched, read and edited in a thread: 2 ms and more."""
THREADS = 2
"""More of them would not be quicker: one of them computes at a time."""
MOST = 1024
"""Calls that wait or run."""


class Beside:
    """A pool of threads of its own, which nothing else can fill (as names that hang fill the loop's own one)."""

    __slots__ = ("_pool", "_under_way")

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._under_way = 0

    @classmethod
    def kept(cls, kit: Kit) -> "Beside":
        """The one of this process."""
        return kit.state(cls, "llm", cls)

    async def run(self, work: Callable[[*Inputs], T], *inputs: *Inputs) -> T:
        """What `work` returns or raises. Raises Refusal overloaded when too many wait."""
        if self._under_way >= MOST:
            raise Refusal("overloaded", "Too many large calls are under way.", retry_after=1.0)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="llm")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *inputs)
        finally:
            self._under_way -= 1
