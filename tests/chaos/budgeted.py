"""A house whose callers have budgets: what it shall have spent, told by the upstream's own journal and to the unit."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tests.chaos.calls import Call, ask
from tests.journeys.running import House, journal, records, write

UNITS = 10**10
"""Of the ledger, in a US dollar."""
ORDER, INPUT, OUTPUT = 1_000_000, 10_000, 20_000
"""Units that an order and a token cost."""
COINS = tuple(f"{10.0**-power:.{power}f}" for power in range(1, 11))
"""Prices of calls, each a tenth of the one before, down to one unit."""
MOST_OUTPUT = 12
LIMITS = {"acme": 9, "web": 7, "ci": 5, "tight": 0.003}
"""Dollars that the org, the team, its consumer `ci` and its consumer `tight` may spend."""

CONFIGURATION = """
{settings}
services: {{orders: {{endpoints: ["http://127.0.0.1:{orders}"]}}}}
routes:
  orders: {{service: orders, match: {{path: /orders}}, price: 0.0001, policies: [{{use: key_auth}}]}}
  slow: {{service: orders, match: {{path: /slow}}, price: 0.0001, policies: [{{use: key_auth}}]}}
  free: {{service: orders, match: {{path: /health}}, policies: [{{use: key_auth}}]}}
{coins}
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{input: 1, output: 2}}}}}}
models: {{plain: {{deployments: [{{provider: scripted, model: scripted}}]}}}}
servers: {{tools: {{url: "http://127.0.0.1:{mcp}/mcp", price: 0.0001}}}}
llm:
  policies:
    - use: key_auth
    - {{use: token_limit, total: 100000000, requests: 1000000, window: 1h, by: team}}
orgs:
  acme:
    budget: {{money: {acme}, per: year}}
    teams:
      web:
        budget: {{money: {web}, per: quarter}}
        consumers:
          ci: {{budget: {{money: {ci}, rolling: 30d}}}}
          cd: {{}}
          tight: {{budget: {{money: {tight}, per: quarter}}}}
      ops: {{consumers: {{ci: {{}}}}}}
"""


def furnish_budgets(directory: Path, samples, settings: str = "", **limits: float) -> Path:
    """Write it for these samples."""
    route = "  coin{0}: {{service: orders, match: {{path: /coin/{0}}}, price: {1}, policies: [{{use: key_auth}}]}}"
    coins = "\n".join(route.format(number, coin) for number, coin in enumerate(COINS, 1))
    ports = {name: samples.ports[name] for name in ("orders", "llm", "mcp")}
    return write(directory, CONFIGURATION.format(settings=settings, coins=coins, **ports, **{**LIMITS, **limits}))


def said(tokens: int, pace: float = 0.0, *, stream: bool = True, most: int = MOST_OUTPUT) -> dict:
    """A chat request whose answer has so many tokens, or `most` of them."""
    script = f'{{"script": {{"tokens": {tokens}, "pace": {pace:.4f}}}}}'
    asked = [{"role": "user", "content": script}]
    return {"model": "plain", "stream": stream, "max_tokens": most, "messages": asked}


async def spend_the_rest(house: House, key: str) -> int:
    """Buy for as much as the budgets of `key` let pass, down to one unit; the units that were left."""
    left = 0
    for number in range(1, len(COINS) + 1):
        for _ in range(1_000):
            answer = await ask(house.port, f"/coin/{number}", key=key)
            assert answer.status in (404, 429), (answer.status, answer.text)
            if answer.status == 429:
                break
            left += UNITS // 10**number
    return left


class Truth:
    """What the upstreams have seen and done, by exchange: their journals, written before anyone could know of it."""

    def __init__(self, log: Path) -> None:
        lines = journal(log)
        self.asked = {
            line["id"]: line for line in lines if line["event"] == "request" and line.get("path") != "/health"
        }
        self.ended = {line["id"]: line for line in lines if line["event"] != "request"}

    def cost(self, exchange: str) -> int | None:
        """Units that it is worth; None where the upstream does not say (a stream that broke may have said more)."""
        asked, ended = self.asked[exchange], self.ended.get(exchange)
        if asked["sample"] != "llm":
            path = asked["path"]
            return UNITS // 10 ** int(path.removeprefix("/coin/")) if path.startswith("/coin/") else ORDER
        if ended is None or ended["event"] != "answered":
            return None
        return ended["usage"]["prompt_tokens"] * INPUT + ended["usage"]["completion_tokens"] * OUTPUT


def check_ledger(directory: Path, log: Path) -> Counter[str]:
    """One last row for each call that an upstream saw, at its price, and sums that are the rows'; rows by kind."""
    rows = records(directory)
    check_sums(directory, rows)
    return check_rows(rows, log)


def check_rows(rows: list[dict], log: Path) -> Counter[str]:
    """One last row for each call that an upstream saw, at its price; rows by kind."""
    truth = Truth(log)
    last = Counter(row["exchange"] for row in rows if row["kind"] in ("final", "unknown"))
    wrong = [name for name in truth.asked if last[name] != 1]
    assert wrong == [], f"{len(wrong)} of {len(truth.asked)} calls that an upstream saw have no last row, or several"
    for row in rows:
        if row["exchange"] not in truth.asked:
            assert row["kind"] == "unknown" or not row["cost"], row
            continue
        worth = truth.cost(row["exchange"])
        if row["kind"] == "unknown":
            assert row["cost"] > 0, row
            assert row["cost"] >= (worth or 0), "an orphan costs all that was set aside for it"
        elif worth is not None and row["outcome"] == "ok":
            assert row["cost"] == worth, (row, worth)
    return Counter(row["kind"] for row in rows)


def check_sums(directory: Path, rows: Iterable[dict]) -> None:
    """The sums by hour and by day are those of the rows, to the unit, for each consumer and outcome."""
    raw: Counter[tuple] = Counter()
    for row in rows:
        raw[row["consumer"], row["outcome"], "cost"] += row["cost"]
        raw[row["consumer"], row["outcome"], "requests"] += row["kind"] in ("final", "unknown")
    path = directory / ".triplegate" / "triplegate.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        for table in ("rollups_hour", "rollups_day"):
            summed: Counter[tuple] = Counter()
            asked = f"SELECT consumer, outcome, SUM(cost), SUM(requests) FROM {table} GROUP BY consumer, outcome"  # noqa: S608
            for consumer, outcome, cost, requests in database.execute(asked):
                summed[consumer, outcome, "cost"] += cost
                summed[consumer, outcome, "requests"] += requests
            unpriced = "SELECT consumer, outcome, SUM(requests) FROM rollups_minute GROUP BY consumer, outcome"
            for consumer, outcome, requests in database.execute(unpriced):
                summed[consumer, outcome, "requests"] -= requests
            assert +summed == +raw, table


def spent(house: House, by: str) -> dict[str, int]:
    """Units that the ledger has, by org, team or consumer of acme/web; the ledger is drained first."""
    found: Counter[str] = Counter()
    for (team, name), row in house.usage("team", by).items():
        if by != "consumer" or team == "web":
            found[name] += round(float(row["cost"]) * UNITS)
    return found


async def check_budgets(house: House, keys: dict[str, str]) -> dict[str, int]:
    """Each budget is spent to its last unit, by calls that need all that is left of it; units left before.

    Only a counter that agrees with the ledger lets that come out even.
    """
    left = {}
    for name, level in (("ci", "consumer"), ("cd", "team"), ("ops", "org")):
        budget = {"cd": "web", "ops": "acme"}.get(name, name)
        left[budget] = await spend_the_rest(house, keys[name])
        found = await asyncio.to_thread(spent, house, level)
        assert found[budget] == round(LIMITS[budget] * UNITS), (budget, found, left)
    return left


def keys_of(house: House) -> dict[str, str]:
    """A key for each who spends."""
    return {
        "ci": house.key("web", "ci"),
        "cd": house.key("web", "cd"),
        "tight": house.key("web", "tight"),
        "ops": house.key("ops", "ci"),
    }


def order(house: House, key: str) -> Call:
    """A call that has its price."""
    return Call(house.port, "/orders/ord_1001", key=key)
