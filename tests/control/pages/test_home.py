"""Every number on the page is the answer of a query that anybody can repeat."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from triplegate.control.view import Degraded, Running
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.record import Record

MakeExchange = Callable[..., Exchange]
MakeRecord = Callable[..., Record]


class Rows(HTMLParser):
    """Rows and numbers of the page by their data attributes, read as a stranger would."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[str]] = {}
        self.numbers: dict[tuple[str, str], str] = {}
        self._row = self._gate = self._number = ""
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "tr":
            kind = next((name for name in found if name.startswith("data-")), "")
            self._row = f"{kind[5:]}:{found[kind]}" if kind else ""
        elif tag == "article":
            self._gate = found.get("data-gate") or ""
        elif tag == "dd":
            self._number = found.get("data-number") or ""
        elif tag in ("td", "th") and self._row:
            self._cell = True
            self.rows.setdefault(self._row, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "dd":
            self._number = ""

    def handle_data(self, text: str) -> None:
        if self._cell:
            self.rows[self._row][-1] += text
        if self._number:
            self.numbers[self._gate, self._number] = text


def traffic(stage: Any, make_exchange: MakeExchange, make_record: MakeRecord) -> None:
    for gate, count in (("api", 5), ("llm", 3)):
        for number in range(count):
            stage.telemetry.finished(make_exchange(), make_record(gate=gate, exchange=f"{gate}{number}"))
    refused = make_exchange(refusal=Refusal("quota_exceeded", "slow down", policy="rate_limit"))
    stage.telemetry.finished(refused, make_record(outcome="refused", refusal="quota_exceeded", status=429))


def counted(metrics: str, name: str, gate: str) -> int:
    pattern = re.compile(rf'^{name}{{triplegate_gate="{gate}".*}} (\d+)$', re.MULTILINE)
    return sum(int(number) for number in pattern.findall(metrics))


async def test_gate_numbers_equal_the_metrics_and_the_status(
    stage: Any, make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    traffic(stage, make_exchange, make_record)
    async with stage.client(await stage.token("viewer")) as client:
        page = Rows((await client.get("/")).text)
        metrics = (await client.get("/metrics")).text
        status = (await client.get("/admin/v1/status")).json()
    for gate, expected in (("api", 6), ("llm", 3), ("mcp", 0)):
        assert int(page.numbers[gate, "requests"]) == expected
        assert counted(metrics, "http_server_request_duration_seconds_count", gate) == expected
        assert int(page.numbers[gate, "refused"]) == counted(metrics, "triplegate_refusals_total", gate)
        assert int(page.numbers[gate, "active"]) == status["active"][gate]
    assert page.numbers["api", "refused"] == "1"


async def test_team_numbers_equal_the_usage_report(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        page = Rows((await client.get("/")).text)
        report = (await client.get("/admin/v1/usage?by=org&by=team")).json()
    shown = {name: cells[1:] for name, cells in page.rows.items() if name.startswith("team:")}
    columns = ("requests", "refused", "failed", "tokens_in", "tokens_out", "cost")
    assert shown == {
        f"team:{row['labels']['org']}/{row['labels']['team']}": [str(row[name]) for name in columns]
        for row in report["rows"]
    }
    assert shown["team:acme/web"] == ["3", "1", "1", "130", "57", "0.0125000001"]


async def test_upstreams_routes_and_configuration_equal_the_api(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        answer = await client.get("/")
        page = Rows(answer.text)
        upstreams = (await client.get("/admin/v1/upstreams")).json()
        endpoints = (await client.get("/admin/v1/endpoints")).json()
        routes = (await client.get("/admin/v1/routes")).json()
        config = (await client.get("/admin/v1/config")).json()
    for one in upstreams:
        cells = page.rows[f"upstream:{one['name']}"]
        assert cells[3].split()[0] == one["state"]
        assert cells[4:] == [str(one["open"]), str(one["idle"]), str(one["waiting"])]
    for one in endpoints:
        cells = page.rows[f"endpoint:{one['service']} {one['address']}"]
        assert cells[2].split()[0] == one["state"]
        assert cells[3:8] == [str(one[name]) for name in ("weight", "active", "calls", "failed", "ejections")]
        assert cells[8] == (f"{one['latency'] * 1000:.1f}" if one["latency"] else "–")
    for one in routes:
        assert page.rows[f"route:{one['name']}"][4] == " → ".join(one["policies"])
    assert f'<strong id="generation">{config["generation"]}</strong>' in answer.text
    assert config["hash"][:12] in answer.text


async def test_the_tail_equals_the_last_exchanges(
    stage: Any, make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    traffic(stage, make_exchange, make_record)
    async with stage.client(await stage.token("viewer")) as client:
        page = Rows((await client.get("/")).text)
        entries = (await client.get("/admin/v1/exchanges")).json()
    shown = [name.removeprefix("exchange:") for name in page.rows if name.startswith("exchange:")]
    assert shown == list(dict.fromkeys([entry["id"] for entry in reversed(entries)]))
    assert page.rows["exchange:api0"][4] == "200"


async def test_a_caller_of_one_team_sees_nothing_of_the_others(
    stage: Any, make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    stage.view.config = Running("h" * 64, 3, 1.0, "/secret/place", last_error="bills.yaml:1:1 wrong")
    stage.view.trouble = [Degraded("umbrella-upstream", "away")]
    stage.telemetry.finished(make_exchange(), make_record(org="umbrella", team="books", consumer="robot"))
    async with stage.client(await stage.token("owner", org="acme", team="web")) as client:
        text = (await client.get("/")).text
    for word in ("umbrella", "books", "robot", "bills", "127.0.0.1:9002", "/secret/place"):
        assert word not in text
    assert "acme / web" in text


async def test_a_bad_configuration_and_degraded_parts_are_told_at_the_top(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        assert 'class="banner' not in (await client.get("/")).text
        stage.view.config = Running("h" * 64, 3, 1.0, "d", last_error="a.yaml:3:1 unknown field 'x'", last_error_at=9.0)
        stage.view.trouble = [Degraded("redis", "limits are kept locally")]
        text = (await client.get("/")).text
    assert "The newest configuration was not taken" in text
    assert "a.yaml:3:1 unknown field &#39;x&#39;" in text
    assert "Degraded: redis." in text
