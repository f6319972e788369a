"""Each threshold is told once, signed, to a webhook that may be away for a while; what it never takes stays visible."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from tests.builders import DictSecrets
from tests.control.budgets.test_reading import DAY, budget
from tests.stores.sql.databases import opened

from triplegate.config.documents_alerts import AlertsDocument
from triplegate.control.budgets.alerts import TRIES, Alerts
from triplegate.control.budgets.reading import Bucket
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.raises import Raise, Raised
from triplegate.stores.memory.admission import MemoryAdmission
from triplegate.stores.sql.outbox import SqlOutbox

URL = "https://hooks.example.com/budgets"


class Hook:
    """The far end of the dial: keeps what came, answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[bytes, bytes], dict[str, Any]]] = []
        self.answer: int | Refusal = 204
        self.raw = b""

    async def fetch(self, method: str, url: str, headers: Any, body: bytes = b"") -> Any:
        self.posts.append((url, dict(headers), json.loads(body)))
        self.raw = body
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer, [], b""


class Stage:
    def __init__(self, database: Any, window: Any = None) -> None:
        self.clock = SetClock(wall=1_767_225_600.0 + 40 * DAY)
        self.hook, self.raised = Hook(), Raised(MemoryAdmission(self.clock), self.clock)
        self.written = AlertsDocument.model_validate({"webhook": URL, "secret": "env:S"})
        self.secrets = DictSecrets({"env:S": "whsec"})
        self.budget = budget("team:acme/web", "team", window or Calendar("month"), {"org": "acme", "team": "web"})
        self.outbox = SqlOutbox(database)
        self.alerts = self.another()

    def another(self) -> Alerts:
        """The alerts of one more node."""
        return Alerts(self.outbox, self.hook, self.secrets, self.clock, self.raised, lambda: self.written)

    async def spend(self, amount: int, alerts: Alerts | None = None) -> list[float]:
        """The ledger says so; the thresholds that are told of it."""
        bucket = Bucket(self.budget, "acme/web", 0)
        bucket.spent = amount
        before = len(self.hook.posts)
        await (alerts or self.alerts).look({bucket.name: bucket})
        await (alerts or self.alerts).send()
        return sorted(said["threshold"] for _, _, said in self.hook.posts[before:])


@pytest.fixture
async def stage(tmp_path: Any) -> Any:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        yield Stage(database)


async def test_each_threshold_is_told_once_in_its_window_by_any_node(stage: Stage) -> None:
    assert await stage.spend(499) == []
    assert await stage.spend(500) == [0.5]
    assert await stage.spend(700) == []
    other = stage.another()
    assert await stage.spend(1_200, other) == [0.8, 1.0]
    assert await stage.spend(1_300) == []
    stage.clock.advance(30 * DAY)
    assert await stage.spend(600) == [0.5]


async def test_it_says_what_a_reader_needs_and_who_sent_it(stage: Stage) -> None:
    await stage.spend(500)
    ((url, headers, said),) = stage.hook.posts
    assert url == URL
    assert {name: said[name] for name in ("type", "budget", "holder", "org", "team", "window", "unit", "mode")} == {
        "type": "budget.threshold",
        "budget": "team:acme/web",
        "holder": "acme/web",
        "org": "acme",
        "team": "web",
        "window": "month",
        "unit": "USD",
        "mode": "enforce",
    }
    assert (said["spent"], said["limit"], said["begin"]) == ("0.00000005", "0.0000001", "2026-02-01T00:00:00Z")
    name, stamp = headers[b"webhook-id"], headers[b"webhook-timestamp"]
    right = base64.b64encode(hmac.digest(b"whsec", name + b"." + stamp + b"." + stage.hook.raw, hashlib.sha256))
    assert headers[b"webhook-signature"] == b"v1," + right


async def test_what_was_granted_moves_the_thresholds(stage: Stage) -> None:
    stage.raised.take_over([Raise("r", stage.budget.allowance.bucket("acme/web"), 1_000, stage.clock.wall() + DAY)])
    assert await stage.spend(900) == []
    assert await stage.spend(1_000) == [0.5]


async def test_a_rolling_window_is_told_of_once_in_its_length(stage: Stage) -> None:
    stage.budget = budget("team:acme/web", "team", Rolling(30 * DAY), {"org": "acme", "team": "web"})
    stage.clock.advance((-stage.clock.wall()) % (30 * DAY) + 60.0)
    assert await stage.spend(500) == [0.5]
    stage.clock.advance(20 * DAY)
    assert await stage.spend(500) == []
    stage.clock.advance(11 * DAY)
    assert await stage.spend(500) == [0.5]


async def test_a_webhook_that_is_away_is_tried_again_and_given_up_in_the_end(stage: Stage) -> None:
    stage.hook.answer = Refusal("upstream_unreachable", reason="no route to hooks.example.com")
    assert await stage.spend(500) == [0.5]
    assert "1 alerts are not delivered: no route to" in stage.alerts.trouble
    await stage.alerts.send()
    assert len(stage.hook.posts) == 1, "not before its time"
    stage.hook.answer = 500
    for _ in range(TRIES + 5):
        stage.clock.advance(3_601.0)
        await stage.alerts.send()
    assert len(stage.hook.posts) == TRIES
    assert "the webhook answered 500" in stage.alerts.trouble
    stage.hook.answer = 204
    assert await stage.spend(800) == [0.8]
    assert stage.alerts.trouble, "what was given up stays visible"


async def test_one_that_is_back_gets_what_waited(stage: Stage) -> None:
    stage.hook.answer = 503
    await stage.spend(500)
    stage.hook.answer = 200
    stage.clock.advance(11.0)
    await stage.alerts.send()
    assert (len(stage.hook.posts), stage.alerts.trouble, stage.alerts.sent) == (2, "", 1)


async def test_without_its_secret_nothing_is_sent_and_without_a_webhook_nothing_is_kept(stage: Stage) -> None:
    stage.secrets.values.clear()
    assert await stage.spend(500) == []
    assert "the secret" in stage.alerts.trouble
    stage.written = AlertsDocument()
    await stage.spend(1_000)
    assert not stage.alerts.trouble
    stage.written = AlertsDocument.model_validate({"webhook": URL})
    assert await stage.spend(800) == [0.8]
    assert b"webhook-signature" not in stage.hook.posts[-1][1]


async def test_it_sends_by_itself_whatever_the_database_does(stage: Stage) -> None:
    failures = iter([OSError("away")])
    claim = stage.outbox.claim

    async def failing(now: float) -> Any:
        for error in failures:
            raise error
        return await claim(now)

    stage.outbox.claim = failing  # type: ignore[method-assign,assignment]
    running = asyncio.ensure_future(stage.alerts.run())
    bucket = Bucket(stage.budget, "acme/web", 0)
    bucket.spent = 500
    await stage.alerts.look({bucket.name: bucket})
    async with asyncio.timeout(5):
        while not stage.hook.posts:
            stage.alerts._news.set()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
