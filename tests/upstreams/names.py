"""A name server of our own: what names lead to, how often it was asked, and whether it answers."""

import asyncio

from triplegate.upstreams.lookups import Lookups
from triplegate.upstreams.resolve import Resolver


class Answers(Lookups):
    """Look-ups without threads, answered by `Fixed`."""

    def __init__(self, fixed):
        super().__init__()
        self.fixed = fixed

    def _start(self, key):
        self.fixed.asked += 1
        if not self.fixed.hangs:
            rows = self.fixed.rows
            asyncio.get_running_loop().call_soon(self._landed, key, rows if isinstance(rows, OSError) else tuple(rows))


class Fixed(Resolver):
    """Resolves every name to the given addresses."""

    __slots__ = ("asked", "hangs", "rows")

    def __init__(self, rows, **options):
        super().__init__(lookups=Answers(self), **options)
        self.rows = rows
        self.asked = 0
        self.hangs = False
