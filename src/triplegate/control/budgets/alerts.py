"""Tells when a budget is nearly spent: once for each window and threshold, over all nodes, until it is taken."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from triplegate.config.documents_alerts import AlertsDocument
from triplegate.control.budgets.listing import Place, place_of, view
from triplegate.control.budgets.reading import Bucket
from triplegate.core.admission import Balance
from triplegate.core.calendar import Rolling, window_number
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.core.ports import Dial, Secrets
from triplegate.core.raises import Raised
from triplegate.wire.standard_webhooks import signed

TRIES = 10
_FIRST, _LONGEST = 10.0, 3_600.0
"""Seconds between two tries: doubled from the first to the second."""
_EVERY = 5.0
_CLEAN = 3_600.0


class Outbox(Protocol):
    """Keeps messages until they are sent."""

    async def put(self, message_id: str, kind: str, body: str, now: float) -> bool:
        """Keep one; False when it is known."""
        ...

    async def known(self, ids: list[str]) -> set[str]:
        """Those that are or were there."""
        ...

    async def claim(self, now: float) -> list[Any]:
        """Those that are due, for the caller alone."""
        ...

    async def sent(self, message_id: str) -> None:
        """It was taken."""
        ...

    async def failed(self, message_id: str, failure: str, again: float | None) -> None:
        """It was not."""
        ...

    async def troubled(self) -> list[Any]:
        """Those that failed and are not sent."""
        ...

    async def clean(self, now: float) -> None:
        """Forget what is over for long."""
        ...


class Alerts:
    """Finds crossings, and posts them to the webhook."""

    def __init__(
        self,
        outbox: Outbox,
        dial: Dial,
        secrets: Secrets,
        clock: Clock,
        raised: Raised,
        written: Callable[[], AlertsDocument],
    ) -> None:
        self._outbox, self._dial, self._secrets = outbox, dial, secrets
        self._clock, self._raised, self._written = clock, raised, written
        self.trouble = ""
        """What could not be told, and why; empty when all was."""
        self.sent = 0
        self._news = asyncio.Event()
        self._cleaned = 0.0

    async def look(self, spent: Mapping[str, Bucket]) -> None:
        """Note what is crossed and was not told yet. Raises DatabaseUnavailable."""
        if self._written().webhook is None:
            return
        wall = self._clock.wall()
        found: dict[str, tuple[Place, Bucket, float]] = {}
        for bucket in spent.values():
            allowance = bucket.budget.allowance
            quota = allowance.limit.quota + sum(one.amount for one in self._raised.of(bucket.name))
            place = place_of(allowance, bucket.holder, {})
            for share in allowance.soft:
                if bucket.spent >= share * quota:
                    found[alert_id(bucket, share, wall)] = (place, bucket, share)
        known = await self._outbox.known(list(found)) if found else set()
        for name, (place, bucket, share) in found.items():
            if name not in known:
                body = self._body(name, place, bucket, share, wall)
                if await self._outbox.put(name, "budget.threshold", body, wall):
                    self._news.set()

    def _body(self, name: str, place: Place, bucket: Bucket, share: float, wall: float) -> str:
        shown = view(place, Balance(bucket.spent, 0, bucket.period), self._raised.of(bucket.name), wall)
        said = {
            "type": "budget.threshold",
            "id": name,
            "threshold": share,
            "at": datetime.fromtimestamp(wall, UTC),
            **{field: getattr(shown, field) for field in _FIELDS},
        }
        return msgspec.json.encode(said).decode()

    async def run(self) -> None:
        """For as long as the process serves."""
        while True:
            self._news.clear()
            with suppress(Exception):  # the database is away, which is told elsewhere
                await self.send()
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._news.wait()

    async def send(self) -> None:
        """Post what is due, one after the other. Raises DatabaseUnavailable."""
        written, now = self._written(), self._clock.wall()
        if written.webhook is None:
            self.trouble = ""
            return
        for message in await self._outbox.claim(now):
            failure = await self._post(written.webhook, written.secret, message)
            if not failure:
                self.sent += 1
                await self._outbox.sent(message.message_id)
            else:
                last = message.tries + 1 >= TRIES
                wait = min(_LONGEST, _FIRST * 2.0**message.tries)
                await self._outbox.failed(message.message_id, failure, None if last else now + wait)
        troubled = await self._outbox.troubled()
        self.trouble = f"{len(troubled)} alerts are not delivered: {troubled[-1].failure}" if troubled else ""
        if now - self._cleaned > _CLEAN:
            self._cleaned = now
            await self._outbox.clean(now)

    async def _post(self, url: str, secret: str | None, message: Any) -> str:
        """Empty when it was taken, else why not."""
        body = message.body.encode()
        headers: Headers = [(b"content-type", b"application/json"), (b"user-agent", b"triplegate")]
        key = None
        if secret is not None:
            key = self._secrets.read(secret)
            if key is None:
                return "the secret that posts are signed with is not there"
        headers += signed(key, message.message_id, int(self._clock.wall()), body)
        try:
            status, _, _ = await self._dial.fetch("POST", url, headers, body)
        except Refusal as refusal:
            return refusal.reason or refusal.code
        return "" if 200 <= status < 300 else f"the webhook answered {status}"


_FIELDS = ("budget", "holder", "by", "org", "team", "unit", "window", "begin", "end", "mode", "limit", "spent")


def alert_id(bucket: Bucket, share: float, wall: float) -> str:
    """One for each budget, window and threshold; of rolling windows one in each length."""
    window = bucket.budget.allowance.limit.window
    number = window_number(window, wall)
    if isinstance(window, Rolling):
        number //= window.slices
    return hashlib.sha256(f"{bucket.name} {number} {share:g}".encode()).hexdigest()[:32]
