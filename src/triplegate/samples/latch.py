"""A latch lets a test step a stream: chunk 2 leaves only after the test saw chunk 1 at the client."""

import asyncio
from typing import Any

_LATCHES = 256


class Latch:
    """Lets the first piece pass; each further one waits for a release."""

    def __init__(self) -> None:
        self.passed = self.waiting = 0
        self.permits = 1
        self.outcome = ""
        """How the answer ended: answered, cut or gone; empty while it runs."""
        self._changed = asyncio.Event()

    async def pass_one(self) -> None:
        """Wait until one more piece may go."""
        self.waiting += 1
        self._tell()
        try:
            while self.permits <= 0:
                await self._changed.wait()
        finally:
            self.waiting -= 1
        self.permits -= 1
        self.passed += 1
        self._tell()

    def release(self, pieces: int) -> None:
        """Let `pieces` more pass."""
        self.permits += pieces
        self._tell()

    def end(self, outcome: str) -> None:
        """Note how the answer ended."""
        self.outcome = outcome
        self._tell()

    async def ended(self, seconds: float) -> bool:
        """Wait until the answer has ended; false when it did not within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not self.outcome:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def state(self) -> dict[str, Any]:
        """What a test may look at."""
        return {"passed": self.passed, "waiting": self.waiting, "permits": self.permits, "outcome": self.outcome}

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Latches:
    """The latches of one sample by name; made at first use, the oldest forgotten beyond 256."""

    def __init__(self) -> None:
        self._latches: dict[str, Latch] = {}

    def get(self, name: str) -> Latch:
        """The latch of that name."""
        latch = self._latches.get(name)
        if latch is None:
            if len(self._latches) >= _LATCHES:
                del self._latches[next(iter(self._latches))]
            latch = self._latches[name] = Latch()
        return latch
