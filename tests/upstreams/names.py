"""A name server of our own: what names lead to, how often it was asked, and whether it answers."""

import asyncio

from triplegate.upstreams.resolve import Resolver


class Fixed(Resolver):
    """Resolves every name to the given addresses."""

    __slots__ = ("asked", "hangs", "rows")

    def __init__(self, rows, **options):
        super().__init__(**options)
        self.rows = rows
        self.asked = 0
        self.hangs = False

    async def _resolve(self, host, port):
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.rows, OSError):
            raise self.rows
        return tuple(self.rows)
